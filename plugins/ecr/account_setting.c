/* SPDX-License-Identifier: MIT */
/* GetAccountSetting and PutAccountSetting. */
#include "account_setting.h"
#include "actions.h"
#include "strict.h"

#include <errno.h>

#define KIND "account-setting" /* in the store */
#define VALUES_MAX 2

struct setting {
    const char *name;
    const char *values[VALUES_MAX]; /* the first one is AWS's default, but see default_of() */
};

static const struct setting settings[] = {
    {ACCOUNT_SETTING_SCAN_TYPE, {"AWS_NATIVE", "CLAIR"}},
    {ACCOUNT_SETTING_POLICY_SCOPE, {"V2", "V1"}},
    {ACCOUNT_SETTING_MOUNTING, {"DISABLED", "ENABLED"}},
};

static const struct setting *find(struct virga_str name) {
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (virga_str_equal(name, virga_str_from(settings[i].name))) {
            return &settings[i];
        }
    }
    return NULL;
}

static const char *find_value(const struct setting *setting, struct virga_str value) {
    for (size_t i = 0; i < VALUES_MAX; i++) {
        if (virga_str_equal(value, virga_str_from(setting->values[i]))) {
            return setting->values[i];
        }
    }
    return NULL;
}

/* Mounts are what makes a push of shared layers fast, and are on unless AWS's own default is asked
 * for. */
static const char *default_of(const struct ecr *ecr, const struct setting *setting) {
    bool mounting = strcmp(setting->name, ACCOUNT_SETTING_MOUNTING) == 0;
    return mounting && !strict_mounting_off(ecr) ? "ENABLED" : setting->values[0];
}

static int read_value(struct ecr *ecr, const struct tenant *tenant, const struct setting *setting,
                      const char **ret_value) {
    struct virga_store_value stored = {0};
    int result = meta_setting_get(ecr, tenant, KIND, virga_str_from(setting->name), &stored);
    const char *value =
        result == 0 ? find_value(setting, (struct virga_str){stored.ptr, stored.len}) : NULL;
    ecr->store->release(ecr->host, &stored);
    if (result != 0 && result != -ENOENT) {
        return result;
    }
    *ret_value = value != NULL ? value : default_of(ecr, setting);
    return 0;
}

const char *account_setting_value(struct ecr *ecr, const struct tenant *tenant, const char *name) {
    const struct setting *setting = find(virga_str_from(name));
    const char *value = NULL;
    return setting != NULL && read_value(ecr, tenant, setting, &value) == 0 ? value : NULL;
}

bool account_setting_is(struct ecr *ecr, const struct tenant *tenant, const char *name,
                        const char *value) {
    const char *current = account_setting_value(ecr, tenant, name);
    return current != NULL && strcmp(current, value) == 0;
}

/* --- the actions --- */

static void answer(struct call *call, const struct setting *setting, const char *value) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "name", setting->name);
    virga_json_string(&writer, "value", value);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

/* Finds the setting that the call names; NULL: the call has ended. */
static const struct setting *take_setting(struct call *call) {
    struct virga_str name = call_str(call, "name");
    const struct setting *setting = find(name);
    if (setting == NULL) {
        /* The model knows no list of them: each came later than the operation. */
        call_fail(call, "ValidationException",
                  "Unknown account setting name; valid names are " ACCOUNT_SETTING_SCAN_TYPE
                  ", " ACCOUNT_SETTING_POLICY_SCOPE ", " ACCOUNT_SETTING_MOUNTING);
    }
    return setting;
}

void action_get_account_setting(struct call *call) {
    const struct setting *setting = take_setting(call);
    const char *value = NULL;
    if (setting == NULL) {
        return;
    }
    int result = read_value(call->ecr, &call->tenant, setting, &value);
    if (result != 0) {
        call_broken(call, "The setting could not be read", result, NULL);
        return;
    }
    answer(call, setting, value);
}

void action_put_account_setting(struct call *call) {
    const struct setting *setting = take_setting(call);
    if (setting == NULL) {
        return;
    }
    const char *value = find_value(setting, call_str(call, "value"));
    if (value == NULL) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'value' failed to satisfy constraint: 'Valid values for %s "
                  "are %s and %s'",
                  setting->name, setting->values[0], setting->values[1]);
        return;
    }
    int result = meta_setting_put(call->ecr, &call->tenant, KIND, virga_str_from(setting->name),
                                  virga_str_from(value));
    if (result != 0) {
        call_broken(call, "The setting could not be recorded", result, NULL);
        return;
    }
    answer(call, setting, value);
}
