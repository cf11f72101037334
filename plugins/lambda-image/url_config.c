/* SPDX-License-Identifier: MIT */
/* The configuration of function URLs, and how a URL leads to its function: the fact "url/<id>" is
 * "<account> <region> <name> <qualifier>". */
#include "url_config.h"

#include "actions.h"
#include "side_call.h"

#include <ctype.h>
#include <errno.h>
#include <sys/random.h>
#include <virga/helpers/time.h>

#define GONE "Function does not exist"
#define NO_RESOURCE "The resource you requested does not exist."
#define ID_KEY "UrlId"
#define FACT_SIZE (sizeof "url/" + URL_CONFIG_ID_LEN)
#define WHERE_SIZE                                                                                 \
    (LAMBDA_ACCOUNT_LEN + LAMBDA_REGION_MAX + LAMBDA_ARN_MAX + LAMBDA_QUALIFIER_MAX + 4)

/* --- ids --- */

static int make_id(char ret_id[URL_CONFIG_ID_LEN + 1]) {
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567"; /* 32: no bias */
    unsigned char random[URL_CONFIG_ID_LEN];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return -EIO;
    }
    for (size_t i = 0; i < URL_CONFIG_ID_LEN; i++) {
        ret_id[i] = digits[random[i] % 32];
    }
    ret_id[URL_CONFIG_ID_LEN] = '\0';
    return 0;
}

static void make_fact(char ret_fact[FACT_SIZE], const char *id) {
    (void)snprintf(ret_fact, FACT_SIZE, "url/%s", id);
}

void url_config_text(const struct lambda *lambda, const struct tenant *tenant, const char *id,
                     char ret_text[URL_CONFIG_TEXT_MAX]) {
    (void)snprintf(ret_text, URL_CONFIG_TEXT_MAX, "http://%s.lambda-url.%s.localhost:%u/", id,
                   tenant->region, (unsigned)lambda->port);
}

/* Copies the next word of a fact. False: there is none, or it does not fit. */
static bool take_word(const char **text, char *to, size_t size) {
    size_t len = strcspn(*text, " ");
    if (len >= size) {
        return false;
    }
    memcpy(to, *text, len);
    to[len] = '\0';
    *text += len;
    *text += **text == ' ' ? 1 : 0;
    return true;
}

int url_config_find(struct lambda *lambda, struct virga_str url_id, struct tenant *ret_tenant,
                    char *ret_name, char *ret_qualifier, struct json_object **ret_config) {
    char id[URL_CONFIG_ID_LEN + 1] = {0}, fact[FACT_SIZE], where[WHERE_SIZE];
    char name[LAMBDA_NAME_MAX + 1], qualifier[LAMBDA_QUALIFIER_MAX + 1];
    struct tenant tenant;
    struct json_object *config = NULL;
    const char *at = where;
    if (url_id.len != URL_CONFIG_ID_LEN) {
        return -ENOENT;
    }
    for (size_t i = 0; i < url_id.len; i++) {
        if (!isalnum((unsigned char)url_id.ptr[i])) {
            return -ENOENT;
        }
        id[i] = (char)tolower((unsigned char)url_id.ptr[i]);
    }
    make_fact(fact, id);
    int result = fact_get(lambda, fact, where, sizeof where);
    if (result != 0) {
        return result;
    }
    if (!take_word(&at, tenant.account, sizeof tenant.account) ||
        !take_word(&at, tenant.region, sizeof tenant.region) ||
        !take_word(&at, name, sizeof name) || !take_word(&at, qualifier, sizeof qualifier)) {
        return -EBADMSG;
    }
    result = side_get(lambda, SIDE_URL, &tenant, name, qualifier, &config);
    if (result != 0) {
        return result;
    }
    if (!virga_str_equal(virga_awsjson_str(config, ID_KEY), virga_str_from(id))) {
        json_object_put(config);
        return -ENOENT; /* the function was made anew */
    }
    *ret_tenant = tenant;
    memcpy(ret_name, name, sizeof name);
    memcpy(ret_qualifier, qualifier, sizeof qualifier);
    *ret_config = config;
    return 0;
}

/* --- answers --- */

static void write_config(struct call *call, struct virga_json_writer *writer, const char *name,
                         const char *qualifier, struct json_object *config) {
    struct virga_str id = virga_awsjson_str(config, ID_KEY);
    char text[URL_CONFIG_TEXT_MAX], arn[LAMBDA_ARN_MAX];
    url_config_text(call->lambda, &call->tenant, id.ptr != NULL ? id.ptr : "", text);
    function_arn(&call->tenant, name, qualifier, arn);
    virga_json_begin_object(writer, NULL);
    virga_json_string(writer, "FunctionUrl", text);
    virga_json_string(writer, "FunctionArn", arn);
    side_write_members(writer, config, ID_KEY);
    if (virga_awsjson_member(config, "InvokeMode") == NULL) {
        virga_json_string(writer, "InvokeMode", "BUFFERED");
    }
    virga_json_end_object(writer);
}

/* Owns: puts the configuration. */
static void answer(struct call *call, struct json_object *config) {
    struct virga_json_writer writer = {0};
    write_config(call, &writer, call->name.name, call_qualifier(call), config);
    json_object_put(config);
    call_answer(call, 200, &writer);
}

/* What CreateFunctionUrlConfig answers: InvokeMode only where it was given, no LastModifiedTime.
 * Owns: puts the configuration. */
static void answer_created(struct call *call, struct json_object *config) {
    static const char *const members[] = {"AuthType", "Cors", "CreationTime", "InvokeMode"};
    struct virga_json_writer writer = {0};
    char text[URL_CONFIG_TEXT_MAX], arn[LAMBDA_ARN_MAX];
    url_config_text(call->lambda, &call->tenant, virga_awsjson_str(config, ID_KEY).ptr, text);
    function_arn(&call->tenant, call->name.name, call_qualifier(call), arn);
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "FunctionUrl", text);
    virga_json_string(&writer, "FunctionArn", arn);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        side_write(&writer, members[i], virga_awsjson_member(config, members[i]));
    }
    virga_json_end_object(&writer);
    json_object_put(config);
    call_answer(call, 201, &writer);
}

/* --- checks --- */

/* A version as part of FunctionName, which the model does not see. False: the call has ended. */
static bool check_qualifier(struct call *call) {
    const char *qualifier = call_qualifier(call);
    if (qualifier[0] == '\0' || side_is_alias(qualifier)) {
        return true;
    }
    call_invalid(call, qualifier, "qualifier",
                 "Member must satisfy regular expression pattern: "
                 "((?!^\\d+$)^[0-9a-zA-Z-_]+$)");
    return false;
}

/* Whether function and alias are there; if not, the call has ended. */
static bool target_exists(struct call *call) {
    int result = side_find(call, call_qualifier(call));
    if (result == -ENOENT) {
        call_fail(call, 404, "ResourceNotFoundException", GONE);
    } else if (result != 0) {
        call_broken(call, "The function could not be read", result);
    }
    return result == 0;
}

/* The configuration that the call is about; false: the call has ended. */
static bool read_config(struct call *call, struct json_object **ret_config) {
    int result = side_get(call->lambda, SIDE_URL, &call->tenant, call->name.name,
                          call_qualifier(call), ret_config);
    if (result == -ENOENT) {
        call_fail(call, 404, "ResourceNotFoundException", NO_RESOURCE);
    } else if (result != 0) {
        call_broken(call, "The URL could not be read", result);
    }
    return result == 0;
}

/* --- changes --- */

static int set_time(const struct call *call, struct json_object *config, const char *key) {
    char now[VIRGA_TIME_SIZE];
    virga_time_format(call->lambda->timer->now_ms(call->lambda->host), now);
    return side_set_text(config, key, now);
}

/* Writes what the call gives into the configuration; an empty Cors takes it away. */
static int take_members(const struct call *call, struct json_object *config) {
    struct json_object *cors = virga_awsjson_member(call->input, "Cors");
    int result = side_copy(config, "AuthType", call->input);
    if (result == 0 && cors != NULL) {
        json_object_object_del(config, "Cors");
        result = json_object_object_length(cors) > 0 ? side_copy(config, "Cors", call->input) : 0;
    }
    if (result == 0) {
        result = side_copy(config, "InvokeMode", call->input);
    }
    return result == 0 ? set_time(call, config, "LastModifiedTime") : result;
}

/* Makes a new configuration. Owns: the caller. */
static int make(const struct call *call, struct json_object **ret_config) {
    struct json_object *config = json_object_new_object();
    char id[URL_CONFIG_ID_LEN + 1];
    int result = make_id(id);
    if (result == 0) {
        result = side_set_text(config, ID_KEY, id);
    }
    if (result == 0) {
        result = set_time(call, config, "CreationTime");
    }
    if (result == 0) {
        result = take_members(call, config);
    }
    if (result != 0) {
        json_object_put(config);
        return result;
    }
    *ret_config = config;
    return 0;
}

/* Writes the configuration and the fact that leads to it, or (config NULL) deletes both. */
static int keep(const struct call *call, const char *id, struct json_object *config) {
    struct lambda *lambda = call->lambda;
    const struct tenant *tenant = &call->tenant;
    const char *name = call->name.name, *qualifier = call_qualifier(call);
    char fact[FACT_SIZE], where[WHERE_SIZE];
    make_fact(fact, id);
    (void)snprintf(where, sizeof where, "%s %s %s %s", tenant->account, tenant->region, name,
                   qualifier);
    int result = lambda->store->begin(lambda->host);
    if (result != 0) {
        return result;
    }
    if (config != NULL) {
        result = side_put(lambda, SIDE_URL, tenant, name, qualifier, config);
        result = result == 0 ? fact_put(lambda, fact, where) : result;
    } else {
        result = side_delete(lambda, SIDE_URL, tenant, name, qualifier);
        result = result == 0 ? fact_delete(lambda, fact) : result;
        result = result == -ENOENT ? 0 : result;
    }
    if (result == 0) {
        return lambda->store->commit(lambda->host);
    }
    lambda->store->rollback(lambda->host);
    return result;
}

/* --- actions --- */

void action_create_url_config(struct call *call) {
    struct json_object *config = NULL;
    if (!check_qualifier(call) || !target_exists(call)) {
        return;
    }
    int result = side_get(call->lambda, SIDE_URL, &call->tenant, call->name.name,
                          call_qualifier(call), &config);
    if (result == 0) {
        char arn[LAMBDA_ARN_MAX];
        json_object_put(config);
        function_arn(&call->tenant, call->name.name, call_qualifier(call), arn);
        call_fail(call, 409, "ResourceConflictException",
                  "Failed to create function url config for [functionArn = %s]. Error message:  "
                  "FunctionUrlConfig exists for this Lambda function",
                  arn);
        return;
    }
    if (result == -ENOENT) {
        result = make(call, &config);
    }
    if (result == 0) {
        result = keep(call, virga_awsjson_str(config, ID_KEY).ptr, config);
    }
    if (result != 0) {
        json_object_put(config);
        call_broken(call, "The URL could not be made", result);
        return;
    }
    answer_created(call, config);
}

void action_get_url_config(struct call *call) {
    struct json_object *config = NULL;
    if (check_qualifier(call) && read_config(call, &config)) {
        answer(call, config);
    }
}

void action_update_url_config(struct call *call) {
    struct json_object *config = NULL;
    if (!check_qualifier(call) || !target_exists(call) || !read_config(call, &config)) {
        return;
    }
    int result = take_members(call, config);
    if (result == 0) {
        result = side_put(call->lambda, SIDE_URL, &call->tenant, call->name.name,
                          call_qualifier(call), config);
    }
    if (result != 0) {
        json_object_put(config);
        call_broken(call, "The URL could not be changed", result);
        return;
    }
    answer(call, config);
}

void action_delete_url_config(struct call *call) {
    struct virga_json_writer nothing = {0};
    struct json_object *config = NULL;
    if (!check_qualifier(call) || !read_config(call, &config)) {
        return;
    }
    struct virga_str id = virga_awsjson_str(config, ID_KEY);
    int result = keep(call, id.ptr != NULL ? id.ptr : "", NULL);
    json_object_put(config);
    if (result != 0) {
        call_broken(call, "The URL could not be deleted", result);
        return;
    }
    call_answer(call, 204, &nothing);
}

struct listing {
    struct call *call;
    struct call_page page;
    struct virga_json_writer writer;
};

/* The position is the qualifier with a sign before it, since the function's own is "". */
static bool list_one(void *arg, const char *name, const char *id, struct json_object *config) {
    struct listing *listing = arg;
    char position[LAMBDA_QUALIFIER_MAX + 2];
    (void)snprintf(position, sizeof position, ":%s", id);
    if (!call_page_take(&listing->page, position)) {
        return false;
    }
    write_config(listing->call, &listing->writer, name, id, config);
    return true;
}

void action_list_url_configs(struct call *call) {
    struct listing listing = {.call = call};
    if (!side_function_exists(call, GONE) || !call_page_start(call, CALL_PAGE_MAX, &listing.page)) {
        return;
    }
    const char *after = listing.page.position;
    virga_json_begin_object(&listing.writer, NULL);
    virga_json_begin_array(&listing.writer, "FunctionUrlConfigs");
    int result = side_each(call->lambda, SIDE_URL, &call->tenant, call->name.name,
                           after[0] != '\0' ? after + 1 : NULL, list_one, &listing);
    side_answer_page(call, &listing.page, result, &listing.writer);
}
