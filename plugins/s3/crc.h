/* SPDX-License-Identifier: MIT */
/* The reflected CRCs that S3 knows as checksums. Pure. Source: S3 User Guide, "Checking object
 * integrity"; CRC-32/ISO-HDLC, CRC-32/ISCSI and CRC-64/NVME of the CRC catalogue. */
#ifndef S3_CRC_H
#define S3_CRC_H

#include "s3.h"

enum crc_kind { CRC_32, CRC_32C, CRC_64NVME, CRC_KINDS };

/* Makes the tables; call it once, before any other. */
void crc_init(void);
/* Goes on with a CRC over further bytes; begin with 0. Thread: [any]. */
uint64_t crc_update(enum crc_kind kind, uint64_t crc, const void *bytes, size_t len);
/* The CRC of two pieces, of their CRCs and the length of the second. Thread: [any]. */
uint64_t crc_combine(enum crc_kind kind, uint64_t first, uint64_t second, uint64_t second_len);

#endif
