/* SPDX-License-Identifier: MIT */
/* PutRegistryScanningConfiguration, GetRegistryScanningConfiguration and
 * BatchGetRepositoryScanningConfiguration. */
#include "scan_config.h"
#include "actions.h"
#include "scan_run.h"
#include "wildcard.h"

#include <errno.h>

#define DEFAULT_CONFIG "{\"scanType\":\"BASIC\",\"rules\":[]}"

static const char *const frequencies[] = {"MANUAL", "SCAN_ON_PUSH", "CONTINUOUS_SCAN"};

/* --- what a configuration means --- */

bool scan_filter_matches(const char *filter, const char *name) {
    return strchr(filter, '*') != NULL ? wildcard_matches(filter, name)
                                       : strstr(name, filter) != NULL;
}

static enum scan_frequency frequency_of(struct json_object *rule) {
    struct virga_str text = virga_awsjson_str(rule, "scanFrequency");
    for (int i = SCAN_FREQUENCY_CONTINUOUS; i > SCAN_FREQUENCY_MANUAL; i--) {
        if (virga_str_equal(text, virga_str_from(frequencies[i]))) {
            return (enum scan_frequency)i;
        }
    }
    return SCAN_FREQUENCY_MANUAL;
}

static bool filter_matches(struct json_object *filter, const char *name) {
    struct virga_str text = virga_awsjson_str(filter, "filter");
    return text.ptr != NULL && scan_filter_matches(text.ptr, name);
}

static bool rule_matches(struct json_object *rule, const char *name) {
    size_t count = virga_awsjson_length(rule, "repositoryFilters");
    for (size_t i = 0; i < count; i++) {
        if (filter_matches(virga_awsjson_element(rule, "repositoryFilters", i), name)) {
            return true;
        }
    }
    return false;
}

struct scan_effect scan_config_apply(struct json_object *config, const char *name, bool flag) {
    struct scan_effect effect = {.enhanced = virga_str_equal(virga_awsjson_str(config, "scanType"),
                                                             virga_str_from("ENHANCED"))};
    size_t count = virga_awsjson_length(config, "rules");
    for (size_t i = 0; i < count; i++) {
        struct json_object *rule = virga_awsjson_element(config, "rules", i);
        /* Continuous scanning goes before scanning on push. */
        if (frequency_of(rule) > effect.frequency && rule_matches(rule, name)) {
            effect.frequency = frequency_of(rule);
        }
    }
    /* Enhanced scanning knows the registry's rules only. */
    if (!effect.enhanced && flag) {
        effect.frequency = SCAN_FREQUENCY_ON_PUSH;
    }
    effect.on_push = effect.frequency != SCAN_FREQUENCY_MANUAL;
    return effect;
}

bool scan_config_is_continuous(struct json_object *config) {
    size_t count = virga_awsjson_length(config, "rules");
    for (size_t i = 0; i < count; i++) {
        if (frequency_of(virga_awsjson_element(config, "rules", i)) == SCAN_FREQUENCY_CONTINUOUS) {
            return true;
        }
    }
    return false;
}

/* --- reading it --- */

int scan_config_read(struct ecr *ecr, const struct tenant *tenant,
                     struct json_object **ret_config) {
    struct virga_store_value text = {0};
    int result = meta_setting_get(ecr, tenant, SCAN_CONFIG_KIND, virga_str_from(""), &text);
    if (result == -ENOENT) {
        result = virga_awsjson_parse(virga_str_from(DEFAULT_CONFIG), ret_config);
    } else if (result == 0) {
        result = virga_awsjson_parse((struct virga_str){text.ptr, text.len}, ret_config);
        ecr->store->release(ecr->host, &text);
    }
    return result == -EBADMSG ? -EIO : result;
}

int scan_config_effect(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       struct scan_effect *ret_effect) {
    struct meta_repository repository;
    struct json_object *config = NULL;
    int result = meta_repository_get(ecr, tenant, name, &repository);
    if (result != 0) {
        return result;
    }
    result = scan_config_read(ecr, tenant, &config);
    if (result == 0) {
        *ret_effect = scan_config_apply(config, repository.name, repository.scan_on_push);
        json_object_put(config);
    }
    meta_repository_finish(&repository);
    return result;
}

/* --- actions --- */

static void write_filters(struct json_object *rule, const char *key, const char *matching,
                          struct virga_json_writer *writer) {
    size_t count = virga_awsjson_length(rule, "repositoryFilters");
    if (key != NULL) {
        virga_json_begin_array(writer, key);
    }
    for (size_t i = 0; i < count; i++) {
        struct json_object *filter = virga_awsjson_element(rule, "repositoryFilters", i);
        if (matching == NULL || filter_matches(filter, matching)) {
            virga_json_begin_object(writer, NULL);
            virga_json_str(writer, "filter", virga_awsjson_str(filter, "filter"));
            virga_json_str(writer, "filterType", virga_awsjson_str(filter, "filterType"));
            virga_json_end_object(writer);
        }
    }
    if (key != NULL) {
        virga_json_end_array(writer);
    }
}

static void write_config(struct json_object *config, const char *key,
                         struct virga_json_writer *writer) {
    struct virga_str type = virga_awsjson_str(config, "scanType");
    size_t count = virga_awsjson_length(config, "rules");
    virga_json_begin_object(writer, key);
    virga_json_str(writer, "scanType", type.ptr != NULL ? type : virga_str_from("BASIC"));
    virga_json_begin_array(writer, "rules");
    for (size_t i = 0; i < count; i++) {
        struct json_object *rule = virga_awsjson_element(config, "rules", i);
        virga_json_begin_object(writer, NULL);
        virga_json_str(writer, "scanFrequency", virga_awsjson_str(rule, "scanFrequency"));
        write_filters(rule, "repositoryFilters", NULL, writer);
        virga_json_end_object(writer);
    }
    virga_json_end_array(writer);
    virga_json_end_object(writer);
}

/* Checks what the model cannot say; false: the call has ended. */
static bool check_rules(struct call *call) {
    bool enhanced = virga_str_equal(call_str(call, "scanType"), virga_str_from("ENHANCED"));
    size_t count = virga_awsjson_length(call->input, "rules");
    bool seen[sizeof frequencies / sizeof frequencies[0]] = {false};
    for (size_t i = 0; i < count; i++) {
        enum scan_frequency frequency =
            frequency_of(virga_awsjson_element(call->input, "rules", i));
        bool allowed =
            enhanced ? frequency != SCAN_FREQUENCY_MANUAL : frequency != SCAN_FREQUENCY_CONTINUOUS;
        if (!allowed) {
            call_fail(call, "ValidationException",
                      "Scan frequency %s is not supported for scan type %s", frequencies[frequency],
                      enhanced ? "ENHANCED" : "BASIC");
            return false;
        }
        if (seen[frequency]) {
            call_fail(call, "ValidationException", "Only one rule is allowed for scan frequency %s",
                      frequencies[frequency]);
            return false;
        }
        seen[frequency] = true;
    }
    return true;
}

void action_put_registry_scanning_configuration(struct call *call) {
    struct virga_json_writer kept = {0}, writer = {0};
    if (!check_rules(call)) {
        return;
    }
    write_config(call->input, NULL, &kept);
    int result = kept.failed
                     ? -ENOMEM
                     : meta_setting_put(call->ecr, &call->tenant, SCAN_CONFIG_KIND,
                                        virga_str_from(""), (struct virga_str){kept.ptr, kept.len});
    virga_json_finish(&kept);
    if (result != 0) {
        call_broken(call, "The scanning configuration could not be recorded", result, NULL);
        return;
    }
    scans_config_changed(call->ecr);
    virga_json_begin_object(&writer, NULL);
    write_config(call->input, "registryScanningConfiguration", &writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

void action_get_registry_scanning_configuration(struct call *call) {
    struct virga_json_writer writer = {0};
    struct json_object *config = NULL;
    int result = scan_config_read(call->ecr, &call->tenant, &config);
    if (result != 0) {
        call_broken(call, "The scanning configuration could not be read", result, NULL);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "registryId", call->tenant.account);
    write_config(config, "scanningConfiguration", &writer);
    virga_json_end_object(&writer);
    json_object_put(config);
    call_answer(call, &writer);
}

static void write_repository(const struct call *call, struct json_object *config,
                             const struct meta_repository *repository,
                             struct virga_json_writer *writer) {
    struct scan_effect effect =
        scan_config_apply(config, repository->name, repository->scan_on_push);
    char arn[CALL_ARN_MAX];
    size_t count = virga_awsjson_length(config, "rules");
    call_repository_arn(&call->tenant, virga_str_from(repository->name), arn);
    virga_json_begin_object(writer, NULL);
    virga_json_string(writer, "repositoryArn", arn);
    virga_json_string(writer, "repositoryName", repository->name);
    virga_json_bool(writer, "scanOnPush", effect.on_push);
    virga_json_string(writer, "scanFrequency", frequencies[effect.frequency]);
    virga_json_begin_array(writer, "appliedScanFilters");
    for (size_t i = 0; i < count; i++) {
        struct json_object *rule = virga_awsjson_element(config, "rules", i);
        if (frequency_of(rule) == effect.frequency) {
            write_filters(rule, NULL, repository->name, writer);
        }
    }
    virga_json_end_array(writer);
    virga_json_end_object(writer);
}

static void write_failures(const struct call *call, const bool *missing, size_t count,
                           struct virga_json_writer *writer) {
    virga_json_begin_array(writer, "failures");
    for (size_t i = 0; i < count; i++) {
        if (missing[i]) {
            virga_json_begin_object(writer, NULL);
            virga_json_str(
                writer, "repositoryName",
                virga_awsjson_text(virga_awsjson_element(call->input, "repositoryNames", i)));
            virga_json_string(writer, "failureCode", "REPOSITORY_NOT_FOUND");
            virga_json_string(writer, "failureReason", "REPOSITORY_NOT_FOUND");
            virga_json_end_object(writer);
        }
    }
    virga_json_end_array(writer);
}

#define NAMES_MAX 25 /* by the model */

void action_batch_get_repository_scanning_configuration(struct call *call) {
    struct virga_json_writer writer = {0};
    struct json_object *config = NULL;
    bool missing[NAMES_MAX] = {false};
    size_t count = virga_awsjson_length(call->input, "repositoryNames");
    int result = scan_config_read(call->ecr, &call->tenant, &config);
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "scanningConfigurations");
    for (size_t i = 0; i < count && i < NAMES_MAX && result == 0; i++) {
        struct meta_repository repository;
        struct virga_str name =
            virga_awsjson_text(virga_awsjson_element(call->input, "repositoryNames", i));
        result = meta_repository_get(call->ecr, &call->tenant, name, &repository);
        if (result == 0) {
            write_repository(call, config, &repository, &writer);
            meta_repository_finish(&repository);
        } else if (result == -ENOENT) {
            missing[i] = true;
            result = 0;
        }
    }
    virga_json_end_array(&writer);
    json_object_put(config);
    if (result != 0) {
        virga_json_finish(&writer);
        call_broken(call, "The repositories could not be read", result, NULL);
        return;
    }
    write_failures(call, missing, count < NAMES_MAX ? count : NAMES_MAX, &writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}
