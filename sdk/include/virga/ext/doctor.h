/* SPDX-License-Identifier: MIT */
/* `virga doctor`: how a plugin says what it finds, and lacks, on this machine. Since ABI 1.1. */
#ifndef VIRGA_EXT_DOCTOR_H
#define VIRGA_EXT_DOCTOR_H

#include "../abi.h"

#ifdef __cplusplus
extern "C" {
#endif

enum virga_doctor_verdict {
    VIRGA_DOCTOR_OK = 0,
    VIRGA_DOCTOR_NOTE = 1, /* worth knowing; nothing is wrong */
    VIRGA_DOCTOR_WARN = 2, /* works, but part of it not, or not well */
    VIRGA_DOCTOR_FAIL = 3  /* will not work; virga doctor exits with 1 */
};

/* What a plugin's doctor() gets: the report, and what most checks are made of. Functions block.
 * Valid: for the call of doctor(). Thread: the one that called doctor(). */
struct virga_doctor {
    uint32_t struct_size;
    uint32_t reserved;

    /* Says how one thing is. `check` names it in a few words ("registry program"), `found` is what
     * was found, `remedy` what to do about it, NULL for nothing. All are copied. */
    void (*report)(const struct virga_doctor *doctor, enum virga_doctor_verdict verdict,
                   const char *check, const char *found, const char *remedy);

    /* Runs a program to its end, for a few seconds at most; `argv` ends with NULL, argv[0] is looked
     * for in PATH. `output` gets the first line that it writes, "" when it writes none. Returns its
     * exit status. Errors: -ENOENT no such program, -ETIMEDOUT it was killed, others as exec. */
    int (*run)(const struct virga_doctor *doctor, const char *const *argv, char *output,
               size_t size);

    /* Whether the host could listen on a port now: 0. Errors: -EADDRINUSE, -EACCES and others. */
    int (*try_port)(const struct virga_doctor *doctor, uint16_t port);
};

/* report() with a format for `found`. */
VIRGA_PRINTF(5, 6)
static inline void virga_doctor_report(const struct virga_doctor *doctor,
                                       enum virga_doctor_verdict verdict, const char *check,
                                       const char *remedy, const char *format, ...) {
    char found[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(found, sizeof found, format, args);
    va_end(args);
    doctor->report(doctor, verdict, check, found, remedy);
}

#ifdef __cplusplus
}
#endif
#endif
