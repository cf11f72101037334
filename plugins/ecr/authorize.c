/* SPDX-License-Identifier: MIT */
/* Decisions by policies: what the registry's and the repository's say together. */
#include "authorize.h"

#include "policy_eval.h"

#include <errno.h>
#include <virga/helpers/arn.h>

bool authorize_enforces(const struct ecr *ecr) {
    return ecr->enforce;
}

/* --- what is asked --- */

/* The resource's ARN as policies and messages have it. */
static void write_resource(const struct authorize_question *question, char resource[CALL_ARN_MAX]) {
    if (question->name.ptr != NULL) {
        call_repository_arn(question->owner, question->name, resource);
    } else if (strcmp(question->action, "ecr:DescribeRepositories") == 0) {
        call_repository_arn(question->owner, virga_str_from("*"), resource);
    } else {
        memcpy(resource, "*", 2);
    }
}

static void add_request_tags(struct policy_context *context, struct json_object *input) {
    for (size_t i = 0; i < virga_awsjson_length(input, "tags"); i++) {
        struct json_object *tag = virga_awsjson_element(input, "tags", i);
        policy_context_add_request_tag(context, virga_awsjson_str(tag, "Key"),
                                       virga_awsjson_str(tag, "Value"));
    }
    for (size_t i = 0; i < virga_awsjson_length(input, "tagKeys"); i++) {
        struct virga_str key = virga_awsjson_text(virga_awsjson_element(input, "tagKeys", i));
        policy_context_add_request_tag(context, key, (struct virga_str){0});
    }
}

static void write_context(struct ecr *ecr, const struct authorize_question *question,
                          const struct meta_repository *repository,
                          struct policy_context *context) {
    policy_context_start(context, question->principal, ecr->timer->now_ms(ecr->host));
    policy_context_add(context, "aws:RequestedRegion", virga_str_from(question->owner->region));
    policy_context_add(context, "aws:ResourceAccount", virga_str_from(question->owner->account));
    if (question->req != NULL) {
        policy_context_add_peer(context, question->req->peer);
        policy_context_add(context, "aws:UserAgent",
                           question->req->http->header(question->req, "User-Agent"));
    }
    if (question->input != NULL) {
        add_request_tags(context, question->input);
        if (strstr(question->action, "AccountSetting") != NULL) {
            policy_context_add(context, "ecr:AccountSetting",
                               virga_awsjson_str(question->input, "name"));
        }
    }
    for (size_t i = 0; i < repository->tags_count; i++) {
        policy_context_add_resource_tag(context, virga_str_from(repository->tags[i].key),
                                        virga_str_from(repository->tags[i].value));
    }
}

/* --- the policies --- */

/* Whether the registry's policy speaks of all actions, or only of those that have to do with images
 * from elsewhere. Source: ECR user guide, "Private registry permissions". */
static int read_scope(struct ecr *ecr, const struct tenant *owner, bool *ret_all) {
    struct virga_store_value value = {0};
    int result = meta_setting_get(ecr, owner, "account-setting",
                                  virga_str_from("REGISTRY_POLICY_SCOPE"), &value);
    *ret_all = result != 0 ||
               !virga_str_equal((struct virga_str){value.ptr, value.len}, virga_str_from("V1"));
    ecr->store->release(ecr->host, &value);
    return result == -ENOENT ? 0 : result;
}

static bool is_of_scope_v1(const char *action) {
    return strcmp(action, "ecr:ReplicateImage") == 0 ||
           strcmp(action, "ecr:BatchImportUpstreamImage") == 0 ||
           strcmp(action, "ecr:CreateRepository") == 0;
}

/* Parses a stored text; -ENOENT: there is none. One that is no policy, of a store from before they
 * were checked, counts as none. */
static int parse_stored(struct ecr *ecr, const struct authorize_question *question,
                        enum policy_kind kind, struct policy_document *ret_document) {
    struct virga_store_value text = {0};
    int result = kind == POLICY_REGISTRY
                     ? meta_setting_get(ecr, question->owner, AUTHORIZE_REGISTRY_POLICY,
                                        (struct virga_str){"", 0}, &text)
                     : meta_text_get(ecr, question->owner, question->name, "policy", &text);
    if (result == 0) {
        result = policy_document_parse((struct virga_str){text.ptr, text.len}, kind, ret_document);
    }
    ecr->store->release(ecr->host, &text);
    if (result == -EINVAL) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, question->req, "a %s policy of account %s is none: ignored",
                kind == POLICY_REGISTRY ? "registry" : "repository", question->owner->account);
        result = -ENOENT;
    }
    return result;
}

/* What both policies say together. A repository that is not there has none. */
struct policies {
    struct policy_document registry;
    struct policy_document repository;
    const struct policy_document *list[2];
    size_t count;
    struct meta_repository record; /* for its tags */
};

static int read_policies(struct ecr *ecr, const struct authorize_question *question,
                         struct policies *policies) {
    bool all = true;
    int result = parse_stored(ecr, question, POLICY_REGISTRY, &policies->registry);
    if (result == 0) {
        result = read_scope(ecr, question->owner, &all);
        if (all || is_of_scope_v1(question->action)) {
            policies->list[policies->count++] = &policies->registry;
        }
    }
    if (result != 0 && result != -ENOENT) {
        return result;
    }
    if (question->name.ptr == NULL) {
        return 0;
    }
    result = meta_repository_get(ecr, question->owner, question->name, &policies->record);
    if (result != 0) {
        /* No key can hold some names; the action says so. */
        return result == -ENOENT || result == -EINVAL ? 0 : result;
    }
    if (question->instead != NULL) {
        policies->list[policies->count++] = question->instead;
        return 0;
    }
    result = parse_stored(ecr, question, POLICY_REPOSITORY, &policies->repository);
    if (result == 0) {
        policies->list[policies->count++] = &policies->repository;
    }
    return result == -ENOENT ? 0 : result;
}

static int eval(struct ecr *ecr, const struct authorize_question *question, const char *resource,
                const struct policies *policies, enum policy_effect *ret_effect) {
    struct policy_context context;
    enum policy_effect effect = POLICY_SILENT, most = POLICY_SILENT;
    const struct policy_request request = {.principal = question->principal,
                                           .action = virga_str_from(question->action),
                                           .resource = virga_str_from(resource),
                                           .context = &context};
    if (policies->count > 0) {
        write_context(ecr, question, &policies->record, &context);
    }
    for (size_t i = 0; i < policies->count; i++) {
        int result = policy_eval(policies->list[i], &request, &effect);
        if (result != 0) {
            return result;
        }
        most = effect > most ? effect : most;
    }
    *ret_effect = most;
    return 0;
}

int authorize_ask(struct ecr *ecr, const struct authorize_question *question,
                  char ret_message[AUTHORIZE_MESSAGE_MAX]) {
    char resource[CALL_ARN_MAX];
    struct policies policies = {0};
    enum policy_effect effect = POLICY_SILENT;
    if (!ecr->enforce) {
        return 0;
    }
    write_resource(question, resource);
    int result = read_policies(ecr, question, &policies);
    if (result == 0) {
        result = eval(ecr, question, resource, &policies, &effect);
    }
    policy_document_finish(&policies.registry);
    policy_document_finish(&policies.repository);
    meta_repository_finish(&policies.record);
    if (result != 0) {
        return result;
    }
    bool own = strcmp(question->principal->account, question->owner->account) == 0;
    if (effect == POLICY_ALLOW || (own && effect == POLICY_SILENT)) {
        return 0;
    }
    int len = snprintf(ret_message, AUTHORIZE_MESSAGE_MAX,
                       "User: %s is not authorized to perform: %s on resource: %s ",
                       question->principal->arn, question->action, resource);
    size_t room = len < AUTHORIZE_MESSAGE_MAX ? (size_t)(AUTHORIZE_MESSAGE_MAX - len) : 0;
    if (room > 0 && effect == POLICY_DENY) {
        (void)snprintf(ret_message + len, room, "with an explicit deny in a resource-based policy");
    } else if (room > 0) {
        (void)snprintf(ret_message + len, room,
                       "because no resource-based policy allows the %s action", question->action);
    }
    return -EACCES;
}

/* --- for other parts --- */

int authorize_registry(struct ecr *ecr, const struct tenant *owner,
                       const struct principal *principal, const char *action,
                       struct virga_str name) {
    char message[AUTHORIZE_MESSAGE_MAX];
    const struct authorize_question question = {
        .principal = principal, .owner = owner, .action = action, .name = name};
    return authorize_ask(ecr, &question, message);
}

static int ask_destination(struct ecr *ecr, const struct tenant *source,
                           const struct tenant *destination, const char *action,
                           struct virga_str name) {
    struct principal principal;
    if (!ecr->enforce || strcmp(source->account, destination->account) == 0) {
        return 0;
    }
    principal_root(virga_str_from(source->account), virga_str_from(source->region), &principal);
    return authorize_registry(ecr, destination, &principal, action, name);
}

int authorize_replication(struct ecr *ecr, const struct tenant *source,
                          const struct tenant *destination, struct virga_str name) {
    return ask_destination(ecr, source, destination, "ecr:ReplicateImage", name);
}

int authorize_replication_create(struct ecr *ecr, const struct tenant *source,
                                 const struct tenant *destination, struct virga_str name) {
    return ask_destination(ecr, source, destination, "ecr:CreateRepository", name);
}
