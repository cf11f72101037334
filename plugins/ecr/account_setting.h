/* SPDX-License-Identifier: MIT */
/* The settings of an account in a region: BASIC_SCAN_TYPE_VERSION, REGISTRY_POLICY_SCOPE,
 * BLOB_MOUNTING. Everything is [loop] and synchronous. */
#ifndef ECR_ACCOUNT_SETTING_H
#define ECR_ACCOUNT_SETTING_H

#include "ecr.h"

#define ACCOUNT_SETTING_SCAN_TYPE "BASIC_SCAN_TYPE_VERSION"  /* AWS_NATIVE | CLAIR */
#define ACCOUNT_SETTING_POLICY_SCOPE "REGISTRY_POLICY_SCOPE" /* V2 | V1 */
#define ACCOUNT_SETTING_MOUNTING "BLOB_MOUNTING"             /* ENABLED | DISABLED */

/* The value that holds for the account: the one that it set, else the default. NULL: there is no
 * such setting, or the store failed. Valid: for ever. */
const char *account_setting_value(struct ecr *ecr, const struct tenant *tenant, const char *name);
/* Whether that is `value`. */
bool account_setting_is(struct ecr *ecr, const struct tenant *tenant, const char *name,
                        const char *value);

#endif
