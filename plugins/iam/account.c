/* SPDX-License-Identifier: MIT */
/* The account itself: its alias, password policy and summary, and lists of what cannot be made
 * here. */
#include "actions.h"
#include "page.h"

#include <errno.h>

/* key_other(): the alias, and the password policy's members as JSON. */
#define ALIAS 'l'
#define PASSWORD_POLICY 'w'
/* Whose an alias is, over all accounts: an alias is taken once. */
#define ALIAS_OWNER "A"

/* --- alias --- */

/* Reads the account's alias, "" without one. Returns 0, or has answered the call. */
static int read_alias(struct call *call, char alias[64]) {
    struct virga_store_value value;
    struct key key;
    key_other(call, ALIAS, "", &key);
    alias[0] = '\0';
    int result = call->iam->store->get(call->iam->host, key_str(&key), &value);
    if (result == 0) {
        (void)snprintf(alias, 64, "%s", value.ptr);
        call->iam->store->release(call->iam->host, &value);
    } else if (result == -ENOENT) {
        result = 0;
    } else {
        call_fail_internally(call, result);
    }
    return result;
}

static struct virga_str owner_key(const char *alias, char buffer[80]) {
    int len = snprintf(buffer, 80, ALIAS_OWNER "/%s", alias);
    return (struct virga_str){buffer, (size_t)len};
}

static int forget_alias(struct call *call, const char *alias) {
    char owner[80];
    struct key key;
    key_other(call, ALIAS, "", &key);
    int result = call->iam->store->del(call->iam->host, key_str(&key));
    return result == 0 ? call->iam->store->del(call->iam->host, owner_key(alias, owner)) : result;
}

static int put_alias(struct call *call, const char *before, const char *alias) {
    char owner[80];
    struct key key;
    int result = before[0] != '\0' ? forget_alias(call, before) : 0;
    key_other(call, ALIAS, "", &key);
    result = result == 0
                 ? call->iam->store->put(call->iam->host, key_str(&key), virga_str_from(alias))
                 : result;
    return result == 0
               ? call->iam->store->put(call->iam->host, owner_key(alias, owner), call->req->account)
               : result;
}

void action_create_account_alias(struct call *call) {
    const char *alias = call_str(call, "AccountAlias").ptr;
    struct virga_store_value value;
    char before[64];
    char owner[80];
    if (read_alias(call, before) != 0) {
        return;
    }
    if (strcmp(before, alias) == 0) {
        call_answer_empty(call);
        return;
    }
    int result = call->iam->store->get(call->iam->host, owner_key(alias, owner), &value);
    if (result == 0) {
        call->iam->store->release(call->iam->host, &value);
        call_fail(call, ALREADY_EXISTS, "The account alias %s already exists.", alias);
    } else if (result != -ENOENT) {
        call_fail_internally(call, result);
    } else if (call_begin(call) == 0 && call_commit(call, put_alias(call, before, alias)) == 0) {
        call_answer_empty(call);
    }
}

void action_delete_account_alias(struct call *call) {
    const char *alias = call_str(call, "AccountAlias").ptr;
    char before[64];
    if (read_alias(call, before) != 0) {
        return;
    }
    if (strcmp(before, alias) != 0) {
        call_fail(call, NO_SUCH_ENTITY, "The account alias %s does not exist.", alias);
    } else if (call_begin(call) == 0 && call_commit(call, forget_alias(call, before)) == 0) {
        call_answer_empty(call);
    }
}

void action_list_account_aliases(struct call *call) {
    struct virga_xml_writer writer = {0};
    char alias[64];
    if (read_alias(call, alias) != 0) {
        return;
    }
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    virga_xml_begin(&writer, "AccountAliases");
    virga_xml_string(&writer, "member", alias[0] != '\0' ? alias : NULL);
    virga_xml_end(&writer, "AccountAliases");
    virga_xml_bool(&writer, "IsTruncated", 0);
    (void)virga_query_answer(call->req, &writer, call->action);
}

/* --- password policy --- */

static void fail_no_policy(struct call *call) {
    call_fail(call, NO_SUCH_ENTITY, "The Password Policy with domain name %s cannot be found.",
              call->req->account.ptr);
}

void action_get_password_policy(struct call *call) {
    static const char *const flags[] = {"RequireSymbols",
                                        "RequireNumbers",
                                        "RequireUppercaseCharacters",
                                        "RequireLowercaseCharacters",
                                        "AllowUsersToChangePassword",
                                        "HardExpiry"};
    struct virga_xml_writer writer = {0};
    struct json_object *policy = NULL;
    struct key key;
    key_other(call, PASSWORD_POLICY, "", &key);
    int result = record_get(call->iam, &key, &policy);
    if (result == -ENOENT) {
        fail_no_policy(call);
        return;
    }
    if (result != 0) {
        call_fail_internally(call, result);
        return;
    }
    int64_t age = virga_awsjson_int(policy, "MaxPasswordAge", 0);
    int64_t reuse = virga_awsjson_int(policy, "PasswordReusePrevention", 0);
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    virga_xml_begin(&writer, "PasswordPolicy");
    virga_xml_int(&writer, "MinimumPasswordLength",
                  virga_awsjson_int(policy, "MinimumPasswordLength", 6));
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        virga_xml_bool(&writer, flags[i], virga_awsjson_bool(policy, flags[i]));
    }
    virga_xml_bool(&writer, "ExpirePasswords", age > 0);
    if (age > 0) {
        virga_xml_int(&writer, "MaxPasswordAge", age);
    }
    if (reuse > 0) {
        virga_xml_int(&writer, "PasswordReusePrevention", reuse);
    }
    virga_xml_end(&writer, "PasswordPolicy");
    (void)virga_query_answer(call->req, &writer, call->action);
    json_object_put(policy);
}

/* All of it is replaced: what is not said has its default. */
void action_update_password_policy(struct call *call) {
    struct key key;
    key_other(call, PASSWORD_POLICY, "", &key);
    int result = record_put(call->iam, &key, call->input);
    if (result != 0) {
        call_fail_internally(call, result);
    } else {
        call_answer_empty(call);
    }
}

void action_delete_password_policy(struct call *call) {
    struct key key;
    key_other(call, PASSWORD_POLICY, "", &key);
    int result = call->iam->store->del(call->iam->host, key_str(&key));
    if (result == -ENOENT) {
        fail_no_policy(call);
    } else if (result != 0) {
        call_fail_internally(call, result);
    } else {
        call_answer_empty(call);
    }
}

/* --- summary --- */

static void write_entry(struct virga_xml_writer *writer, const char *name, int64_t value) {
    virga_xml_begin(writer, "entry");
    virga_xml_string(writer, "key", name);
    virga_xml_int(writer, "value", value);
    virga_xml_end(writer, "entry");
}

void action_get_account_summary(struct call *call) {
    static const struct {
        const char *name;
        const struct kind *kind;
    } counted[] = {
        {"Users", &kind_user},      {"Groups", &kind_group},
        {"Roles", &kind_role},      {"InstanceProfiles", &kind_profile},
        {"Policies", &kind_policy},
    };
    /* Source: IAM User Guide, "IAM and AWS STS quotas"; MFA, certificates and root's keys do not
     * exist here. */
    static const struct {
        const char *name;
        int64_t value;
    } fixed[] = {
        {"UsersQuota", 5000},
        {"GroupsQuota", 300},
        {"RolesQuota", 1000},
        {"InstanceProfilesQuota", 1000},
        {"PoliciesQuota", 1500},
        {"ServerCertificates", 0},
        {"ServerCertificatesQuota", 20},
        {"MFADevices", 0},
        {"MFADevicesInUse", 0},
        {"AccountMFAEnabled", 0},
        {"AccountAccessKeysPresent", 0},
        {"AccountPasswordPresent", 1},
        {"AccountSigningCertificatesPresent", 0},
        {"AccessKeysPerUserQuota", 2},
        {"SigningCertificatesPerUserQuota", 2},
        {"GroupsPerUserQuota", 10},
        {"UserPolicySizeQuota", 2048},
        {"GroupPolicySizeQuota", 5120},
        {"AssumeRolePolicySizeQuota", 2048},
        {"AttachedPoliciesPerUserQuota", 10},
        {"AttachedPoliciesPerGroupQuota", 10},
        {"AttachedPoliciesPerRoleQuota", 10},
        {"PolicySizeQuota", 6144},
        {"VersionsPerPolicyQuota", 5},
        {"GlobalEndpointTokenVersion", 1},
    };
    struct virga_xml_writer writer = {0};
    int result = 0;
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    virga_xml_begin(&writer, "SummaryMap");
    for (size_t i = 0; result == 0 && i < sizeof counted / sizeof counted[0]; i++) {
        struct key key;
        int64_t count = 0;
        key_entity(call, counted[i].kind, "", &key);
        result = key_count(call->iam, &key, &count);
        write_entry(&writer, counted[i].name, count);
    }
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        write_entry(&writer, fixed[i].name, fixed[i].value);
    }
    virga_xml_end(&writer, "SummaryMap");
    if (result != 0) {
        virga_xml_finish(&writer);
        call_fail_internally(call, result);
        return;
    }
    (void)virga_query_answer(call->req, &writer, call->action);
}

/* --- what cannot be made here --- */

void action_list_nothing(struct call *call) {
    static const struct {
        const char *action, *list;
    } lists[] = {
        {"ListMFADevices", "MFADevices"},
        {"ListSSHPublicKeys", "SSHPublicKeys"},
        {"ListServerCertificates", "ServerCertificateMetadataList"},
        {"ListServiceSpecificCredentials", "ServiceSpecificCredentials"},
        {"ListSigningCertificates", "Certificates"},
        {"ListVirtualMFADevices", "VirtualMFADevices"},
    };
    struct virga_xml_writer writer = {0};
    const char *user_name = call_str(call, "UserName").ptr;
    if (user_name != NULL) {
        struct json_object *user = NULL;
        int result = record_read(call, &kind_user, user_name, &user);
        json_object_put(user);
        if (result != 0) {
            if (result == -ENOENT) {
                kind_fail_missing(call, &kind_user, user_name);
            } else {
                call_fail_internally(call, result);
            }
            return;
        }
    }
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(lists[i].action, call->action) == 0) {
            virga_xml_begin(&writer, lists[i].list);
            virga_xml_end(&writer, lists[i].list);
        }
    }
    virga_xml_bool(&writer, "IsTruncated", 0);
    (void)virga_query_answer(call->req, &writer, call->action);
}
