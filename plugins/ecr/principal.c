/* SPDX-License-Identifier: MIT */
/* Principals made from what is known of them. */
#include "principal.h"

#include <errno.h>
#include <virga/helpers/arn.h>

void principal_root(struct virga_str account, struct virga_str region,
                    struct principal *ret_principal) {
    *ret_principal = (struct principal){0};
    (void)snprintf(ret_principal->account, sizeof ret_principal->account, "%.*s", (int)account.len,
                   account.ptr);
    (void)snprintf(ret_principal->arn, sizeof ret_principal->arn, "arn:%s:iam::%s:root",
                   virga_arn_partition(region), ret_principal->account);
    /* The owner's id is the account's. */
    (void)snprintf(ret_principal->user_id, sizeof ret_principal->user_id, "%s",
                   ret_principal->account);
}

int principal_service(const char *service, struct virga_str account, struct virga_str source_arn,
                      struct principal *ret_principal) {
    struct principal principal = {0};
    if (strlen(service) > PRINCIPAL_SERVICE_MAX || account.len > ECR_ACCOUNT_LEN ||
        source_arn.len > PRINCIPAL_ARN_MAX) {
        return -EMSGSIZE;
    }
    (void)snprintf(principal.account, sizeof principal.account, "%.*s", (int)account.len,
                   account.ptr);
    (void)snprintf(principal.service, sizeof principal.service, "%s", service);
    /* Messages name a service as policies do. */
    (void)snprintf(principal.arn, sizeof principal.arn, "%s", service);
    (void)snprintf(principal.source_arn, sizeof principal.source_arn, "%.*s", (int)source_arn.len,
                   source_arn.ptr != NULL ? source_arn.ptr : "");
    *ret_principal = principal;
    return 0;
}

bool principal_role_arn(const struct principal *principal, char ret_arn[PRINCIPAL_ARN_MAX + 1]) {
    static const char prefix[] = "assumed-role/";
    struct virga_arn arn;
    char role[PRINCIPAL_ARN_MAX + 1];
    if (virga_arn_parse(virga_str_from(principal->arn), &arn) != 0 ||
        !virga_str_equal(arn.service, virga_str_from("sts")) || arn.resource.len < sizeof prefix ||
        memcmp(arn.resource.ptr, prefix, sizeof prefix - 1) != 0) {
        return false;
    }
    struct virga_str name = {arn.resource.ptr + sizeof prefix - 1,
                             arn.resource.len - (sizeof prefix - 1)};
    const char *slash = memchr(name.ptr, '/', name.len);
    name.len = slash != NULL ? (size_t)(slash - name.ptr) : name.len;
    /* Not longer than the session's ARN: it has lost more than "iam" and "role" add. */
    (void)snprintf(role, sizeof role, "arn:%.*s:iam::%.*s:role/%.*s", (int)arn.partition.len,
                   arn.partition.ptr, (int)arn.account.len, arn.account.ptr, (int)name.len,
                   name.ptr);
    memcpy(ret_arn, role, sizeof role);
    return true;
}
