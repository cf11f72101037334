/* SPDX-License-Identifier: MIT */
/* Presigned URLs: their expiry. Signatures are not checked. Source: Amazon S3 API Reference,
 * "Authenticating requests: using query parameters". */
#ifndef S3_PRESIGN_H
#define S3_PRESIGN_H

#include "call.h"

/* Whether the request is not presigned, or in time; if not, the call has ended. */
bool presign_check(struct call *call);

/* Reads "20260102T030405Z". Errors: -EINVAL. */
int presign_time(struct virga_str text, int64_t *ret_time_ms);

#endif
