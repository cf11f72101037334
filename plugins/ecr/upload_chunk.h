/* SPDX-License-Identifier: MIT */
/* What a chunk of an upload says of its place, and what an upload session's address says of how
 * much it has. Pure. */
#ifndef ECR_UPLOAD_CHUNK_H
#define ECR_UPLOAD_CHUNK_H

#include "ecr.h"
#include "strbuf.h"

/* Reads a Content-Range as OCI writes it, "<first>-<last>", or as HTTP does, "bytes
 * <first>-<last>/<size>". Errors: -EINVAL it is neither, or backwards.
 * Source: OCI distribution spec, "Pushing a blob in chunks". */
int upload_chunk_range(struct virga_str header, uint64_t *ret_first, uint64_t *ret_last);

/* Reads how many bytes the session has from the decoded `_state` of its address, which the registry
 * makes and checks: a state that does not say the truth is refused by it. Errors: -EINVAL it is no
 * state of the registry, or one of another repository than `upstream_name`. */
int upload_chunk_offset(struct virga_str state, const char *upstream_name, uint64_t *ret_offset);

/* Makes a state of the same session that says `offset`, signed as the registry signs, for a session
 * whose last answer was lost. Errors: -EINVAL the old state is not signed with `secret`, or not one
 * of this session; -ENOMEM. */
int upload_chunk_restate(struct virga_str state, const char *secret, const char *upstream_name,
                         const char *session, uint64_t offset, struct strbuf *ret_state);

#endif
