/* SPDX-License-Identifier: MIT */
/* Requests to function URLs. Everything is [loop]. */
#ifndef LAMBDA_URL_REQUEST_H
#define LAMBDA_URL_REQUEST_H

#include "lambda.h"

/* Answers a request whose Host is <url id>.lambda-url.<...>. */
void url_request_handle(struct lambda *lambda, struct virga_request *req);

#endif
