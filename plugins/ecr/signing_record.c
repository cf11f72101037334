/* SPDX-License-Identifier: MIT */
/* The records of signing. */
#include "signing_record.h"
#include "record.h"
#include "wildcard.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>

#define STATUS_KIND "signing"
#define CONFIG_KIND "signing"
#define KEY_KIND "signing-key"

static const char *const words[] = {"IN_PROGRESS", "COMPLETE", "FAILED"};

const char *signing_state_word(enum signing_state state) {
    return words[state];
}

/* --- how signatures stand: fields of one status after another, each begun by its profile --- */

struct signing_status *signing_statuses_find(struct signing_statuses *statuses,
                                             const char *profile) {
    for (size_t i = 0; i < statuses->count; i++) {
        if (strcmp(statuses->list[i].profile, profile) == 0) {
            return &statuses->list[i];
        }
    }
    return NULL;
}

static void copy_text(char *text, size_t size, struct virga_str value) {
    (void)snprintf(text, size, "%.*s", (int)value.len, value.ptr);
}

static void read_field(struct signing_statuses *statuses, char letter, struct virga_str value) {
    struct signing_status *status =
        statuses->count > 0 ? &statuses->list[statuses->count - 1] : NULL;
    if (letter == 'p') {
        if (statuses->count < SIGNING_STATUSES_MAX) {
            status = &statuses->list[statuses->count++];
            *status = (struct signing_status){.state = SIGNING_FAILED};
            copy_text(status->profile, sizeof status->profile, value);
        }
        return;
    }
    if (status == NULL) {
        return;
    }
    switch (letter) {
    case 's': {
        int64_t state = record_int(value);
        status->state =
            state >= 0 && state <= SIGNING_FAILED ? (enum signing_state)state : SIGNING_FAILED;
        break;
    }
    case 'o':
        status->order = (uint64_t)record_int(value);
        break;
    case 'g':
        copy_text(status->signature, sizeof status->signature, value);
        break;
    case 'c':
        copy_text(status->code, sizeof status->code, value);
        break;
    case 'r':
        copy_text(status->reason, sizeof status->reason, value);
        break;
    default:
        break;
    }
}

int signing_statuses_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         struct virga_str digest, struct signing_statuses *ret_statuses) {
    struct virga_store_value text = {0};
    char letter;
    struct virga_str value;
    ret_statuses->count = 0;
    int result = meta_image_text_get(ecr, tenant, name, digest, STATUS_KIND, &text);
    if (result != 0) {
        return result == -ENOENT ? 0 : result;
    }
    struct virga_str rest = {text.ptr, text.len};
    while (record_next(&rest, &letter, &value)) {
        read_field(ret_statuses, letter, value);
    }
    ecr->store->release(ecr->host, &text);
    return 0;
}

static int write_statuses(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          struct virga_str digest, const struct signing_statuses *statuses) {
    struct record_writer writer = {0};
    for (size_t i = 0; i < statuses->count; i++) {
        const struct signing_status *status = &statuses->list[i];
        record_put_string(&writer, 'p', status->profile);
        record_put_int(&writer, 's', status->state);
        record_put_int(&writer, 'o', (int64_t)status->order);
        record_put_string(&writer, 'g', status->signature);
        record_put_string(&writer, 'c', status->code);
        record_put_string(&writer, 'r', status->reason);
    }
    int result = writer.failed ? -ENOMEM
                               : meta_image_text_put(ecr, tenant, name, digest, STATUS_KIND,
                                                     (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

int signing_status_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       struct virga_str digest, const struct signing_status *status) {
    struct signing_statuses statuses;
    struct meta_image image;
    int result = meta_image_get(ecr, tenant, name, digest, &image);
    if (result != 0) {
        return result;
    }
    meta_image_finish(&image);
    result = signing_statuses_get(ecr, tenant, name, digest, &statuses);
    if (result != 0) {
        return result;
    }
    struct signing_status *old = signing_statuses_find(&statuses, status->profile);
    if (old == NULL) {
        if (statuses.count == SIGNING_STATUSES_MAX) {
            statuses.count--;
            memmove(statuses.list, statuses.list + 1, statuses.count * sizeof statuses.list[0]);
        }
        old = &statuses.list[statuses.count++];
    }
    *old = *status;
    return write_statuses(ecr, tenant, name, digest, &statuses);
}

/* --- the configuration --- */

int signing_config_get(struct ecr *ecr, const struct tenant *tenant,
                       struct json_object **ret_config) {
    struct virga_store_value text = {0};
    int result = meta_setting_get(ecr, tenant, CONFIG_KIND, virga_str_from(""), &text);
    if (result != 0) {
        return result;
    }
    result = virga_awsjson_parse((struct virga_str){text.ptr, text.len}, ret_config);
    ecr->store->release(ecr->host, &text);
    return result == -EBADMSG ? -EIO : result;
}

int signing_config_put(struct ecr *ecr, const struct tenant *tenant, struct virga_str text) {
    return meta_setting_put(ecr, tenant, CONFIG_KIND, virga_str_from(""), text);
}

int signing_config_delete(struct ecr *ecr, const struct tenant *tenant) {
    return meta_setting_delete(ecr, tenant, CONFIG_KIND, virga_str_from(""));
}

/* A rule without filters means every repository. */
static bool rule_matches(struct json_object *rule, const char *name) {
    size_t count = virga_awsjson_length(rule, "repositoryFilters");
    for (size_t i = 0; i < count; i++) {
        struct virga_str filter =
            virga_awsjson_str(virga_awsjson_element(rule, "repositoryFilters", i), "filter");
        if (filter.ptr != NULL && wildcard_matches(filter.ptr, name)) {
            return true;
        }
    }
    return virga_awsjson_member(rule, "repositoryFilters") == NULL;
}

size_t signing_config_profiles(struct json_object *config, const char *name,
                               struct virga_str ret_profiles[SIGNING_RULES_MAX]) {
    size_t rules = virga_awsjson_length(config, "rules");
    size_t count = 0;
    for (size_t i = 0; i < rules && count < SIGNING_RULES_MAX; i++) {
        struct json_object *rule = virga_awsjson_element(config, "rules", i);
        struct virga_str profile = virga_awsjson_str(rule, "signingProfileArn");
        bool known = profile.ptr == NULL || profile.len > SIGNING_PROFILE_MAX;
        for (size_t j = 0; j < count; j++) {
            known = known || virga_str_equal(ret_profiles[j], profile);
        }
        if (!known && rule_matches(rule, name)) {
            ret_profiles[count++] = profile;
        }
    }
    return count;
}

/* --- keys --- */

int signing_key_get(struct ecr *ecr, const struct tenant *tenant, const char *profile,
                    char **ret_pem) {
    struct virga_store_value text = {0};
    int result = meta_setting_get(ecr, tenant, KEY_KIND, virga_str_from(profile), &text);
    if (result != 0) {
        return result;
    }
    char *pem = strndup(text.ptr, text.len);
    ecr->store->release(ecr->host, &text);
    if (pem == NULL) {
        return -ENOMEM;
    }
    *ret_pem = pem;
    return 0;
}

int signing_key_put(struct ecr *ecr, const struct tenant *tenant, const char *profile,
                    const char *pem) {
    return meta_setting_put(ecr, tenant, KEY_KIND, virga_str_from(profile), virga_str_from(pem));
}
