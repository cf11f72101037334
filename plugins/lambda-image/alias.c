/* SPDX-License-Identifier: MIT */
/* Aliases: names for a version, or for two with a share of the invocations each. The record is an
 * AliasConfiguration without AliasArn. */
#include "actions.h"
#include "pool.h"
#include "side.h"
#include "side_call.h"

#include <errno.h>

static struct json_object *weights_of(struct json_object *alias) {
    struct json_object *weights = virga_awsjson_member(virga_awsjson_member(alias, "RoutingConfig"),
                                                       "AdditionalVersionWeights");
    bool any =
        json_object_is_type(weights, json_type_object) && json_object_object_length(weights) > 0;
    return any ? weights : NULL;
}

static void write_alias(struct virga_json_writer *writer, const struct tenant *tenant,
                        const char *function, const char *name, struct json_object *alias) {
    char arn[LAMBDA_ARN_MAX];
    function_arn(tenant, function, name, arn);
    virga_json_begin_object(writer, NULL);
    virga_json_string(writer, "AliasArn", arn);
    side_write_members(writer, alias, NULL);
    virga_json_end_object(writer);
}

/* Owns: puts the alias. */
static void answer(struct call *call, int status, struct json_object *alias) {
    struct virga_json_writer writer = {0};
    write_alias(&writer, &call->tenant, call->name.name, call_str(call, "Name").ptr, alias);
    json_object_put(alias);
    call_answer(call, status, &writer);
}

/* --- routing --- */

/* As Java shows a map of doubles: "{1=0.5, 2=2.0}". */
static void show_weights(struct json_object *weights, char *buffer, size_t size) {
    size_t len = 0;
    (void)snprintf(buffer, size, "{");
    json_object_object_foreach(weights, version, weight) {
        char number[32];
        (void)snprintf(number, sizeof number, "%.15g", json_object_get_double(weight));
        len = strlen(buffer);
        (void)snprintf(buffer + len, size - len, "%s%s=%s%s", len > 1 ? ", " : "", version, number,
                       strpbrk(number, ".en") == NULL ? ".0" : "");
    }
    len = strlen(buffer);
    (void)snprintf(buffer + len, size - len, "}");
}

/* What the model says of them, which comes before everything else. */
static bool check_weights(struct call *call, struct json_object *weights) {
    static const char values[] =
        "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "
        "Member must have value greater than or equal to 0.0, Member must not be null]";
    static const char keys[] =
        "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, "
        "Member must have length greater than or equal to 1, Member must satisfy regular "
        "expression pattern: [0-9]+, Member must not be null]";
    const char *fault = NULL;
    json_object_object_foreach(weights, version, weight) {
        double share = json_object_get_double(weight);
        if (weight == NULL || !(share >= 0.0 && share <= 1.0)) {
            fault = values;
        } else if (!side_is_version(version) || strlen(version) > 1024) {
            fault = keys;
        }
    }
    if (fault != NULL) {
        char shown[512];
        show_weights(weights, shown, sizeof shown);
        call_invalid(call, shown, "routingConfig.additionalVersionWeights", fault);
    }
    return fault == NULL;
}

/* Whether there is such a version of the function; if not, the call has ended. */
static bool version_exists(struct call *call, const char *version) {
    int result = side_find(call, version);
    if (result == -ENOENT) {
        call_no_function(call, version);
    } else if (result != 0) {
        call_broken(call, "The function could not be read", result);
    }
    return result == 0;
}

/* Checks where an alias leads to; false: the call has ended. */
static bool check_routing(struct call *call, struct json_object *alias) {
    struct virga_str version = virga_awsjson_str(alias, "FunctionVersion");
    struct json_object *weights = weights_of(alias);
    const char *other = NULL;
    if (weights == NULL) {
        return true;
    }
    if (json_object_object_length(weights) > 1) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Number of items in AdditionalVersionWeights cannot be greater than 1");
        return false;
    }
    json_object_object_foreach(weights, key, weight) {
        (void)weight;
        other = key;
    }
    if (strcmp(other, version.ptr) == 0) {
        call_fail(call, 400, "InvalidParameterValueException",
                  "Invalid function version %s. Function version %s is already included in routing "
                  "configuration.",
                  other, other);
        return false;
    }
    if (version.ptr[0] == '$') {
        call_fail(call, 400 | CALL_NO_TYPE, "InvalidParameterValueException",
                  "$LATEST is not supported for an alias pointing to more than 1 version");
        return false;
    }
    return version_exists(call, other);
}

/* Writes the members that the call gives, and a new revision, into an alias. */
static int take_members(const struct call *call, struct json_object *alias) {
    char revision[LAMBDA_ID_LEN + 1];
    int result = side_copy(alias, "FunctionVersion", call->input);
    if (result == 0) {
        result = side_copy(alias, "Description", call->input);
    }
    if (result == 0 && virga_awsjson_member(call->input, "RoutingConfig") != NULL) {
        json_object_object_del(alias, "RoutingConfig");
        result =
            weights_of(call->input) != NULL ? side_copy(alias, "RoutingConfig", call->input) : 0;
    }
    call_make_uuid(revision);
    return result == 0 ? side_set_text(alias, "RevisionId", revision) : result;
}

/* Checks and keeps an alias, and answers. Owns: takes the reference. */
static void keep(struct call *call, int status, struct json_object *alias) {
    struct lambda *lambda = call->lambda;
    if (!check_routing(call, alias)) {
        json_object_put(alias);
        return;
    }
    int result = side_put(lambda, SIDE_ALIAS, &call->tenant, call->name.name,
                          call_str(call, "Name").ptr, alias);
    if (result != 0) {
        json_object_put(alias);
        call_broken(call, "The alias could not be written", result);
        return;
    }
    /* Provisioned environments follow the alias. */
    pool_adjust(lambda->pool, &call->tenant, call->name.name);
    answer(call, status, alias);
}

/* --- actions --- */

void action_create_alias(struct call *call) {
    const char *name = call_str(call, "Name").ptr;
    struct json_object *alias = NULL;
    struct json_object *weights = weights_of(call->input);
    if ((weights != NULL && !check_weights(call, weights)) ||
        !version_exists(call, call_str(call, "FunctionVersion").ptr)) {
        return;
    }
    int result = side_get(call->lambda, SIDE_ALIAS, &call->tenant, call->name.name, name, &alias);
    if (result == 0) {
        char arn[LAMBDA_ARN_MAX];
        json_object_put(alias);
        function_arn(&call->tenant, call->name.name, name, arn);
        call_fail(call, 409, "ResourceConflictException", "Alias already exists: %s", arn);
        return;
    }
    if (result == -ENOENT) {
        alias = json_object_new_object();
        result = side_set_text(alias, "Name", name);
    }
    if (result == 0) {
        result = side_set_text(alias, "Description", "");
    }
    if (result == 0) {
        result = take_members(call, alias);
    }
    if (result != 0) {
        json_object_put(alias);
        call_broken(call, "The alias could not be made", result);
        return;
    }
    keep(call, 201, alias);
}

/* The alias that the call names; false: the call has ended. */
static bool find(struct call *call, const char *text, struct json_object **ret_alias) {
    const char *name = call_str(call, "Name").ptr;
    int result =
        side_get(call->lambda, SIDE_ALIAS, &call->tenant, call->name.name, name, ret_alias);
    if (result == -ENOENT) {
        char arn[LAMBDA_ARN_MAX];
        function_arn(&call->tenant, call->name.name, name, arn);
        call_fail(call, 404, "ResourceNotFoundException", "%s: %s", text, arn);
    } else if (result != 0) {
        call_broken(call, "The alias could not be read", result);
    }
    return result == 0;
}

void action_get_alias(struct call *call) {
    struct json_object *alias = NULL;
    if (find(call, "Cannot find alias arn", &alias)) {
        answer(call, 200, alias);
    }
}

void action_update_alias(struct call *call) {
    struct virga_str version = call_str(call, "FunctionVersion");
    struct virga_str revision = call_str(call, "RevisionId");
    struct json_object *alias = NULL;
    struct json_object *weights = weights_of(call->input);
    if ((weights != NULL && !check_weights(call, weights)) ||
        !find(call, "Alias not found", &alias)) {
        return;
    }
    if (revision.ptr != NULL &&
        !virga_str_equal(revision, virga_awsjson_str(alias, "RevisionId"))) {
        json_object_put(alias);
        call_fail(call, 412, "PreconditionFailedException", "%s",
                  SIDE_REVISION_TEXT("GetFunction/GetAlias"));
        return;
    }
    if (version.ptr != NULL && !version_exists(call, version.ptr)) {
        json_object_put(alias);
        return;
    }
    int result = take_members(call, alias);
    if (result != 0) {
        json_object_put(alias);
        call_broken(call, "The alias could not be changed", result);
        return;
    }
    keep(call, 200, alias);
}

static int delete_all(struct call *call, const char *name) {
    struct lambda *lambda = call->lambda;
    int result = lambda->store->begin(lambda->host);
    if (result != 0) {
        return result;
    }
    result = side_delete(lambda, SIDE_ALIAS, &call->tenant, call->name.name, name);
    if (result == 0 || result == -ENOENT) {
        result = side_qualifier_deleted(lambda, &call->tenant, call->name.name, name);
    }
    if (result == 0) {
        return lambda->store->commit(lambda->host);
    }
    lambda->store->rollback(lambda->host);
    return result;
}

void action_delete_alias(struct call *call) {
    struct virga_json_writer nothing = {0};
    int result = delete_all(call, call_str(call, "Name").ptr);
    if (result != 0) {
        call_broken(call, "The alias could not be deleted", result);
        return;
    }
    pool_adjust(call->lambda->pool, &call->tenant, call->name.name);
    call_answer(call, 204, &nothing);
}

struct listing {
    struct call *call;
    struct call_page page;
    struct virga_json_writer writer;
};

static bool list_one(void *arg, const char *name, const char *id, struct json_object *alias) {
    struct listing *listing = arg;
    struct virga_str wanted = call_str(listing->call, "FunctionVersion");
    (void)name;
    if (wanted.ptr != NULL &&
        !virga_str_equal(wanted, virga_awsjson_str(alias, "FunctionVersion"))) {
        return true;
    }
    if (!call_page_take(&listing->page, id)) {
        return false;
    }
    write_alias(&listing->writer, &listing->call->tenant, listing->call->name.name, id, alias);
    return true;
}

void action_list_aliases(struct call *call) {
    struct listing listing = {.call = call};
    if (!call_function_exists(call) || !call_page_start(call, CALL_PAGE_MAX, &listing.page)) {
        return;
    }
    const char *after = listing.page.position;
    virga_json_begin_object(&listing.writer, NULL);
    virga_json_begin_array(&listing.writer, "Aliases");
    int result = side_each(call->lambda, SIDE_ALIAS, &call->tenant, call->name.name,
                           after[0] != '\0' ? after : NULL, list_one, &listing);
    side_answer_page(call, &listing.page, result, &listing.writer);
}
