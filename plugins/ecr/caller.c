/* SPDX-License-Identifier: MIT */
/* Access keys and whom they stand for. */
#include "caller.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/access_key.h>

/* Temporary credentials do not change; that they expired is noticed this much later. */
#define KEEP_MS 60000
#define KEPT_MAX 128
#define ASK "Action=GetCallerIdentity&Version=2011-06-15"
#define ANSWER_LIMIT_BYTES (64u << 10)

struct kept {
    char access_key[VIRGA_ACCESS_KEY_LEN + 1];
    int64_t until_ms;
    struct principal principal;
};

/* A question that STS has not answered yet. */
struct lookup {
    struct lookup *next;
    struct callers *callers;
    struct virga_dispatch_handle *handle;
    void (*on_found)(void *arg, int status, const struct principal *principal); /* NULL: told */
    void *arg;
    struct principal root; /* of the key's account */
    char access_key[VIRGA_ACCESS_KEY_LEN + 1];
};

struct callers {
    struct ecr *ecr;
    struct kept *kept[KEPT_MAX];
    size_t next_kept; /* the oldest */
    struct lookup *lookups;
    void (*on_stopped)(void *arg);
    void *stopped_arg;
};

int callers_create(struct ecr *ecr, struct callers **ret_callers) {
    struct callers *callers = calloc(1, sizeof *callers);
    if (callers == NULL) {
        return -ENOMEM;
    }
    callers->ecr = ecr;
    *ret_callers = callers;
    return 0;
}

static void tell(struct lookup *lookup, int status, const struct principal *principal) {
    void (*on_found)(void *, int, const struct principal *) = lookup->on_found;
    lookup->on_found = NULL;
    if (on_found != NULL) {
        on_found(lookup->arg, status, principal);
    }
}

bool callers_stop(struct callers *callers, void (*on_stopped)(void *arg), void *arg) {
    for (struct lookup *lookup = callers->lookups; lookup != NULL; lookup = lookup->next) {
        callers->ecr->dispatch->cancel(lookup->handle);
        tell(lookup, -ECANCELED, NULL);
    }
    if (callers->lookups == NULL) {
        return false;
    }
    callers->on_stopped = on_stopped;
    callers->stopped_arg = arg;
    return true;
}

void callers_destroy(struct callers *callers) {
    if (callers == NULL) {
        return;
    }
    while (callers->lookups != NULL) {
        struct lookup *lookup = callers->lookups;
        callers->lookups = lookup->next;
        free(lookup);
    }
    for (size_t i = 0; i < KEPT_MAX; i++) {
        free(callers->kept[i]);
    }
    free(callers);
}

/* --- the cache --- */

static struct kept *find_kept(const struct callers *callers, const char *access_key) {
    for (size_t i = 0; i < KEPT_MAX && callers->kept[i] != NULL; i++) {
        if (strcmp(callers->kept[i]->access_key, access_key) == 0) {
            return callers->kept[i];
        }
    }
    return NULL;
}

static void keep(struct callers *callers, const struct lookup *lookup,
                 const struct principal *principal) {
    struct ecr *ecr = callers->ecr;
    struct kept *kept = find_kept(callers, lookup->access_key);
    if (kept == NULL) {
        struct kept **place = &callers->kept[callers->next_kept];
        if (*place == NULL && (*place = calloc(1, sizeof **place)) == NULL) {
            return; /* it is asked for again */
        }
        callers->next_kept = (callers->next_kept + 1) % KEPT_MAX;
        kept = *place;
        memcpy(kept->access_key, lookup->access_key, sizeof kept->access_key);
    }
    kept->principal = *principal;
    kept->until_ms = ecr->timer->now_ms(ecr->host) + KEEP_MS;
}

/* --- STS --- */

/* The text between <name> and the next tag, which must fit. Names and ARNs hold nothing that XML
 * would escape. */
static bool read_element(struct virga_str xml, const char *name, char *buffer, size_t size) {
    char tag[32];
    int len = snprintf(tag, sizeof tag, "<%s>", name);
    const char *open = xml.len > 0 ? memmem(xml.ptr, xml.len, tag, (size_t)len) : NULL;
    if (open == NULL) {
        return false;
    }
    const char *text = open + len;
    const char *close = memchr(text, '<', (size_t)(xml.ptr + xml.len - text));
    if (close == NULL || close == text || (size_t)(close - text) >= size) {
        return false;
    }
    memcpy(buffer, text, (size_t)(close - text));
    buffer[close - text] = '\0';
    return true;
}

/* Reads STS's answer. A host without an STS says that it does not know the action, and a fallback's
 * STS knows another account's keys: then a key stands for its account, as all others do. */
static int read_answer(const struct lookup *lookup, const struct virga_dispatch_response *res,
                       struct principal *ret_principal) {
    struct principal who = {0};
    char code[64];
    *ret_principal = lookup->root;
    if (res->error != 0) {
        return res->error == -ENOMEM || res->error == -ETIMEDOUT ? res->error : -EIO;
    }
    if (res->status == 200) {
        if (read_element(res->body, "Account", who.account, sizeof who.account) &&
            strcmp(who.account, lookup->root.account) == 0) {
            if (!read_element(res->body, "Arn", who.arn, sizeof who.arn) ||
                !read_element(res->body, "UserId", who.user_id, sizeof who.user_id)) {
                return -EIO;
            }
            *ret_principal = who;
        }
        return 0;
    }
    if (res->status >= 500) {
        return -EIO;
    }
    if (read_element(res->body, "Code", code, sizeof code)) {
        if (strcmp(code, "InvalidClientTokenId") == 0) {
            return -EACCES;
        }
        if (strcmp(code, "ExpiredToken") == 0) {
            return -EKEYEXPIRED;
        }
    }
    return 0;
}

static void on_answer(void *arg, const struct virga_dispatch_response *res) {
    struct lookup *lookup = arg;
    struct callers *callers = lookup->callers;
    struct principal principal;
    if (lookup->on_found != NULL) {
        int result = read_answer(lookup, res, &principal);
        if (result == 0) {
            keep(callers, lookup, &principal);
        }
        tell(lookup, result, &principal);
    }
    struct lookup **link = &callers->lookups;
    while (*link != lookup) {
        link = &(*link)->next;
    }
    *link = lookup->next;
    free(lookup);
    if (callers->lookups == NULL && callers->on_stopped != NULL) {
        callers->on_stopped(callers->stopped_arg);
    }
}

static int ask(struct callers *callers, const struct virga_request *req, struct lookup *lookup) {
    struct ecr *ecr = callers->ecr;
    const struct virga_header type = {virga_str_from("Content-Type"),
                                      virga_str_from("application/x-www-form-urlencoded")};
    const struct virga_dispatch_request request = {
        .struct_size = sizeof request,
        .headers = &type,
        .headers_count = 1,
        .body = virga_str_from(ASK),
        .account = req->account,
        .region = req->region,
        .service = virga_str_from("sts"),
        .access_key = req->access_key,
        .body_limit_bytes = ANSWER_LIMIT_BYTES,
        .on_done = on_answer,
        .arg = lookup,
    };
    int result = ecr->dispatch->call(ecr->host, &request, &lookup->handle);
    if (result == 0) {
        lookup->next = callers->lookups;
        callers->lookups = lookup;
    }
    return result;
}

void caller_find(struct ecr *ecr, const struct virga_request *req,
                 void (*on_found)(void *arg, int status, const struct principal *principal),
                 void *arg) {
    struct callers *callers = ecr->callers;
    char account[VIRGA_ACCOUNT_LEN + 1];
    struct principal principal;
    if (req->access_key.len == 0) {
        on_found(arg, -ENOKEY, NULL);
        return;
    }
    principal_root(req->account, req->region, &principal);
    if (ecr->dispatch == NULL || virga_access_key_account(req->access_key, account) != 0) {
        on_found(arg, 0, &principal);
        return;
    }
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL) {
        on_found(arg, -ENOMEM, NULL);
        return;
    }
    *lookup =
        (struct lookup){.callers = callers, .on_found = on_found, .arg = arg, .root = principal};
    memcpy(lookup->access_key, req->access_key.ptr, VIRGA_ACCESS_KEY_LEN);
    const struct kept *kept = find_kept(callers, lookup->access_key);
    if (kept != NULL && kept->until_ms > ecr->timer->now_ms(ecr->host)) {
        principal = kept->principal;
        free(lookup);
        on_found(arg, 0, &principal);
        return;
    }
    int result = ask(callers, req, lookup);
    if (result != 0) {
        free(lookup);
        on_found(arg, result, NULL);
    }
}
