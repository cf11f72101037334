/* SPDX-License-Identifier: MIT */
/* What the actions have in common: answers, errors, pages. */
#include "call.h"

#include "actions.h"
#include "template_apply.h"

#include <errno.h>
#include <virga/helpers/arn.h>

#define PAGE_DEFAULT 100 /* entries, when maxResults is absent */

void call_answer(struct call *call, struct virga_json_writer *writer) {
    struct virga_request *req = call->req;
    actions_end_call(call);
    (void)virga_awsjson_answer(req, 200, writer);
}

void call_fail(struct call *call, const char *code, const char *format, ...) {
    char message[VIRGA_AWSJSON_MESSAGE_MAX];
    struct virga_request *req = call->req;
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(message, sizeof message, format, args);
        va_end(args);
    }
    actions_end_call(call);
    (void)virga_awsjson_error(req, 400, code, format != NULL ? "%s" : NULL, message);
}

void call_broken(struct call *call, const char *what, int error, const char *reason) {
    char text[512];
    struct virga_request *req = call->req;
    (void)snprintf(text, sizeof text, "%s: %s", what, reason != NULL ? reason : strerror(-error));
    ECR_LOG(call->ecr, VIRGA_LOG_ERROR, req, "%s", text);
    actions_end_call(call);
    (void)virga_awsjson_error(req, 500, "ServerException", "%s", text);
}

void call_no_repository(struct call *call, struct virga_str name) {
    call_fail(call, "RepositoryNotFoundException",
              "The repository with name '%.*s' does not exist in the registry with id '%s'",
              (int)name.len, name.ptr, call->tenant.account);
}

bool call_repository(struct call *call, struct meta_repository *ret_repository) {
    int result = meta_repository_get(call->ecr, &call->tenant, call->name, ret_repository);
    if (result == -ENOENT) {
        call_no_repository(call, call->name);
    } else if (result != 0) {
        call_broken(call, "The repository could not be read", result, NULL);
    }
    return result == 0;
}

bool call_repository_exists(struct call *call) {
    struct meta_repository repository;
    if (!call_repository(call, &repository)) {
        return false;
    }
    meta_repository_finish(&repository);
    return true;
}

bool call_repository_for_push(struct call *call) {
    int result =
        template_create_repository(call->ecr, &call->tenant, call->name, TEMPLATE_CREATE_ON_PUSH);
    if (result == -ENOENT) {
        call_no_repository(call, call->name);
    } else if (result != 0) {
        call_broken(call, "The repository could not be created", result, NULL);
    }
    return result == 0;
}

struct virga_str call_str(const struct call *call, const char *key) {
    return virga_awsjson_str(call->input, key);
}

void call_repository_arn(const struct tenant *tenant, struct virga_str name,
                         char ret_arn[CALL_ARN_MAX]) {
    struct virga_str region = virga_str_from(tenant->region);
    (void)snprintf(ret_arn, CALL_ARN_MAX, "arn:%s:ecr:%s:%s:repository/%.*s",
                   virga_arn_partition(region), tenant->region, tenant->account, (int)name.len,
                   name.ptr);
}

void call_write_head(const struct call *call, struct virga_json_writer *writer) {
    virga_json_string(writer, "registryId", call->tenant.account);
    virga_json_str(writer, "repositoryName", call->name);
}

bool call_page_start(struct call *call, const char *detail, struct call_page *page) {
    struct virga_str token = call_str(call, "nextToken");
    int len = snprintf(page->question_bytes, sizeof page->question_bytes, "%s %s %s %.*s %s",
                       call->action->name, call->tenant.account, call->tenant.region,
                       (int)call->name.len, call->name.ptr != NULL ? call->name.ptr : "", detail);
    page->question = (struct virga_str){page->question_bytes, (size_t)len};
    page->max = (size_t)virga_awsjson_int(call->input, "maxResults", PAGE_DEFAULT);
    page->count = 0;
    page->more = false;
    page->position_len = 0;
    page->begun = token.ptr != NULL;
    if (!page->begun) {
        return true;
    }
    int result = virga_page_token_open(actions_page_key(call->ecr), page->question, token,
                                       page->position, &page->position_len);
    if (result == -EINVAL) {
        call_fail(call, "InvalidParameterException",
                  "Invalid parameter at 'NextToken' failed to satisfy constraint: 'Invalid next "
                  "token provided'");
    } else if (result != 0) {
        call_broken(call, "The page could not be found", result, NULL);
    }
    return result == 0;
}

bool call_page_take(struct call_page *page, struct virga_str position) {
    if (page->count == page->max) {
        page->more = true;
        return false;
    }
    page->count++;
    page->last_len = position.len < sizeof page->last ? position.len : sizeof page->last;
    memcpy(page->last, position.ptr, page->last_len);
    return true;
}

int call_page_end(struct call *call, const struct call_page *page,
                  struct virga_json_writer *writer) {
    char token[VIRGA_PAGE_TOKEN_SIZE];
    if (!page->more) {
        return 0;
    }
    int result = virga_page_token_make(actions_page_key(call->ecr), page->question,
                                       (struct virga_str){page->last, page->last_len}, token);
    if (result == 0) {
        virga_json_string(writer, "nextToken", token);
    }
    return result;
}
