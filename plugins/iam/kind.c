/* SPDX-License-Identifier: MIT */
#include "kind.h"

#include <errno.h>
#include <sys/random.h>
#include <virga/helpers/arn.h>

const struct kind kind_role = {.letter = 'r',
                               .noun = "role",
                               .element = "Role",
                               .name_member = "RoleName",
                               .id_member = "RoleId",
                               .id_prefix = "AROA",
                               .arn_type = "role",
                               .inline_max = 10240,
                               .attached_max = 10,
                               .attached_quota = "PoliciesPerRole"};
const struct kind kind_user = {.letter = 'u',
                               .noun = "user",
                               .element = "User",
                               .name_member = "UserName",
                               .id_member = "UserId",
                               .id_prefix = "AIDA",
                               .arn_type = "user",
                               .inline_max = 2048,
                               .attached_max = 10,
                               .attached_quota = "PoliciesPerUser"};
const struct kind kind_group = {.letter = 'g',
                                .noun = "group",
                                .element = "Group",
                                .name_member = "GroupName",
                                .id_member = "GroupId",
                                .id_prefix = "AGPA",
                                .arn_type = "group",
                                .inline_max = 5120,
                                .attached_max = 10,
                                .attached_quota = "PoliciesPerGroup"};
const struct kind kind_profile = {.letter = 'i',
                                  .noun = "instance profile",
                                  .element = "InstanceProfile",
                                  .name_member = "InstanceProfileName",
                                  .id_member = "InstanceProfileId",
                                  .id_prefix = "AIPA",
                                  .arn_type = "instance-profile"};
const struct kind kind_policy = {.letter = 'p',
                                 .noun = "policy",
                                 .element = "Policy",
                                 .name_member = "PolicyArn",
                                 .id_member = "PolicyId",
                                 .id_prefix = "ANPA",
                                 .arn_type = "policy"};
const struct kind kind_oidc = {.letter = 'o',
                               .noun = "provider",
                               .element = "OpenIDConnectProvider",
                               .name_member = "OpenIDConnectProviderArn",
                               .arn_type = "oidc-provider"};
const struct kind kind_saml = {.letter = 's',
                               .noun = "provider",
                               .element = "SAMLProvider",
                               .name_member = "SAMLProviderArn",
                               .arn_type = "saml-provider"};

int kind_make_id(const char *prefix, char ret_id[ID_SIZE]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned char chance[ID_SIZE - 1 - 4];
    if (getrandom(chance, sizeof chance, 0) != (ssize_t)sizeof chance) {
        return -EIO;
    }
    memcpy(ret_id, prefix, 4);
    for (size_t i = 0; i < sizeof chance; i++) {
        ret_id[4 + i] = letters[chance[i] & 31];
    }
    ret_id[ID_SIZE - 1] = '\0';
    return 0;
}

void kind_make_arn(const struct call *call, const struct kind *kind, const char *path,
                   const char *name, char ret_arn[ARN_SIZE]) {
    (void)snprintf(ret_arn, ARN_SIZE, "arn:%s:iam::%s:%s%s%s",
                   virga_arn_partition(call->req->region), call->req->account.ptr, kind->arn_type,
                   path, name);
}

void kind_fail_missing(struct call *call, const struct kind *kind, const char *name) {
    if (kind == &kind_policy) {
        call_fail(call, NO_SUCH_ENTITY, "Policy %s was not found.", name);
    } else if (kind == &kind_profile) {
        call_fail(call, NO_SUCH_ENTITY, "Instance Profile %s cannot be found.", name);
    } else if (kind == &kind_oidc) {
        call_fail(call, NO_SUCH_ENTITY, "OpenIDConnect Provider not found for arn %s", name);
    } else if (kind == &kind_saml) {
        call_fail(call, NO_SUCH_ENTITY, "Manifest not found for arn %s", name);
    } else {
        call_fail(call, NO_SUCH_ENTITY, "The %s with name %s cannot be found.", kind->noun, name);
    }
}

void kind_fail_exists(struct call *call, const struct kind *kind, const char *name) {
    if (kind == &kind_policy) {
        call_fail(call, ALREADY_EXISTS,
                  "A policy called %s already exists. Duplicate names are not allowed.", name);
    } else if (kind == &kind_profile) {
        call_fail(call, ALREADY_EXISTS, "Instance Profile %s already exists.", name);
    } else if (kind == &kind_oidc) {
        call_fail(call, ALREADY_EXISTS, "Provider with url %s already exists.", name);
    } else {
        call_fail(call, ALREADY_EXISTS, "%s with name %s already exists.", kind->element, name);
    }
}
