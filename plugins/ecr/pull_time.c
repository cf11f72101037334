/* SPDX-License-Identifier: MIT */
/* RegisterPullTimeUpdateExclusion, DeregisterPullTimeUpdateExclusion, ListPullTimeUpdateExclusions,
 * and whom they mean. */
#include "pull_time.h"

#include "actions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <virga/helpers/arn.h>

#define KIND "pull-time-exclusion" /* a setting for each ARN: when it came, in milliseconds */

static int count_one(void *arg, struct virga_str id, struct virga_str text) {
    size_t *count = arg;
    (void)id;
    (void)text;
    return ++*count == PULL_TIME_EXCLUSIONS_MAX;
}

/* 1 it is there, 0 it is not. */
static int has(struct ecr *ecr, const struct tenant *tenant, struct virga_str principal) {
    struct virga_store_value value = {0};
    int result = meta_setting_get(ecr, tenant, KIND, principal, &value);
    if (result == 0) {
        ecr->store->release(ecr->host, &value);
        return 1;
    }
    return result == -ENOENT ? 0 : result;
}

static void answer(struct call *call, struct virga_str principal, int64_t created_ms) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_str(&writer, "principalArn", principal);
    if (created_ms != 0) {
        virga_json_time(&writer, "createdAt", created_ms);
    }
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}

void action_register_pull_time_update_exclusion(struct call *call) {
    struct virga_str principal = call_str(call, "principalArn");
    int64_t now_ms = call->ecr->timer->now_ms(call->ecr->host);
    char text[24];
    size_t count = 0;
    int result = has(call->ecr, &call->tenant, principal);
    if (result == 1) {
        call_fail(call, "ExclusionAlreadyExistsException",
                  "The pull time update exclusion for principal '%s' already exists in the "
                  "registry with id '%s'",
                  principal.ptr, call->tenant.account);
        return;
    }
    if (result == 0) {
        result = meta_setting_each(call->ecr, &call->tenant, KIND, (struct virga_str){0}, count_one,
                                   &count);
    }
    if (result == 1) {
        call_fail(call, "LimitExceededException",
                  "The maximum number of pull time update exclusions (%d) has been reached in the "
                  "registry with id '%s'",
                  PULL_TIME_EXCLUSIONS_MAX, call->tenant.account);
        return;
    }
    (void)snprintf(text, sizeof text, "%" PRId64, now_ms);
    if (result == 0) {
        result = meta_setting_put(call->ecr, &call->tenant, KIND, principal, virga_str_from(text));
    }
    if (result != 0) {
        call_broken(call, "The exclusion could not be recorded", result, NULL);
        return;
    }
    answer(call, principal, now_ms);
}

void action_deregister_pull_time_update_exclusion(struct call *call) {
    struct virga_str principal = call_str(call, "principalArn");
    int result = meta_setting_delete(call->ecr, &call->tenant, KIND, principal);
    if (result == -ENOENT) {
        call_fail(call, "ExclusionNotFoundException",
                  "The pull time update exclusion for principal '%s' does not exist in the "
                  "registry with id '%s'",
                  principal.ptr, call->tenant.account);
    } else if (result != 0) {
        call_broken(call, "The exclusion could not be removed", result, NULL);
    } else {
        answer(call, principal, 0);
    }
}

/* --- the list --- */

struct listing {
    struct call_page page;
    struct virga_json_writer writer;
};

static int on_listed(void *arg, struct virga_str id, struct virga_str text) {
    struct listing *listing = arg;
    (void)text;
    if (!call_page_take(&listing->page, id)) {
        return 1;
    }
    virga_json_str(&listing->writer, NULL, id);
    return 0;
}

void action_list_pull_time_update_exclusions(struct call *call) {
    struct listing listing = {.writer = {0}};
    if (!call_page_start(call, "", &listing.page)) {
        return;
    }
    struct virga_str after = {listing.page.begun ? listing.page.position : NULL,
                              listing.page.position_len};
    virga_json_begin_object(&listing.writer, NULL);
    virga_json_begin_array(&listing.writer, "pullTimeUpdateExclusions");
    int result = meta_setting_each(call->ecr, &call->tenant, KIND, after, on_listed, &listing);
    virga_json_end_array(&listing.writer);
    if (result >= 0) {
        result = call_page_end(call, &listing.page, &listing.writer);
    }
    virga_json_end_object(&listing.writer);
    if (result < 0) {
        virga_json_finish(&listing.writer);
        call_broken(call, "The exclusions could not be listed", result, NULL);
        return;
    }
    call_answer(call, &listing.writer);
}

/* --- whom they mean --- */

/* A role as a session's ARN names it: without its path. */
struct role {
    struct virga_str partition;
    struct virga_str account;
    struct virga_str name;
};

/* Takes the role out of "arn:<partition>:sts::<account>:assumed-role/<role>/<session>". */
static bool read_session(struct virga_str principal, struct role *ret_role) {
    static const char kind[] = "assumed-role/";
    struct virga_arn arn;
    if (virga_arn_parse(principal, &arn) != 0 ||
        !virga_str_equal(arn.service, virga_str_from("sts")) ||
        arn.resource.len < sizeof kind - 1 ||
        memcmp(arn.resource.ptr, kind, sizeof kind - 1) != 0) {
        return false;
    }
    struct virga_str name = {arn.resource.ptr + sizeof kind - 1,
                             arn.resource.len - (sizeof kind - 1)};
    const char *slash = name.len > 0 ? memchr(name.ptr, '/', name.len) : NULL;
    if (slash != NULL) {
        name.len = (size_t)(slash - name.ptr);
    }
    *ret_role = (struct role){arn.partition, arn.account, name};
    return name.len > 0;
}

/* 1 when the exclusion is the role's: "arn:<partition>:iam::<account>:role/[<path>/]<role>". */
static int is_role(void *arg, struct virga_str id, struct virga_str text) {
    static const char kind[] = "role/";
    const struct role *role = arg;
    struct virga_arn arn;
    (void)text;
    if (virga_arn_parse(id, &arn) != 0 || !virga_str_equal(arn.account, role->account) ||
        !virga_str_equal(arn.partition, role->partition) || arn.resource.len < sizeof kind - 1 ||
        memcmp(arn.resource.ptr, kind, sizeof kind - 1) != 0) {
        return 0;
    }
    const char *slash = memrchr(arn.resource.ptr, '/', arn.resource.len);
    struct virga_str name = {slash + 1, arn.resource.len - (size_t)(slash + 1 - arn.resource.ptr)};
    return virga_str_equal(name, role->name);
}

bool pull_time_is_excluded(struct ecr *ecr, const struct tenant *tenant,
                           struct virga_str principal) {
    struct role role;
    if (principal.ptr == NULL || principal.len == 0) {
        return false;
    }
    if (has(ecr, tenant, principal) == 1) {
        return true;
    }
    return read_session(principal, &role) &&
           meta_setting_each(ecr, tenant, KIND, (struct virga_str){0}, is_role, &role) == 1;
}
