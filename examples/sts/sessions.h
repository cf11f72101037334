/* SPDX-License-Identifier: MIT */
/* Temporary credentials: made, remembered in the store until a while after they expired, found
 * again by their access key id. Secrets are not kept: signatures are not checked. */
#ifndef STS_SESSIONS_H
#define STS_SESSIONS_H

#include "sts.h"

#include <virga/helpers/access_key.h>

#define SESSION_SECRET_LEN 40
#define SESSION_TOKEN_MAX 512
#define SESSION_ARN_MAX 2200 /* of what an ARN of 2,048 bytes and a session's name become */
#define SESSION_USER_ID_MAX 256

enum session_kind { SESSION_ROLE, SESSION_TOKEN, SESSION_FEDERATED };

/* Whom credentials stand for. */
struct session {
    enum session_kind kind;
    char arn[SESSION_ARN_MAX];
    char user_id[SESSION_USER_ID_MAX];
    int64_t expires_ms;
};

struct credentials {
    char access_key[VIRGA_ACCESS_KEY_LEN + 1];
    char secret[SESSION_SECRET_LEN + 1];
    char token[SESSION_TOKEN_MAX];
    int64_t expires_ms;
};

/* Makes credentials of an account that last `duration_s`; sets session->expires_ms. Once this
 * returned 0 they are known after a crash too. Errors: -EIO, -ENOSPC, -ENOMEM, and what the
 * system's random numbers fail with. */
int session_issue(struct sts *sts, const char *account, struct session *session, int64_t duration_s,
                  struct credentials *ret_credentials);

/* Whom an access key id stands for. Errors: -ENOENT nobody, -EIO, -ENOMEM. */
int session_find(struct sts *sts, struct virga_str access_key, struct session *ret_session);

/* Issues credentials for the call and writes <Credentials>; 0, or it has answered the call with
 * the error. */
int session_answer(struct call *call, const char *account, struct session *session,
                   int64_t duration_s, struct virga_xml_writer *writer);

#endif
