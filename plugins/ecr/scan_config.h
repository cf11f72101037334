/* SPDX-License-Identifier: MIT */
/* When images are scanned: the registry's scanning configuration and what it means for a
 * repository. */
#ifndef ECR_SCAN_CONFIG_H
#define ECR_SCAN_CONFIG_H

#include "meta.h"

#include <json-c/json.h>

#define SCAN_CONFIG_KIND "scanning" /* of meta_setting_get() */

enum scan_frequency { SCAN_FREQUENCY_MANUAL, SCAN_FREQUENCY_ON_PUSH, SCAN_FREQUENCY_CONTINUOUS };

/* What holds for one repository. */
struct scan_effect {
    bool enhanced;
    enum scan_frequency frequency;
    bool on_push; /* an image is scanned when it comes */
};

/* Whether a filter means a repository: with '*' as a pattern of the whole name, without as a part
 * of it. Source: ECR user guide, "Filters to choose which repositories are scanned". Pure. */
bool scan_filter_matches(const char *filter, const char *name);
/* What a configuration means for a repository whose own scanOnPush is `flag`. Pure. */
struct scan_effect scan_config_apply(struct json_object *config, const char *name, bool flag);

/* Whether any repository may be scanned continuously. Pure. */
bool scan_config_is_continuous(struct json_object *config);

/* Reads the registry's configuration; where there is none, AWS's default. Owns: the caller. Thread:
 * [loop]. */
int scan_config_read(struct ecr *ecr, const struct tenant *tenant, struct json_object **ret_config);
/* What holds for the repository now. Errors: -ENOENT no such repository. Thread: [loop]. */
int scan_config_effect(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       struct scan_effect *ret_effect);

#endif
