/* SPDX-License-Identifier: MIT */
/* The lines that Lambda itself writes into a function's log, and the error documents of what no
 * runtime could report. Pure functions. Source: AWS-recorded logs and payloads. */
#ifndef LAMBDA_REPORT_H
#define LAMBDA_REPORT_H

#include "executor.h"

/* Room for any of these lines and documents. */
#define REPORT_SIZE 1024

/* What REPORT tells of an invocation. */
struct report {
    const char *request_id;
    int64_t duration_ns;
    int64_t memory_mb;
    int64_t peak_bytes;     /* -1: not known, the field is left out */
    int64_t init_ns;        /* of a cold start; -1: none */
    const char *status;     /* "error", "timeout"; NULL: all is well */
    const char *error_type; /* "Runtime.ExitError"; NULL: not told */
};

/* "START RequestId: ... Version: ...\n". All of these return the length. */
size_t report_start(const char *request_id, const char *version, char ret_line[REPORT_SIZE]);
/* "END RequestId: ...\n" */
size_t report_end(const char *request_id, char ret_line[REPORT_SIZE]);
/* "REPORT RequestId: ...\tDuration: 1.23 ms\t...\n" */
size_t report_line(const struct report *report, char ret_line[REPORT_SIZE]);
/* "INIT_REPORT Init Duration: 150.79 ms\tPhase: init\tStatus: error\tError Type: ...\n"; phase is
 * "init" or "invoke", error_type may be NULL. */
size_t report_init(int64_t init_ns, const char *phase, const char *status, const char *error_type,
                   char ret_line[REPORT_SIZE]);
/* "RequestId: ... Error: ...\nRuntime.ExitError\n": what Lambda notes of a process that died. */
size_t report_failure(const char *request_id, const char *message, const char *error_type,
                      char ret_line[REPORT_SIZE]);
/* "2026-11-25T21:00:00.000Z <id> Task timed out after 3.00 seconds\n\n" */
size_t report_timeout(int64_t now_ms, const char *request_id, int64_t timeout_ms,
                      char ret_line[REPORT_SIZE]);

/* {"errorType":"...","errorMessage":"RequestId: ... Error: ..."}; message and type may hold
 * anything. */
size_t report_document(const char *request_id, const char *message, const char *error_type,
                       char ret_json[REPORT_SIZE]);

/* Why a process ended, in Lambda's words: type "Runtime.ExitError", message "Runtime exited with
 * error: exit status 1". Valid: `*ret_type` for ever. Not for EXECUTOR_FAILED, whose reason is not
 * the function's. */
void report_exit(const struct executor_exit *end, const char *cwd, const char **ret_type,
                 char ret_message[REPORT_SIZE]);

/* What a runtime says of its error's type, as Lambda takes it: "Runtime.X" and "Function.X" are
 * kept (up to REPORT_TYPE_MAX bytes), anything else becomes "Runtime.Unknown" or
 * "Function.Unknown". Source: aws-lambda-runtime-interface-emulator, fatalerror. */
#define REPORT_TYPE_MAX 127
void report_type(struct virga_str given, char ret_type[REPORT_TYPE_MAX + 1]);

#endif
