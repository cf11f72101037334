/* SPDX-License-Identifier: MIT */
/* The smallest program that there is for this machine: it exits with a status, and shows that a
 * runtime can run something. [any] */
#ifndef LAMBDA_OCI_PROBE_ELF_H
#define LAMBDA_OCI_PROBE_ELF_H

#include <stddef.h>

#define OCI_PROBE_STATUS 42

/* Writes it to a file, mode 0755. Errors: -ENOTSUP none is known for this architecture, those of
 * open(2) and write(2). */
int oci_probe_elf_write(const char *path);

#endif
