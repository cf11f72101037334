/* SPDX-License-Identifier: MIT */
#include "caller.h"

#include "access_key.h"
#include "actions.h"
#include "entity.h"

#include <errno.h>
#include <virga/helpers/access_key.h>
#include <virga/helpers/arn.h>

/* Credentials that STS issued: they are nobody's of IAM. */
static int is_session(struct virga_str access_key) {
    char account[VIRGA_ACCOUNT_LEN + 1];
    return virga_access_key_account(access_key, account) == 0 &&
           strncmp(access_key.ptr, "ASIA", 4) == 0;
}

/* Whether the key was made for a user, of whatever host. */
static int is_of_user(struct virga_str access_key) {
    char account[VIRGA_ACCOUNT_LEN + 1];
    return virga_access_key_account(access_key, account) == 0 &&
           strncmp(access_key.ptr, "AKIA", 4) == 0;
}

static void fail_session(struct call *call) {
    call_fail(call, VALIDATION_ERROR,
              "Must specify userName when calling with non-User credentials");
}

/* The user that the caller's access key belongs to. NULL: the call has been answered. */
static struct json_object *find_by_key(struct call *call) {
    struct json_object *user = NULL;
    int result = access_key_read_user(call, call->req->access_key.ptr, &user);
    if (result == -ENOENT) {
        call_fail(call, INVALID_TOKEN_ID, "The security token included in the request is invalid.");
    } else if (result != 0) {
        call_fail_internally(call, result);
    }
    return user;
}

struct json_object *caller_user(struct call *call) {
    const char *name = call_str(call, "UserName").ptr;
    if (name != NULL) {
        return entity_find(call, &kind_user, name);
    }
    if (is_of_user(call->req->access_key)) {
        return find_by_key(call);
    }
    fail_session(call);
    return NULL;
}

/* The account's root user has neither a name nor a path. */
static void answer_root(struct call *call) {
    struct virga_xml_writer writer = {0};
    char arn[ARN_SIZE];
    (void)snprintf(arn, sizeof arn, "arn:%s:iam::%s:root", virga_arn_partition(call->req->region),
                   call->req->account.ptr);
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    virga_xml_begin(&writer, "User");
    virga_xml_str(&writer, "UserId", call->req->account);
    virga_xml_string(&writer, "Arn", arn);
    virga_xml_time(&writer, "CreateDate", 0);
    virga_xml_end(&writer, "User");
    (void)virga_query_answer(call->req, &writer, call->action);
}

void action_get_user(struct call *call) {
    struct virga_str access_key = call->req->access_key;
    if (call_str(call, "UserName").ptr == NULL && !is_of_user(access_key)) {
        if (is_session(access_key)) {
            fail_session(call);
        } else {
            answer_root(call);
        }
        return;
    }
    struct json_object *user = caller_user(call);
    if (user != NULL) {
        entity_answer(call, &kind_user, user);
    }
    json_object_put(user);
}
