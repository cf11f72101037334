/* SPDX-License-Identifier: MIT */
/* Repository creation templates: create, update, delete, describe. How they are applied is in
 * template_apply.c. */
#include "template_apply.h"

#include "actions.h"
#include "lifecycle_check.h"
#include "policy_text.h"
#include "repository.h"
#include "resource_tags.h"

#include <errno.h>
#include <stdlib.h>

/* Templates of one registry. Source: the service quota "Repository creation templates per region".
 */
#define TEMPLATES_MAX 100

#define MUTABILITY "imageTagMutability"
#define EXCLUSIONS "imageTagMutabilityExclusionFilters"
#define CREATED "createdAt" /* both in milliseconds, as they are stored */
#define UPDATED "updatedAt"

/* What a template is made of, besides its times. */
static const char *const members[] = {
    "prefix",   "description",      "encryptionConfiguration", "resourceTags", MUTABILITY,
    EXCLUSIONS, "repositoryPolicy", "lifecyclePolicy",         "appliedFor",   "customRoleArn"};

static struct virga_str prefix_of(const struct call *call) {
    return call_str(call, "prefix");
}

/* --- answers --- */

static void write_text(struct json_object *template, const char *key,
                       struct virga_json_writer *writer) {
    struct virga_str text = virga_awsjson_str(template, key);
    if (text.len > 0) {
        virga_json_str(writer, key, text);
    }
}

static void write_encryption(struct json_object *template, struct virga_json_writer *writer) {
    struct json_object *given = virga_awsjson_member(template, "encryptionConfiguration");
    struct virga_str type = virga_awsjson_str(given, "encryptionType");
    virga_json_begin_object(writer, "encryptionConfiguration");
    virga_json_str(writer, "encryptionType", type.ptr != NULL ? type : virga_str_from("AES256"));
    write_text(given, "kmsKey", writer);
    virga_json_end_object(writer);
}

static void write_tags(struct json_object *template, struct virga_json_writer *writer) {
    size_t count = virga_awsjson_length(template, "resourceTags");
    virga_json_begin_array(writer, "resourceTags");
    for (size_t i = 0; i < count; i++) {
        struct json_object *tag = virga_awsjson_element(template, "resourceTags", i);
        virga_json_begin_object(writer, NULL);
        virga_json_str(writer, "Key", virga_awsjson_str(tag, "Key"));
        virga_json_str(writer, "Value", virga_awsjson_str(tag, "Value"));
        virga_json_end_object(writer);
    }
    virga_json_end_array(writer);
}

static void write_exclusions(struct json_object *template, struct virga_json_writer *writer) {
    size_t count = virga_awsjson_length(template, EXCLUSIONS);
    if (count == 0) {
        return;
    }
    virga_json_begin_array(writer, EXCLUSIONS);
    for (size_t i = 0; i < count; i++) {
        struct json_object *filter = virga_awsjson_element(template, EXCLUSIONS, i);
        virga_json_begin_object(writer, NULL);
        virga_json_string(writer, "filterType", "WILDCARD");
        virga_json_str(writer, "filter", virga_awsjson_str(filter, "filter"));
        virga_json_end_object(writer);
    }
    virga_json_end_array(writer);
}

static void write_template(struct json_object *template, const char *key,
                           struct virga_json_writer *writer) {
    size_t count = virga_awsjson_length(template, "appliedFor");
    virga_json_begin_object(writer, key);
    write_text(template, "prefix", writer);
    write_text(template, "description", writer);
    write_encryption(template, writer);
    write_tags(template, writer);
    virga_json_string(
        writer, MUTABILITY,
        repository_mutability(repository_mutability_from(virga_awsjson_str(template, MUTABILITY))));
    write_exclusions(template, writer);
    write_text(template, "repositoryPolicy", writer);
    write_text(template, "lifecyclePolicy", writer);
    virga_json_begin_array(writer, "appliedFor");
    for (size_t i = 0; i < count; i++) {
        virga_json_str(writer, NULL,
                       virga_awsjson_text(virga_awsjson_element(template, "appliedFor", i)));
    }
    virga_json_end_array(writer);
    write_text(template, "customRoleArn", writer);
    virga_json_time(writer, CREATED, virga_awsjson_int(template, CREATED, 0));
    virga_json_time(writer, UPDATED, virga_awsjson_int(template, UPDATED, 0));
    virga_json_end_object(writer);
}

static void answer_template(struct call *call, struct json_object *template) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "registryId", call->tenant.account);
    write_template(template, "repositoryCreationTemplate", &writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

static void fail_missing(struct call *call, struct virga_str prefix) {
    call_fail(call, "TemplateNotFoundException",
              "The repository creation template with the prefix '%.*s' does not exist in the "
              "registry with id '%s'",
              (int)prefix.len, prefix.ptr, call->tenant.account);
}

/* Reads the template that the call names; false: the call has ended. */
static bool take_template(struct call *call, struct json_object **ret_template) {
    int result = template_get(call->ecr, &call->tenant, prefix_of(call), ret_template);
    if (result == -ENOENT) {
        fail_missing(call, prefix_of(call));
    } else if (result != 0) {
        call_broken(call, "The template could not be read", result, NULL);
    }
    return result == 0;
}

/* --- checks --- */

static bool fail_member(struct call *call, const char *member, const char *constraint) {
    call_fail(call, "InvalidParameterException",
              "Invalid parameter at '%s' failed to satisfy constraint: '%s'", member, constraint);
    return false;
}

static bool check_tags(struct call *call, struct meta_repository *scratch) {
    int result = resource_tags_read(call->input, "resourceTags", scratch);
    if (result == -EINVAL) {
        return fail_member(call, "resourceTags", "Tag parameters are invalid");
    }
    if (result == -E2BIG) {
        return fail_member(call, "resourceTags",
                           "The maximum number of tags that can be applied to a repository is 50");
    }
    if (result != 0) {
        call_broken(call, "The tags could not be kept", result, NULL);
    }
    return result == 0;
}

static bool check_texts(struct call *call) {
    char fault[LIFECYCLE_FAULT_MAX], message[sizeof fault + 64];
    struct virga_str policy = call_str(call, "repositoryPolicy");
    struct virga_str lifecycle = call_str(call, "lifecyclePolicy");
    if (policy.len > 0 && !policy_text_is_policy(policy)) {
        return fail_member(call, "RepositoryPolicy", "Invalid repository policy provided");
    }
    if (lifecycle.len > 0 && !lifecycle_check(lifecycle, fault)) {
        (void)snprintf(message, sizeof message, "Lifecycle policy validation failure: %s", fault);
        return fail_member(call, "LifecyclePolicy", message);
    }
    return true;
}

/* Whether a repository could be made of call->input; if not, the call has ended. */
static bool check_settings(struct call *call) {
    struct meta_repository scratch = {0};
    bool good = repository_take_mutability(call, &scratch) && check_tags(call, &scratch) &&
                check_texts(call);
    meta_repository_finish(&scratch);
    return good;
}

/* --- create and update --- */

/* Puts call->input's members into `template`; an empty text takes the member away. */
static void merge(struct call *call, struct json_object *template) {
    if (virga_awsjson_member(call->input, MUTABILITY) != NULL) {
        /* Filters belong to the setting that they were given with. */
        json_object_object_del(template, EXCLUSIONS);
    }
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct json_object *value = virga_awsjson_member(call->input, members[i]);
        struct virga_str text = virga_awsjson_text(value);
        if (text.ptr != NULL && text.len == 0) {
            json_object_object_del(template, members[i]);
        } else if (value != NULL) {
            json_object_object_add(template, members[i], json_object_get(value));
        }
    }
}

static void keep_and_answer(struct call *call, struct json_object *template) {
    size_t len = 0;
    json_object_object_add(template, UPDATED,
                           json_object_new_int64(call->ecr->timer->now_ms(call->ecr->host)));
    const char *text = json_object_to_json_string_length(template, JSON_C_TO_STRING_PLAIN, &len);
    int result = text == NULL
                     ? -ENOMEM
                     : meta_setting_put(call->ecr, &call->tenant, TEMPLATE_KIND,
                                        template_prefix(virga_awsjson_str(template, "prefix")),
                                        (struct virga_str){text, len});
    if (result == 0) {
        answer_template(call, template);
    } else {
        call_broken(call, "The template could not be recorded", result, NULL);
    }
}

static int on_counted(void *arg, struct virga_str id, struct virga_str text) {
    size_t *count = arg;
    (void)id;
    (void)text;
    return ++*count == TEMPLATES_MAX;
}

/* Whether another template may be made; if not, the call has ended. */
static bool check_new(struct call *call) {
    struct json_object *there = NULL;
    size_t count = 0;
    int result = template_get(call->ecr, &call->tenant, prefix_of(call), &there);
    if (result == 0) {
        json_object_put(there);
        call_fail(call, "TemplateAlreadyExistsException",
                  "The repository creation template with the prefix '%s' already exists in the "
                  "registry with id '%s'",
                  prefix_of(call).ptr, call->tenant.account);
        return false;
    }
    if (result == -ENOENT) {
        result = meta_setting_each(call->ecr, &call->tenant, TEMPLATE_KIND, (struct virga_str){0},
                                   on_counted, &count);
    }
    if (result < 0) {
        call_broken(call, "The templates could not be read", result, NULL);
    } else if (count >= TEMPLATES_MAX) {
        call_fail(call, "LimitExceededException",
                  "The maximum number of repository creation templates per registry (%d) was "
                  "reached in the registry with id '%s'",
                  TEMPLATES_MAX, call->tenant.account);
    }
    return result >= 0 && count < TEMPLATES_MAX;
}

void action_create_repository_creation_template(struct call *call) {
    if (!check_settings(call) || !check_new(call)) {
        return;
    }
    struct json_object *template = json_object_new_object();
    if (template == NULL) {
        call_broken(call, "The template could not be recorded", -ENOMEM, NULL);
        return;
    }
    merge(call, template);
    json_object_object_add(template, CREATED,
                           json_object_new_int64(call->ecr->timer->now_ms(call->ecr->host)));
    keep_and_answer(call, template);
    json_object_put(template);
}

void action_update_repository_creation_template(struct call *call) {
    struct json_object *template = NULL;
    if (!take_template(call, &template)) {
        return;
    }
    struct virga_str prefix = virga_awsjson_str(template, "prefix");
    /* The template keeps the prefix as it was written when it was made. */
    json_object_object_add(call->input, "prefix",
                           json_object_new_string_len(prefix.ptr, (int)prefix.len));
    merge(call, template);
    json_object_put(call->input);
    call->input = json_object_get(template);
    if (check_settings(call)) {
        keep_and_answer(call, template);
    }
    json_object_put(template);
}

void action_delete_repository_creation_template(struct call *call) {
    struct json_object *template = NULL;
    if (!take_template(call, &template)) {
        return;
    }
    int result = meta_setting_delete(call->ecr, &call->tenant, TEMPLATE_KIND,
                                     template_prefix(prefix_of(call)));
    if (result == 0) {
        answer_template(call, template);
    } else {
        call_broken(call, "The template could not be deleted", result, NULL);
    }
    json_object_put(template);
}

/* --- DescribeRepositoryCreationTemplates --- */

struct listing {
    struct call_page page;
    struct virga_json_writer writer;
};

static int on_listed(void *arg, struct virga_str id, struct virga_str text) {
    struct listing *listing = arg;
    struct json_object *template = NULL;
    if (!call_page_take(&listing->page, id)) {
        return 1;
    }
    int result = virga_awsjson_parse(text, &template);
    if (result == 0) {
        write_template(template, NULL, &listing->writer);
        json_object_put(template);
    }
    return result == -EBADMSG ? -EIO : result;
}

/* Writes those that are named and there, in the order asked for; none is missed with an error. */
static int list_named(struct call *call, struct listing *listing) {
    size_t count = virga_awsjson_length(call->input, "prefixes");
    int result = 0;
    for (size_t i = 0; i < count && (result == 0 || result == -ENOENT); i++) {
        struct json_object *template = NULL;
        struct virga_str prefix =
            virga_awsjson_text(virga_awsjson_element(call->input, "prefixes", i));
        result = template_get(call->ecr, &call->tenant, prefix, &template);
        if (result == 0) {
            write_template(template, NULL, &listing->writer);
            json_object_put(template);
        }
    }
    return result == -ENOENT ? 0 : result;
}

static int list_all(struct call *call, struct listing *listing) {
    struct virga_str after = {listing->page.begun ? listing->page.position : NULL,
                              listing->page.position_len};
    return meta_setting_each(call->ecr, &call->tenant, TEMPLATE_KIND, after, on_listed, listing);
}

void action_describe_repository_creation_templates(struct call *call) {
    struct listing listing = {0};
    bool named = virga_awsjson_length(call->input, "prefixes") > 0;
    if (named && call_str(call, "nextToken").ptr != NULL) {
        (void)fail_member(call, "nextToken", "must be null when prefixes is specified");
        return;
    }
    if (!call_page_start(call, "", &listing.page)) {
        return;
    }
    virga_json_begin_object(&listing.writer, NULL);
    virga_json_string(&listing.writer, "registryId", call->tenant.account);
    virga_json_begin_array(&listing.writer, "repositoryCreationTemplates");
    int result = named ? list_named(call, &listing) : list_all(call, &listing);
    virga_json_end_array(&listing.writer);
    if (result >= 0) {
        result = call_page_end(call, &listing.page, &listing.writer);
    }
    virga_json_end_object(&listing.writer);
    if (result < 0) {
        virga_json_finish(&listing.writer);
        call_broken(call, "The templates could not be listed", result, NULL);
        return;
    }
    call_answer(call, &listing.writer);
}
