/* SPDX-License-Identifier: MIT */
/* Function URLs: their configuration and their ids. Owns the record of a URL (SIDE_URL), a JSON
 * object as GetFunctionUrlConfig answers it (AuthType, Cors, InvokeMode, CreationTime,
 * LastModifiedTime) with "UrlId" in place of FunctionUrl and FunctionArn; requests to a URL are
 * another's. Everything is [loop]. */
#ifndef LAMBDA_URL_CONFIG_H
#define LAMBDA_URL_CONFIG_H

#include "functions.h"

#define URL_CONFIG_ID_LEN 32    /* lower-case letters and digits */
#define URL_CONFIG_TEXT_MAX 256 /* of a FunctionUrl, with the NUL */

/* Finds the function and the configuration behind an id, which comes from a Host header and may be
 * anything (upper case is taken as lower case). `ret_name` has room for LAMBDA_NAME_MAX + 1 bytes,
 * `ret_qualifier` for LAMBDA_QUALIFIER_MAX + 1: "" or an alias, which need not be there any more.
 * Owns: the caller, the configuration, until json_object_put(). Errors: -ENOENT there is no such
 * URL, -EBADMSG its record is damaged, and those of the store. */
int url_config_find(struct lambda *lambda, struct virga_str url_id, struct tenant *ret_tenant,
                    char *ret_name, char *ret_qualifier, struct json_object **ret_config);

/* "http://<id>.lambda-url.<region>.localhost:<port>/". */
void url_config_text(const struct lambda *lambda, const struct tenant *tenant, const char *id,
                     char ret_text[URL_CONFIG_TEXT_MAX]);

#endif
