/* SPDX-License-Identifier: MIT */
/* Cross-origin resource sharing of function URLs, as the configuration says. Pure functions.
 * Source: the developer guide, "Cross-origin resource sharing (CORS)" of function URLs. */
#ifndef LAMBDA_URL_CORS_H
#define LAMBDA_URL_CORS_H

#include "url_event.h"

/* Room for the texts of one answer's headers. */
struct url_cors_texts {
    char methods[256], headers[4096], expose[4096], age[24];
};

/* Whether the request is a preflight that the configuration answers. */
bool url_cors_is_preflight(const struct virga_request *req, struct json_object *cors);
/* Puts the configuration's headers in the place of the function's own. `cors` NULL, or an origin
 * that it does not allow: nothing is added. Valid: `texts` and `req` as long as the answer. */
void url_cors_apply(const struct virga_request *req, struct json_object *cors, bool preflight,
                    struct url_cors_texts *texts, struct url_answer *answer);

#endif
