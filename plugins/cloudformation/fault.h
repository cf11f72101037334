/* SPDX-License-Identifier: MIT */
/* Why something of a template or a resource does not do, in words for the user. */
#ifndef CFN_FAULT_H
#define CFN_FAULT_H

#include <errno.h>
#include <virga/abi.h>

/* Room for a message with its NUL; what is longer is cut. */
#define FAULT_SIZE 2048

struct fault {
    char text[FAULT_SIZE];
};

/* Writes the message and returns -EINVAL, so that callers can return it. */
VIRGA_PRINTF(2, 3)
static inline int fault_set(struct fault *fault, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return -EINVAL;
}

#endif
