/* SPDX-License-Identifier: MIT */
/* From struct virga_fetch_request to a curl easy handle: checks, URL, headers, method, timeouts.
 * Leaves callbacks to ext_fetch. */
#ifndef CORE_FETCH_SETUP_H
#define CORE_FETCH_SETUP_H

#include <curl/curl.h>
#include <virga/ext/fetch.h>

#include "arena.h"

/* Fills the easy handle. curl copies the texts and a body; the list of headers is the caller's to
 * free, also after an error. Errors: -EINVAL malformed, -ENOMEM. */
int fetch_setup(CURL *easy, const struct virga_fetch_request *request, struct arena *arena,
                struct curl_slist **headers);

#endif
