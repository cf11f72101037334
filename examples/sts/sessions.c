/* SPDX-License-Identifier: MIT */
/* Keys in the store: "s/<access key id>" has the session, "e/<expiry>/<access key id>" puts them in
 * the order in which they are forgotten. */
#include "sessions.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>
#include <virga/helpers/awsjson.h>
#include <virga/helpers/base64.h>

/* How long an expired session is remembered, so that its user is told that it expired. */
#define REMEMBER_MS (INT64_C(24) * 3600 * 1000)
/* Each that is issued takes at most so many forgotten ones away, so that the store stays small
 * without ever working long. */
#define FORGET_MAX 16
#define KEY_ATTEMPTS 16
#define KEY_MAX 64
/* What the tokens of real credentials begin with. */
#define TOKEN_PREFIX "IQoJb3JpZ2luX2Vj"
#define TOKEN_BYTES 252

_Static_assert(sizeof TOKEN_PREFIX + VIRGA_BASE64_SIZE(TOKEN_BYTES) <= SESSION_TOKEN_MAX,
               "a token does not fit");

static const char *const kinds[] = {
    [SESSION_ROLE] = "role", [SESSION_TOKEN] = "token", [SESSION_FEDERATED] = "federated"};

static int random_bytes(void *to, size_t size) {
    ssize_t got = getrandom(to, size, 0);
    return got == (ssize_t)size ? 0 : got < 0 ? -errno : -EIO;
}

static int random_base64(size_t count, char *to) {
    char bytes[TOKEN_BYTES];
    int result = random_bytes(bytes, count);
    if (result == 0) {
        (void)virga_base64_encode((struct virga_str){bytes, count}, to);
    }
    return result;
}

static struct virga_str session_key(char buffer[KEY_MAX], const char *access_key) {
    (void)snprintf(buffer, KEY_MAX, "s/%s", access_key);
    return virga_str_from(buffer);
}

static struct virga_str expiry_key(char buffer[KEY_MAX], int64_t expires_ms,
                                   const char *access_key) {
    (void)snprintf(buffer, KEY_MAX, "e/%013" PRId64 "/%s", expires_ms, access_key);
    return virga_str_from(buffer);
}

/* An id that nobody has. */
static int choose_key(struct sts *sts, const char *account,
                      char ret_key[VIRGA_ACCESS_KEY_LEN + 1]) {
    char key[KEY_MAX];
    for (int i = 0; i < KEY_ATTEMPTS; i++) {
        uint32_t chance;
        struct virga_store_value value;
        int result = random_bytes(&chance, sizeof chance);
        if (result == 0) {
            result = virga_access_key_make(virga_str_from(account), chance, ret_key);
        }
        if (result == 0) {
            result = sts->store->get(sts->host, session_key(key, ret_key), &value);
        }
        if (result != 0) {
            return result == -ENOENT ? 0 : result;
        }
        sts->store->release(sts->host, &value);
    }
    return -EIO;
}

/* Takes away some of those that expired long ago. */
static int forget(struct sts *sts, int64_t now_ms) {
    struct virga_store_cursor *cursor;
    struct virga_str key, value;
    char latest[KEY_MAX];
    char other[KEY_MAX];
    struct virga_str end = expiry_key(latest, now_ms - REMEMBER_MS, "");
    struct virga_str none = {NULL, 0};
    int result =
        sts->store->scan(sts->host, virga_str_from("e/"), none, VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    for (int i = 0; i < FORGET_MAX; i++) {
        result = sts->store->next(cursor, &key, &value);
        if (result != 1 || key.len < end.len || memcmp(key.ptr, end.ptr, end.len) >= 0) {
            break;
        }
        struct virga_str gone = session_key(other, key.ptr + end.len);
        result = sts->store->del(sts->host, key);
        if (result == 0) {
            result = sts->store->del(sts->host, gone);
        }
        if (result != 0 && result != -ENOENT) {
            break;
        }
    }
    sts->store->close(cursor);
    return result < 0 && result != -ENOENT ? result : 0;
}

static int write_session(struct sts *sts, const char *access_key, const struct session *session) {
    char key[KEY_MAX];
    struct virga_json_writer record = {0};
    virga_json_begin_object(&record, NULL);
    virga_json_string(&record, "kind", kinds[session->kind]);
    virga_json_string(&record, "arn", session->arn);
    virga_json_string(&record, "userId", session->user_id);
    virga_json_int(&record, "expiresMs", session->expires_ms);
    virga_json_end_object(&record);
    int result = record.failed ? -ENOMEM : 0;
    if (result == 0) {
        result = sts->store->put(sts->host, session_key(key, access_key),
                                 (struct virga_str){record.ptr, record.len});
    }
    if (result == 0) {
        result = sts->store->put(sts->host, expiry_key(key, session->expires_ms, access_key),
                                 virga_str_from(""));
    }
    virga_json_finish(&record);
    return result;
}

/* Writes it in one transaction with the forgetting of others. */
static int keep(struct sts *sts, const char *access_key, const struct session *session,
                int64_t now_ms) {
    int result = sts->store->begin(sts->host);
    if (result != 0) {
        return result;
    }
    result = forget(sts, now_ms);
    if (result == 0) {
        result = write_session(sts, access_key, session);
    }
    if (result == 0) {
        return sts->store->commit(sts->host);
    }
    sts->store->rollback(sts->host);
    return result;
}

int session_issue(struct sts *sts, const char *account, struct session *session, int64_t duration_s,
                  struct credentials *ret_credentials) {
    int64_t now_ms = sts->timer->now_ms(sts->host);
    /* Whole seconds, as they are told. */
    session->expires_ms = (now_ms / 1000 + duration_s) * 1000;
    ret_credentials->expires_ms = session->expires_ms;
    (void)snprintf(ret_credentials->token, sizeof ret_credentials->token, TOKEN_PREFIX);
    int result = random_base64(SESSION_SECRET_LEN / 4 * 3, ret_credentials->secret);
    if (result == 0) {
        result = random_base64(TOKEN_BYTES, ret_credentials->token + strlen(TOKEN_PREFIX));
    }
    if (result == 0) {
        result = choose_key(sts, account, ret_credentials->access_key);
    }
    return result == 0 ? keep(sts, ret_credentials->access_key, session, now_ms) : result;
}

static int read_session(struct virga_str text, struct session *ret_session) {
    struct json_object *record = NULL;
    int result = virga_awsjson_parse(text, &record);
    if (result != 0) {
        return result == -ENOMEM ? result : -EIO;
    }
    struct virga_str kind = virga_awsjson_str(record, "kind");
    ret_session->kind = virga_str_equal(kind, virga_str_from(kinds[SESSION_ROLE])) ? SESSION_ROLE
                        : virga_str_equal(kind, virga_str_from(kinds[SESSION_TOKEN]))
                            ? SESSION_TOKEN
                            : SESSION_FEDERATED;
    (void)snprintf(ret_session->arn, sizeof ret_session->arn, "%s",
                   virga_awsjson_str(record, "arn").ptr);
    (void)snprintf(ret_session->user_id, sizeof ret_session->user_id, "%s",
                   virga_awsjson_str(record, "userId").ptr);
    ret_session->expires_ms = virga_awsjson_int(record, "expiresMs", 0);
    json_object_put(record);
    return 0;
}

int session_find(struct sts *sts, struct virga_str access_key, struct session *ret_session) {
    struct virga_store_value value;
    char key[KEY_MAX];
    if (access_key.len != VIRGA_ACCESS_KEY_LEN) {
        return -ENOENT;
    }
    int result = sts->store->get(sts->host, session_key(key, access_key.ptr), &value);
    if (result == 0) {
        result = read_session((struct virga_str){value.ptr, value.len}, ret_session);
        sts->store->release(sts->host, &value);
    }
    return result;
}

int session_answer(struct call *call, const char *account, struct session *session,
                   int64_t duration_s, struct virga_xml_writer *writer) {
    struct sts *sts = call->sts;
    struct credentials credentials;
    int result = session_issue(sts, account, session, duration_s, &credentials);
    if (result != 0) {
        virga_xml_finish(writer);
        call_fail_store(call, result);
        return result;
    }
    if (sts->metrics != NULL) {
        const char *const values[] = {call->action};
        sts->metrics->add(sts->issued, values, 1);
    }
    virga_log_printf(sts->log, sts->host, VIRGA_LOG_DEBUG, call->req, "issued %s for %s",
                     credentials.access_key, session->arn);
    virga_xml_begin(writer, "Credentials");
    virga_xml_string(writer, "AccessKeyId", credentials.access_key);
    virga_xml_string(writer, "SecretAccessKey", credentials.secret);
    virga_xml_string(writer, "SessionToken", credentials.token);
    virga_xml_time(writer, "Expiration", credentials.expires_ms);
    virga_xml_end(writer, "Credentials");
    return 0;
}
