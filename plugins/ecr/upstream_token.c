/* SPDX-License-Identifier: MIT */
/* Tokens of upstream registries. */
#include "upstream_token.h"

#include "strbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>
#include <virga/helpers/base64.h>
#include <virga/helpers/sha256.h>

#define LIFE_DEFAULT_S 60 /* of a token that does not say: the token specification */
#define LIFE_MAX_S 86400
#define MARGIN_MS 10000 /* a token this close to its end is not used any more */
#define TOKEN_MAX (64u << 10)

struct token {
    char key[VIRGA_SHA256_HEX_LEN + 1]; /* "" = free */
    char *authorization;
    int64_t until_ms; /* 0 = for ever */
    uint64_t made;    /* in the order of making */
};

struct upstream_tokens {
    struct token list[UPSTREAM_TOKENS_MAX];
    uint64_t made;
};

int upstream_tokens_create(struct upstream_tokens **ret_tokens) {
    *ret_tokens = calloc(1, sizeof **ret_tokens);
    return *ret_tokens != NULL ? 0 : -ENOMEM;
}

static void clear(struct token *token) {
    free(token->authorization);
    *token = (struct token){.key = ""};
}

void upstream_tokens_destroy(struct upstream_tokens *tokens) {
    if (tokens == NULL) {
        return;
    }
    for (size_t i = 0; i < UPSTREAM_TOKENS_MAX; i++) {
        clear(&tokens->list[i]);
    }
    free(tokens);
}

/* Another password is another user: a token of the old one is not used for it. */
static int make_key(const struct upstream_place *place, const char *scope,
                    char ret_key[VIRGA_SHA256_HEX_LEN + 1]) {
    struct strbuf text = {0};
    strbuf_addf(&text, "%s\n%s\n%s\n%s", place->base, scope,
                place->username != NULL ? place->username : "",
                place->password != NULL ? place->password : "");
    int result = text.failed ? -ENOMEM : virga_sha256_hex(strbuf_str(&text), ret_key);
    strbuf_finish(&text);
    return result;
}

static struct token *find(struct upstream_tokens *tokens, const char *key) {
    for (size_t i = 0; i < UPSTREAM_TOKENS_MAX; i++) {
        if (strcmp(tokens->list[i].key, key) == 0) {
            return &tokens->list[i];
        }
    }
    return NULL;
}

const char *upstream_token_find(struct upstream_tokens *tokens, const struct upstream_place *place,
                                const char *scope, int64_t now_ms) {
    char key[VIRGA_SHA256_HEX_LEN + 1];
    if (make_key(place, scope, key) != 0) {
        return NULL;
    }
    struct token *token = find(tokens, key);
    if (token != NULL && token->until_ms != 0 && token->until_ms <= now_ms) {
        clear(token);
        return NULL;
    }
    return token != NULL ? token->authorization : NULL;
}

/* Keeps it; takes `authorization` over, which may be NULL. */
static int keep(struct upstream_tokens *tokens, const struct upstream_place *place,
                const char *scope, char *authorization, int64_t until_ms) {
    char key[VIRGA_SHA256_HEX_LEN + 1];
    if (authorization == NULL || make_key(place, scope, key) != 0) {
        free(authorization);
        return -ENOMEM;
    }
    struct token *token = find(tokens, key);
    for (size_t i = 0; i < UPSTREAM_TOKENS_MAX && token == NULL; i++) {
        token = tokens->list[i].key[0] == '\0' ? &tokens->list[i] : NULL;
    }
    if (token == NULL) {
        token = &tokens->list[0];
        for (size_t i = 1; i < UPSTREAM_TOKENS_MAX; i++) {
            token = tokens->list[i].made < token->made ? &tokens->list[i] : token;
        }
    }
    clear(token);
    memcpy(token->key, key, sizeof key);
    token->authorization = authorization;
    token->until_ms = until_ms;
    token->made = ++tokens->made;
    return 0;
}

int upstream_token_take(struct upstream_tokens *tokens, const struct upstream_place *place,
                        const char *scope, struct virga_str answer, int64_t now_ms) {
    struct json_object *object = NULL;
    char *authorization = NULL;
    int result = virga_awsjson_parse(answer, &object);
    if (result != 0) {
        return result == -EBADMSG ? -EINVAL : result;
    }
    struct virga_str text = virga_awsjson_str(object, "token");
    if (text.len == 0) {
        text = virga_awsjson_str(object, "access_token");
    }
    int64_t life_s = virga_awsjson_int(object, "expires_in", LIFE_DEFAULT_S);
    if (life_s < LIFE_DEFAULT_S) {
        life_s = LIFE_DEFAULT_S;
    }
    if (life_s > LIFE_MAX_S) {
        life_s = LIFE_MAX_S;
    }
    if (text.len == 0 || text.len > TOKEN_MAX) {
        result = -EINVAL;
    } else if (asprintf(&authorization, "Bearer %.*s", (int)text.len, text.ptr) < 0) {
        result = -ENOMEM;
    } else {
        result = keep(tokens, place, scope, authorization, now_ms + life_s * 1000 - MARGIN_MS);
    }
    json_object_put(object);
    return result;
}

int upstream_token_use_basic(struct upstream_tokens *tokens, const struct upstream_place *place,
                             const char *scope) {
    return keep(tokens, place, scope, upstream_basic(place), 0);
}

void upstream_token_forget(struct upstream_tokens *tokens, const struct upstream_place *place,
                           const char *scope) {
    char key[VIRGA_SHA256_HEX_LEN + 1];
    struct token *token = make_key(place, scope, key) == 0 ? find(tokens, key) : NULL;
    if (token != NULL) {
        clear(token);
    }
}

char *upstream_basic(const struct upstream_place *place) {
    char *plain = NULL, *text = NULL;
    int len =
        asprintf(&plain, "%s:%s", place->username, place->password != NULL ? place->password : "");
    if (len < 0) {
        return NULL;
    }
    size_t size = VIRGA_BASE64_SIZE((size_t)len);
    text = malloc(strlen("Basic ") + size);
    if (text != NULL) {
        memcpy(text, "Basic ", 6);
        virga_base64_encode((struct virga_str){plain, (size_t)len}, text + 6);
    }
    free(plain);
    return text;
}
