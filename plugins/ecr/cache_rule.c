/* SPDX-License-Identifier: MIT */
/* Pull-through cache rules: create, describe, update, delete. */
#include "cache_rule.h"
#include "actions.h"
#include "cache_rules.h"
#include "meta.h"
#include "template_apply.h"
#include "tenant.h"
#include "upstream_secret.h"

#include <errno.h>
#include <stdlib.h>

/* Rules of one registry. Source: https://docs.aws.amazon.com/general/latest/gr/ecr.html */
#define RULES_MAX 50

#define PREFIX "ecrRepositoryPrefix"
#define CREATED "createdAt" /* both in milliseconds, as they are stored */
#define UPDATED "updatedAt"

/* What a rule is made of, besides its times. */
static const char *const members[] = {
    PREFIX,          "upstreamRegistryUrl", "upstreamRegistry",
    "credentialArn", "customRoleArn",       "upstreamRepositoryPrefix"};

static struct virga_str prefix_of(const struct call *call) {
    return call_str(call, PREFIX);
}

/* --- answers --- */

static void write_text(struct json_object *rule, const char *key,
                       struct virga_json_writer *writer) {
    struct virga_str text = virga_awsjson_str(rule, key);
    if (text.len > 0) {
        virga_json_str(writer, key, text);
    }
}

void cache_rule_write(const struct call *call, struct json_object *rule, unsigned show,
                      struct virga_json_writer *writer) {
    struct virga_str upstream = virga_awsjson_str(rule, "upstreamRepositoryPrefix");
    write_text(rule, PREFIX, writer);
    if ((show & CACHE_RULE_URL) != 0) {
        write_text(rule, "upstreamRegistryUrl", writer);
    }
    if ((show & CACHE_RULE_CREATED) != 0) {
        virga_json_time(writer, CREATED, virga_awsjson_int(rule, CREATED, 0));
    }
    virga_json_string(writer, "registryId", call->tenant.account);
    if ((show & CACHE_RULE_REGISTRY) != 0) {
        write_text(rule, "upstreamRegistry", writer);
    }
    write_text(rule, "credentialArn", writer);
    write_text(rule, "customRoleArn", writer);
    virga_json_str(writer, "upstreamRepositoryPrefix",
                   upstream.len > 0 ? upstream : virga_str_from(CACHE_RULE_ROOT));
    if ((show & CACHE_RULE_UPDATED) != 0) {
        virga_json_time(writer, UPDATED, virga_awsjson_int(rule, UPDATED, 0));
    }
}

static void answer_rule(struct call *call, struct json_object *rule, unsigned show) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    cache_rule_write(call, rule, show, &writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

static void fail_missing(struct call *call, struct virga_str prefix) {
    call_fail(call, "PullThroughCacheRuleNotFoundException",
              "The pull through cache rule with Amazon ECR repository prefix '%.*s' does not exist "
              "in the registry with id '%s'",
              (int)prefix.len, prefix.ptr, call->tenant.account);
}

bool cache_rule_take(struct call *call, struct virga_str prefix, struct json_object **ret_rule) {
    int result = cache_rule_get(call->ecr, &call->tenant, prefix, ret_rule);
    if (result == -ENOENT) {
        fail_missing(call, prefix);
    } else if (result != 0) {
        call_broken(call, "The rule could not be read", result, NULL);
    }
    return result == 0;
}

/* Writes the rule; false: the call has ended. */
static bool keep(struct call *call, struct json_object *rule) {
    size_t len = 0;
    json_object_object_add(rule, UPDATED,
                           json_object_new_int64(call->ecr->timer->now_ms(call->ecr->host)));
    const char *text = json_object_to_json_string_length(rule, JSON_C_TO_STRING_PLAIN, &len);
    int result = text == NULL ? -ENOMEM
                              : meta_setting_put(call->ecr, &call->tenant, CACHE_RULE_KIND,
                                                 template_prefix(virga_awsjson_str(rule, PREFIX)),
                                                 (struct virga_str){text, len});
    if (result != 0) {
        call_broken(call, "The rule could not be recorded", result, NULL);
    }
    return result == 0;
}

/* --- the secret of a rule --- */

/* Whether a rule may have this secret; if not, the call has ended. Where nothing keeps secrets a
 * rule is accepted as it is, and pulls are anonymous. */
static bool check_secret(struct call *call, const struct upstream_secret *secret) {
    switch (secret->status) {
    case 0:
    case -ENOSYS:
        return true;
    case -ENOENT:
        call_fail(call, "SecretNotFoundException",
                  "The ARN of the secret specified in the pull through cache rule was not found. "
                  "Update the pull through cache rule with a valid secret ARN and try again.");
        return false;
    case -EKEYREJECTED:
        call_fail(call, "UnableToDecryptSecretValueException",
                  "The secret is accessible but is unable to be decrypted. Verify the resource "
                  "permissions and try again.");
        return false;
    case -EACCES:
    case -EINVAL:
        call_fail(call, "UnableToAccessSecretException",
                  "The secret is unable to be accessed. Verify the resource permissions for the "
                  "secret and try again. (%s)",
                  secret->reason);
        return false;
    default:
        call_broken(call, "The secret could not be looked for", secret->status, secret->reason);
        return false;
    }
}

/* Looks for the secret that the call names and goes on with on_secret. */
static void ask_secret(struct call *call, struct json_object *rule,
                       void (*on_secret)(void *arg, const struct upstream_secret *secret)) {
    char host[UPSTREAM_HOST_MAX + 1] = "";
    (void)upstream_registry_find(virga_awsjson_str(rule, "upstreamRegistryUrl"), host);
    const struct upstream_secret_question question = {
        .tenant = call->tenant,
        .arn = virga_awsjson_str(rule, "credentialArn").ptr,
        .host = host,
    };
    int result = upstream_secret_ask(call->ecr, &question, on_secret, call);
    if (result != 0) {
        call_broken(call, "The secret could not be looked for", result, NULL);
    }
}

/* --- CreatePullThroughCacheRule --- */

static bool fail_url(struct call *call) {
    struct virga_str url = call_str(call, "upstreamRegistryUrl");
    call_fail(
        call, "UnsupportedUpstreamRegistryException",
        "The upstream registry URL %.*s is invalid. Specify a valid upstream registry URL and "
        "try again",
        (int)(url.len < 512 ? url.len : 512), url.ptr);
    return false;
}

/* Checks the registry, and what it asks for; false: the call has ended. */
static bool check_registry(struct call *call) {
    char host[UPSTREAM_HOST_MAX + 1];
    struct tenant tenant;
    struct virga_str name = call_str(call, "upstreamRegistry");
    const struct upstream_registry *registry =
        upstream_registry_find(call_str(call, "upstreamRegistryUrl"), host);
    if (registry == NULL ||
        (name.ptr != NULL && !virga_str_equal(name, virga_str_from(registry->name)))) {
        return fail_url(call);
    }
    if (registry->needs_secret && call_str(call, "credentialArn").len == 0) {
        call_fail(
            call, "UnsupportedUpstreamRegistryException",
            "The specified upstream registry requires authentication. Specify a valid Secrets "
            "Manager ARN and try again");
        return false;
    }
    if (registry->is_ecr && tenant_from_host(virga_str_from(host), &tenant) == 1 &&
        strcmp(tenant.account, call->tenant.account) != 0 &&
        call_str(call, "customRoleArn").len == 0) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'customRoleArn' failed to satisfy constraint: 'must be "
                  "specified when the upstream registry belongs to another account'");
        return false;
    }
    return true;
}

static int on_counted(void *arg, struct virga_str id, struct virga_str text) {
    size_t *count = arg;
    (void)id;
    (void)text;
    return ++*count == RULES_MAX;
}

/* Whether another rule may be made; if not, the call has ended. */
static bool check_new(struct call *call) {
    struct json_object *there = NULL;
    size_t count = 0;
    int result = cache_rule_get(call->ecr, &call->tenant, prefix_of(call), &there);
    if (result == 0) {
        json_object_put(there);
        call_fail(
            call, "PullThroughCacheRuleAlreadyExistsException",
            "The pull through cache rule with Amazon ECR repository prefix '%s' already exists "
            "in the registry with id '%s'",
            prefix_of(call).ptr, call->tenant.account);
        return false;
    }
    if (result == -ENOENT) {
        result = meta_setting_each(call->ecr, &call->tenant, CACHE_RULE_KIND, (struct virga_str){0},
                                   on_counted, &count);
    }
    if (result < 0) {
        call_broken(call, "The rules could not be read", result, NULL);
    } else if (count >= RULES_MAX) {
        call_fail(call, "LimitExceededException",
                  "The maximum number of pull through cache rules per registry (%d) was reached in "
                  "the registry with id '%s'",
                  RULES_MAX, call->tenant.account);
    }
    return result >= 0 && count < RULES_MAX;
}

static void create(struct call *call) {
    char host[UPSTREAM_HOST_MAX + 1];
    struct json_object *rule = json_object_new_object();
    const struct upstream_registry *registry =
        upstream_registry_find(call_str(call, "upstreamRegistryUrl"), host);
    if (rule == NULL || registry == NULL) {
        call_broken(call, "The rule could not be recorded", -ENOMEM, NULL);
        return;
    }
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct json_object *value = virga_awsjson_member(call->input, members[i]);
        if (value != NULL) {
            json_object_object_add(rule, members[i], json_object_get(value));
        }
    }
    json_object_object_add(rule, "upstreamRegistry", json_object_new_string(registry->name));
    json_object_object_add(rule, CREATED,
                           json_object_new_int64(call->ecr->timer->now_ms(call->ecr->host)));
    if (keep(call, rule)) {
        answer_rule(call, rule, CACHE_RULE_URL | CACHE_RULE_REGISTRY | CACHE_RULE_CREATED);
    }
    json_object_put(rule);
}

static void on_create_secret(void *arg, const struct upstream_secret *secret) {
    struct call *call = arg;
    /* Another call may have made the rule while the secret was looked for. */
    if (check_secret(call, secret) && check_new(call)) {
        create(call);
    }
}

void action_create_pull_through_cache_rule(struct call *call) {
    if (!check_registry(call) || !check_new(call)) {
        return;
    }
    if (call_str(call, "credentialArn").len > 0) {
        ask_secret(call, call->input, on_create_secret);
    } else {
        create(call);
    }
}

/* --- UpdatePullThroughCacheRule --- */

static void update(struct call *call) {
    static const char *const changed[] = {"credentialArn", "customRoleArn"};
    struct json_object *rule = NULL;
    if (!cache_rule_take(call, prefix_of(call), &rule)) {
        return;
    }
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        struct json_object *value = virga_awsjson_member(call->input, changed[i]);
        if (value != NULL) {
            json_object_object_add(rule, changed[i], json_object_get(value));
        }
    }
    if (keep(call, rule)) {
        answer_rule(call, rule, CACHE_RULE_UPDATED);
    }
    json_object_put(rule);
}

static void on_update_secret(void *arg, const struct upstream_secret *secret) {
    struct call *call = arg;
    if (check_secret(call, secret)) {
        update(call);
    }
}

void action_update_pull_through_cache_rule(struct call *call) {
    struct json_object *rule = NULL;
    if (!cache_rule_take(call, prefix_of(call), &rule)) {
        return;
    }
    if (call_str(call, "credentialArn").len == 0) {
        json_object_put(rule);
        update(call);
        return;
    }
    /* By the rule's registry and the new secret. */
    json_object_object_add(rule, "credentialArn",
                           json_object_get(virga_awsjson_member(call->input, "credentialArn")));
    ask_secret(call, rule, on_update_secret);
    json_object_put(rule);
}

/* --- DeletePullThroughCacheRule --- */

void action_delete_pull_through_cache_rule(struct call *call) {
    struct json_object *rule = NULL;
    if (!cache_rule_take(call, prefix_of(call), &rule)) {
        return;
    }
    int result = meta_setting_delete(call->ecr, &call->tenant, CACHE_RULE_KIND,
                                     template_prefix(prefix_of(call)));
    if (result == 0) {
        answer_rule(call, rule, CACHE_RULE_URL | CACHE_RULE_CREATED);
    } else {
        call_broken(call, "The rule could not be deleted", result, NULL);
    }
    json_object_put(rule);
}

/* --- DescribePullThroughCacheRules --- */

struct listing {
    const struct call *call;
    struct call_page page;
    struct virga_json_writer writer;
};

static void list_rule(struct listing *listing, struct json_object *rule) {
    virga_json_begin_object(&listing->writer, NULL);
    cache_rule_write(listing->call, rule,
                     CACHE_RULE_URL | CACHE_RULE_REGISTRY | CACHE_RULE_CREATED | CACHE_RULE_UPDATED,
                     &listing->writer);
    virga_json_end_object(&listing->writer);
}

static int on_listed(void *arg, struct virga_str id, struct virga_str text) {
    struct listing *listing = arg;
    struct json_object *rule = NULL;
    if (!call_page_take(&listing->page, id)) {
        return 1;
    }
    int result = virga_awsjson_parse(text, &rule);
    if (result == 0) {
        list_rule(listing, rule);
        json_object_put(rule);
    }
    return result == -EBADMSG ? -EIO : result;
}

static void begin_listing(struct listing *listing) {
    virga_json_begin_object(&listing->writer, NULL);
    virga_json_begin_array(&listing->writer, "pullThroughCacheRules");
}

static void describe_named(struct call *call, size_t count) {
    struct listing listing = {.call = call};
    begin_listing(&listing);
    for (size_t i = 0; i < count; i++) {
        struct json_object *rule = NULL;
        if (!cache_rule_take(
                call,
                virga_awsjson_text(virga_awsjson_element(call->input, "ecrRepositoryPrefixes", i)),
                &rule)) {
            virga_json_finish(&listing.writer);
            return;
        }
        list_rule(&listing, rule);
        json_object_put(rule);
    }
    virga_json_end_array(&listing.writer);
    virga_json_end_object(&listing.writer);
    call_answer(call, &listing.writer);
}

static void describe_all(struct call *call) {
    struct listing listing = {.call = call};
    if (!call_page_start(call, "", &listing.page)) {
        return;
    }
    struct virga_str after = {listing.page.begun ? listing.page.position : NULL,
                              listing.page.position_len};
    begin_listing(&listing);
    int result =
        meta_setting_each(call->ecr, &call->tenant, CACHE_RULE_KIND, after, on_listed, &listing);
    virga_json_end_array(&listing.writer);
    if (result >= 0) {
        result = call_page_end(call, &listing.page, &listing.writer);
    }
    virga_json_end_object(&listing.writer);
    if (result < 0) {
        virga_json_finish(&listing.writer);
        call_broken(call, "The rules could not be listed", result, NULL);
        return;
    }
    call_answer(call, &listing.writer);
}

void action_describe_pull_through_cache_rules(struct call *call) {
    size_t count = virga_awsjson_length(call->input, "ecrRepositoryPrefixes");
    if (count == 0) {
        describe_all(call);
    } else if (call_str(call, "nextToken").ptr != NULL) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'nextToken' failed to satisfy constraint: 'must be null "
                  "when ecrRepositoryPrefixes is specified'");
    } else {
        describe_named(call, count);
    }
}
