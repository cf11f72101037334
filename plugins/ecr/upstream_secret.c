/* SPDX-License-Identifier: MIT */
/* Looking for credentials: the file is read on a worker, then the host's Secrets Manager is asked.
 */
#include "upstream_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <virga/helpers/awsjson.h>

#define DISPATCH_TIMEOUT_MS 10000
#define ARN_MAX 620

struct question {
    struct ecr *ecr;
    struct tenant tenant;
    char arn[ARN_MAX]; /* "" = none */
    char host[256];
    char *path; /* of the file; NULL = not set */
    char *text; /* what it holds */
    size_t len;
    int error; /* of reading it */
    void (*on_answer)(void *arg, const struct upstream_secret *secret);
    void *arg;
};

static void finish(struct question *question, const struct upstream_secret *secret) {
    question->on_answer(question->arg, secret);
    free(question->path);
    free(question->text);
    free(question);
}

static void finish_with(struct question *question, int status, const char *reason) {
    const struct upstream_secret secret = {.status = status, .reason = reason};
    finish(question, &secret);
}

bool upstream_secret_read(struct json_object *object, struct upstream_secret *ret_secret) {
    struct virga_str username = virga_awsjson_str(object, "username");
    struct virga_str token = virga_awsjson_str(object, "accessToken");
    if (username.len == 0 || token.len == 0 || memchr(username.ptr, ':', username.len) != NULL) {
        return false;
    }
    *ret_secret = (struct upstream_secret){.username = username.ptr, .password = token.ptr};
    return true;
}

/* --- the host's Secrets Manager --- */

/* Takes a secret's text, which is JSON. */
static void take_string(struct question *question, struct virga_str text) {
    struct json_object *object = NULL;
    struct upstream_secret secret;
    if (text.ptr == NULL || virga_awsjson_parse(text, &object) != 0 ||
        !upstream_secret_read(object, &secret)) {
        finish_with(question, -EINVAL, "the secret is no JSON with username and accessToken");
    } else {
        finish(question, &secret);
    }
    json_object_put(object);
}

static bool type_is(struct virga_str type, const char *name) {
    const char *hash = type.len > 0 ? memchr(type.ptr, '#', type.len) : NULL;
    if (hash != NULL) {
        type.len -= (size_t)(hash + 1 - type.ptr);
        type.ptr = hash + 1;
    }
    return virga_str_equal(type, virga_str_from(name));
}

static void take_error(struct question *question, struct virga_str type) {
    if (type_is(type, "ResourceNotFoundException") || type_is(type, "InvalidRequestException")) {
        finish_with(question, -ENOENT, "Secrets Manager has no such secret");
    } else if (type_is(type, "AccessDeniedException")) {
        finish_with(question, -EACCES, "Secrets Manager denies access to the secret");
    } else if (type_is(type, "DecryptionFailure")) {
        finish_with(question, -EKEYREJECTED, "Secrets Manager cannot decrypt the secret");
    } else if (question->path != NULL) {
        finish_with(question, -ENOENT, "upstream-credentials does not hold the secret");
    } else {
        finish_with(question, -ENOSYS, "no service here keeps secrets");
    }
}

static void on_secret(void *arg, const struct virga_dispatch_response *res) {
    struct question *question = arg;
    struct json_object *object = NULL;
    if (res->error == -ECANCELED) {
        finish_with(question, -ECANCELED, "the host is stopping");
        return;
    }
    if (res->status != 0 && virga_awsjson_parse(res->body, &object) != 0) {
        object = NULL;
    }
    if (res->status == 200 && object != NULL) {
        take_string(question, virga_awsjson_str(object, "SecretString"));
    } else {
        take_error(question, virga_awsjson_str(object, "__type"));
    }
    json_object_put(object);
}

static void ask_host(struct question *question) {
    struct ecr *ecr = question->ecr;
    struct json_object *body = json_object_new_object();
    const char *text = NULL;
    if (ecr->dispatch == NULL || question->arn[0] == '\0') {
        json_object_put(body);
        take_error(question, (struct virga_str){NULL, 0});
        return;
    }
    if (body != NULL &&
        json_object_object_add(body, "SecretId", json_object_new_string(question->arn)) == 0) {
        text = json_object_to_json_string_ext(body, JSON_C_TO_STRING_NOSLASHESCAPE);
    }
    const struct virga_header headers[] = {
        {virga_str_from("X-Amz-Target"), virga_str_from("secretsmanager.GetSecretValue")},
        {virga_str_from("Content-Type"), virga_str_from("application/x-amz-json-1.1")},
    };
    const struct virga_dispatch_request request = {
        .struct_size = sizeof request,
        .headers = headers,
        .headers_count = 2,
        .body = virga_str_from(text != NULL ? text : ""),
        .account = virga_str_from(question->tenant.account),
        .region = virga_str_from(question->tenant.region),
        .service = virga_str_from("secretsmanager"),
        .timeout_ms = DISPATCH_TIMEOUT_MS,
        .on_done = on_secret,
        .arg = question,
    };
    int result = text == NULL ? -ENOMEM : ecr->dispatch->call(ecr->host, &request, NULL);
    json_object_put(body);
    if (result != 0) {
        finish_with(question, result == -ENOMEM ? -ENOMEM : -EIO, strerror(-result));
    }
}

/* --- the file --- */

/* [worker] */
static void read_file(void *arg) {
    struct question *question = arg;
    int fd = question->path != NULL ? open(question->path, O_RDONLY | O_CLOEXEC) : -1;
    if (question->path == NULL) {
        return;
    }
    question->error = fd < 0 ? -errno : 0;
    question->text = fd < 0 ? NULL : malloc(UPSTREAM_CREDENTIALS_MAX_BYTES + 1);
    while (fd >= 0 && question->text != NULL && question->len <= UPSTREAM_CREDENTIALS_MAX_BYTES) {
        ssize_t count = read(fd, question->text + question->len,
                             UPSTREAM_CREDENTIALS_MAX_BYTES + 1 - question->len);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            question->error = count < 0 ? -errno : 0;
            break;
        }
        question->len += (size_t)count;
    }
    if (fd >= 0) {
        (void)close(fd);
        question->error = question->text == NULL ? -ENOMEM : question->error;
    }
    if (question->len > UPSTREAM_CREDENTIALS_MAX_BYTES) {
        question->error = -EFBIG;
    }
}

static void on_file(void *arg, int status) {
    struct question *question = arg;
    struct json_object *object = NULL, *entry = NULL;
    struct upstream_secret secret;
    char reason[400];
    if (status != 0) {
        finish_with(question, -ECANCELED, "the host is stopping");
        return;
    }
    if (question->path == NULL) {
        ask_host(question);
        return;
    }
    if (question->error != 0 ||
        virga_awsjson_parse((struct virga_str){question->text, question->len}, &object) != 0) {
        (void)snprintf(reason, sizeof reason, "upstream-credentials (%s): %s", question->path,
                       question->error != 0 ? strerror(-question->error) : "it is no JSON object");
        finish_with(question, -EINVAL, reason);
        return;
    }
    entry = virga_awsjson_member(object, question->arn);
    if (entry == NULL) {
        entry = virga_awsjson_member(object, question->host);
    }
    if (entry == NULL) {
        ask_host(question);
    } else if (upstream_secret_read(entry, &secret)) {
        finish(question, &secret);
    } else {
        finish_with(question, -EINVAL,
                    "the entry of upstream-credentials has no username and accessToken");
    }
    json_object_put(object);
}

int upstream_secret_ask(struct ecr *ecr, const struct upstream_secret_question *given,
                        void (*on_answer)(void *arg, const struct upstream_secret *secret),
                        void *arg) {
    struct question *question = calloc(1, sizeof *question);
    struct virga_str path = ecr->config->get_string(ecr->host, "upstream-credentials");
    if (question == NULL) {
        return -ENOMEM;
    }
    question->ecr = ecr;
    question->tenant = given->tenant;
    question->on_answer = on_answer;
    question->arg = arg;
    (void)snprintf(question->arn, sizeof question->arn, "%s", given->arn != NULL ? given->arn : "");
    (void)snprintf(question->host, sizeof question->host, "%s", given->host);
    int result = 0;
    if (path.len > 0) {
        question->path = strndup(path.ptr, path.len);
        result = question->path == NULL ? -ENOMEM : 0;
    }
    if (result == 0) {
        /* Without a file too, so that the answer never comes inside this call. */
        result = ecr->work->submit(ecr->host, read_file, on_file, question, NULL);
    }
    if (result != 0) {
        free(question->path);
        free(question);
    }
    return result;
}
