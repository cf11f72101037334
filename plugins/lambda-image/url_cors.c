/* SPDX-License-Identifier: MIT */
/* Which origin may do what. */
#include "url_cors.h"

#include <fnmatch.h>
#include <strings.h>
#include <virga/helpers/awsjson.h>

bool url_cors_is_preflight(const struct virga_request *req, struct json_object *cors) {
    return cors != NULL && virga_str_equal(req->method, virga_str_from("OPTIONS")) &&
           req->http->header(req, "Origin").ptr != NULL &&
           req->http->header(req, "Access-Control-Request-Method").ptr != NULL;
}

/* Joins a list of the configuration by commas; what does not fit is left out. */
static struct virga_str join(struct json_object *cors, const char *key, char *buffer, size_t size) {
    size_t count = virga_awsjson_length(cors, key), len = 0;
    for (size_t i = 0; i < count; i++) {
        struct virga_str one = virga_awsjson_text(virga_awsjson_element(cors, key, i));
        if (one.ptr != NULL && len + one.len + 2 < size) {
            len += (size_t)snprintf(buffer + len, size - len, "%s%.*s", len > 0 ? "," : "",
                                    (int)one.len, one.ptr);
        }
    }
    return (struct virga_str){buffer, len};
}

/* Allowed origins may have stars, and have no case. */
static bool allows_origin(struct json_object *cors, struct virga_str origin, bool *ret_any) {
    size_t count = virga_awsjson_length(cors, "AllowOrigins");
    bool allowed = false;
    *ret_any = false;
    for (size_t i = 0; i < count; i++) {
        struct virga_str one = virga_awsjson_text(virga_awsjson_element(cors, "AllowOrigins", i));
        if (one.ptr != NULL) {
            *ret_any = *ret_any || virga_str_equal(one, virga_str_from("*"));
            allowed = allowed || fnmatch(one.ptr, origin.ptr, FNM_CASEFOLD | FNM_NOESCAPE) == 0;
        }
    }
    return allowed;
}

static void add_list(struct url_answer *answer, const char *name, struct virga_str list) {
    if (list.len > 0) {
        url_answer_add(answer, name, list);
    }
}

void url_cors_apply(const struct virga_request *req, struct json_object *cors, bool preflight,
                    struct url_cors_texts *texts, struct url_answer *answer) {
    struct virga_str origin = req->http->header(req, "Origin");
    bool any = false;
    if (cors == NULL) {
        return;
    }
    url_answer_drop(answer, "access-control-");
    if (origin.ptr == NULL || !allows_origin(cors, origin, &any)) {
        return;
    }
    bool credentials = virga_awsjson_bool(cors, "AllowCredentials") != 0;
    bool star = any && !credentials;
    url_answer_add(answer, "Access-Control-Allow-Origin", star ? virga_str_from("*") : origin);
    if (!star) {
        url_answer_add(answer, "Vary", virga_str_from("Origin"));
    }
    if (credentials) {
        url_answer_add(answer, "Access-Control-Allow-Credentials", virga_str_from("true"));
    }
    add_list(answer, "Access-Control-Expose-Headers",
             join(cors, "ExposeHeaders", texts->expose, sizeof texts->expose));
    if (preflight) {
        int64_t age = virga_awsjson_int(cors, "MaxAge", -1);
        add_list(answer, "Access-Control-Allow-Methods",
                 join(cors, "AllowMethods", texts->methods, sizeof texts->methods));
        add_list(answer, "Access-Control-Allow-Headers",
                 join(cors, "AllowHeaders", texts->headers, sizeof texts->headers));
        if (age >= 0) {
            (void)snprintf(texts->age, sizeof texts->age, "%lld", (long long)age);
            url_answer_add(answer, "Access-Control-Max-Age", virga_str_from(texts->age));
        }
    }
}
