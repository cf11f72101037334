/* SPDX-License-Identifier: MIT */
/* A whole plugin: a small AWS service that says hello and counts how often.
 *   X-Amz-Target: Hello_20260101.SayHello   {"name":"Ada"} -> {"message":"Hello, Ada!","count":1}
 *   GET /_floci/hello/Ada                   {"name":"Ada","count":1} */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <virga/helpers/awsjson.h>
#include <virga/virga.h>

#define NAME_MAX_BYTES 100
#define KEY_MAX_BYTES 160 /* "count/", 12 digits, '/', the name */

struct hello {
    const struct virga_host *host;
    const struct virga_log *log;
    const struct virga_store *store;
    const char *greeting;
};

/* --- the counter: one key for each account and name --- */

static struct virga_str counter_key(const struct virga_request *req, struct virga_str name,
                                    char buffer[KEY_MAX_BYTES]) {
    int len = snprintf(buffer, KEY_MAX_BYTES, "count/%.*s/%.*s", (int)req->account.len,
                       req->account.ptr, (int)name.len, name.ptr);
    return (struct virga_str){buffer, (size_t)len};
}

/* Reads a counter; one that was never written is 0. */
static int counter_get(const struct hello *self, struct virga_str key, int64_t *ret_count) {
    struct virga_store_value value;
    int result = self->store->get(self->host, key, &value);
    if (result == -ENOENT) {
        *ret_count = 0;
        return 0;
    }
    if (result == 0) {
        *ret_count = strtoll(value.ptr, NULL, 10);
        self->store->release(self->host, &value);
    }
    return result;
}

/* Counts one up. Once this returned 0 the number survives a crash of the host. */
static int counter_add(const struct hello *self, struct virga_str key, int64_t *ret_count) {
    char text[24];
    int64_t count;
    int result = counter_get(self, key, &count);
    if (result == 0) {
        count++;
        (void)snprintf(text, sizeof text, "%lld", (long long)count);
        result = self->store->put(self->host, key, virga_str_from(text));
    }
    if (result == 0) {
        *ret_count = count;
    }
    return result;
}

/* --- operations --- */

/* Answers {member: text, "count": count}. */
static void answer_count(struct virga_request *req, const char *member, struct virga_str text,
                         int64_t count) {
    struct virga_json_writer body = {0};
    virga_json_begin_object(&body, NULL);
    virga_json_str(&body, member, text);
    virga_json_int(&body, "count", count);
    virga_json_end_object(&body);
    (void)virga_awsjson_answer(req, 200, &body);
}

static void say_hello(struct hello *self, struct virga_request *req, struct json_object *input) {
    char key[KEY_MAX_BYTES];
    char message[512];
    int64_t count;
    struct virga_str name = virga_awsjson_str(input, "name");
    if (name.len < 1 || name.len > NAME_MAX_BYTES) {
        (void)virga_awsjson_error(req, 400, "InvalidParameterException",
                                  "The member 'name' must be a string of 1 to %d bytes.",
                                  NAME_MAX_BYTES);
        return;
    }
    int result = counter_add(self, counter_key(req, name, key), &count);
    if (result != 0) {
        virga_log_printf(self->log, self->host, VIRGA_LOG_ERROR, req, "counting failed: %d",
                         result);
        (void)virga_awsjson_error(req, 500, "ServerException", "The counter was not written.");
        return;
    }
    virga_log_printf(self->log, self->host, VIRGA_LOG_DEBUG, req, "said hello %lld times",
                     (long long)count);
    (void)snprintf(message, sizeof message, "%.300s, %.*s!", self->greeting, (int)name.len,
                   name.ptr);
    answer_count(req, "message", virga_str_from(message), count);
}

/* One target route takes every action of the service; which one it is stands in req->action. */
static void handle_api(struct hello *self, struct virga_request *req) {
    struct json_object *input = NULL;
    if (!virga_str_equal(req->action, virga_str_from("SayHello"))) {
        (void)virga_awsjson_error(req, 400, "UnknownOperationException", NULL);
    } else if (virga_awsjson_parse(req->body, &input) != 0) {
        (void)virga_awsjson_error(req, 400, "SerializationException",
                                  "The body is no JSON object.");
    } else {
        say_hello(self, req, input);
    }
    json_object_put(input);
}

static void handle_admin(struct hello *self, struct virga_request *req) {
    char key[KEY_MAX_BYTES];
    int64_t count = 0;
    struct virga_str name = req->params[0];
    if (name.len > NAME_MAX_BYTES) {
        (void)virga_awsjson_error(req, 400, "InvalidParameterException", "The name is too long.");
    } else if (counter_get(self, counter_key(req, name, key), &count) != 0) {
        (void)virga_awsjson_error(req, 500, "ServerException", "The counter was not read.");
    } else {
        answer_count(req, "name", name, count);
    }
}

/* --- the plugin --- */

enum { ROUTE_API, ROUTE_ADMIN };

static void handle(void *arg, struct virga_request *req) {
    if (req->route->tag == ROUTE_ADMIN) {
        handle_admin(arg, req);
    } else {
        handle_api(arg, req);
    }
}

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    const struct virga_config *config = host->get_interface(host, VIRGA_CONFIG_ID);
    struct hello *self = calloc(1, sizeof *self);
    if (self == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    self->host = host;
    self->log = host->get_interface(host, VIRGA_LOG_ID);
    self->store = host->get_interface(host, VIRGA_STORE_ID);
    self->greeting = config->get_string(host, "greeting").ptr;
    *ret_self = self;
    return 0;
}

static void destroy(void *self) {
    free(self);
}

static const struct virga_config_key keys[] = {
    {.key = "greeting",
     .type = VIRGA_CONFIG_STRING,
     .default_value = "Hello",
     .help = "The word before the name."},
};

static const struct virga_route routes[] = {
    {.kind = VIRGA_ROUTE_TARGET, .pattern = "Hello_20260101", .service = "hello", .tag = ROUTE_API},
    {.kind = VIRGA_ROUTE_ADMIN, .method = "GET", .pattern = "hello/{name}", .tag = ROUTE_ADMIN},
};

/* What is listed here is there when start() runs, else the plugin is left out with a line in the
 * log. */
static const char *const needs[] = {VIRGA_CONFIG_ID, VIRGA_LOG_ID, VIRGA_STORE_ID, NULL};

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,       .name = "hello",
    .version = "0.1.0",      .summary = "Says hello and counts",
    VIRGA_CONFIG_KEYS(keys), VIRGA_ROUTES(routes),
    .needs = needs,          .start = start,
    .handle = handle,        .destroy = destroy,
};
