/* SPDX-License-Identifier: MIT */
/* API calls on images that a pull-through cache has to fetch first. */
#ifndef ECR_CACHE_CALL_H
#define ECR_CACHE_CALL_H

#include "call.h"
#include "image_id.h"

/* Fetches those of the call's imageIds that have to come from an upstream. Returns false when there
 * are none; else the call ends, or `then` is called later with call->state set for
 * cache_call_failure(). */
bool cache_call_fetch(struct call *call, void (*then)(struct call *call));

/* Why the index'th of imageIds could not be fetched; false: nothing is known against it. */
bool cache_call_failure(const struct call *call, size_t index, struct image_failure *ret_failure);

/* Fetches the referrers of `subject` for the call. Returns false when no upstream has to be asked;
 * else the call ends, or `then` is called later. */
bool cache_call_referrers(struct call *call, struct virga_str subject,
                          void (*then)(struct call *call));

#endif
