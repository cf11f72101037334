/* SPDX-License-Identifier: MIT */
/* Calls to the control plane for unit tests: a body in, the answer's status and JSON out, and
 * behind it a registry that does what the test says. */
#ifndef TESTS_ECR_CALL_FIXTURE_H
#define TESTS_ECR_CALL_FIXTURE_H

#include "ecr_fixture.h"

#include <json-c/json.h>

#include "actions.h"
#include "backend.h"
#include "cache.h"
#include "gate.h"
#include "gateway.h"
#include "layers.h"
#include "push.h"
#include "reference.h"

#define ACCOUNT "123456789012"
#define ARN(name) "arn:aws:ecr:us-east-1:" ACCOUNT ":repository/" name
#define APP "\"repositoryName\":\"app\""
#define NO_APP                                                                                     \
    "{\"__type\":\"RepositoryNotFoundException\",\"message\":\"The repository with name 'app' "    \
    "does "                                                                                        \
    "not exist in the registry with id '" ACCOUNT "'\"}"
#define MEDIA "application/vnd.oci.image.manifest.v1+json"

static const struct tenant here = {ACCOUNT, "us-east-1"};

/* --- the scripted registry --- */

#define LATER_MAX 16

struct later {
    void (*fn)(struct later *later);
    backend_on_done on_done;
    void (*on_ready)(void *arg, int status, const char *reason);
    void (*on_fetched)(void *arg, const struct virga_fetch_response *res);
    void (*on_pushed)(void *arg, const struct push_result *result);
    void *arg;
    int status;
    char method[8];
    char path[800];
    struct virga_str body; /* of backend_send(): on the heap until it was sent */
};

static struct later later[LATER_MAX];
static size_t later_count;
static int registry_status;      /* of every change and of the start */
static int fetch_status;         /* 200 = the manifests below */
static const char *manifests[8]; /* by content; found by digest */
static size_t manifests_count;
static size_t most_flying;
static size_t starts;
static char accept[4096];

static struct later *add_later(void (*fn)(struct later *), void *arg) {
    assert_true(later_count < LATER_MAX);
    struct later *one = &later[later_count++];
    *one = (struct later){.fn = fn, .arg = arg, .status = registry_status};
    return one;
}

/* Runs what the loop would run, until nothing is left. */
static inline void run_loop(void) {
    while (later_count > 0) {
        struct later one = later[0];
        memmove(later, later + 1, --later_count * sizeof later[0]);
        one.fn(&one);
    }
}

static void do_change(struct later *one) {
    one->on_done(one->arg, one->status, one->status != 0 ? "the registry says no" : NULL);
}

static void do_ready(struct later *one) {
    one->on_ready(one->arg, one->status, one->status != 0 ? "no engine" : NULL);
}

/* What a test's own registry says; NULL: the manifests above. */
static void (*fetch_script)(const char *method, const char *path, struct virga_str body,
                            struct virga_fetch_response *res);

static void do_fetch(struct later *one) {
    if (fetch_script != NULL) {
        struct virga_fetch_response scripted = {.struct_size = sizeof scripted, .error_text = ""};
        fetch_script(one->method, one->path, one->body, &scripted);
        one->on_fetched(one->arg, &scripted);
        return;
    }
    struct virga_fetch_response res = {
        .struct_size = sizeof res, .status = fetch_status, .error_text = ""};
    if (fetch_status == 0) {
        res.error = -ECONNREFUSED;
        res.error_text = "connection refused";
    }
    for (size_t i = 0; i < manifests_count && fetch_status == 200; i++) {
        char digest[ECR_DIGEST_LEN + 1];
        assert_int_equal(reference_digest(STR(manifests[i]), digest), 0);
        if (strstr(one->path, digest) != NULL) {
            res.body = STR(manifests[i]);
        }
    }
    one->on_fetched(one->arg, &res);
}

void backend_ready(struct backend *backend,
                   void (*on_ready)(void *arg, int status, const char *reason), void *arg) {
    (void)backend;
    starts++;
    add_later(do_ready, arg)->on_ready = on_ready;
}

/* Whether changes of an earlier run are left; a test sets it. */
static bool unsettled;

bool backend_is_settled(const struct backend *backend) {
    (void)backend;
    return !unsettled;
}

size_t backend_name(const struct tenant *tenant, struct virga_str name,
                    char ret_name[BACKEND_NAME_MAX + 1]) {
    return (size_t)snprintf(ret_name, BACKEND_NAME_MAX + 1, "%s/%s/%.*s", tenant->account,
                            tenant->region, (int)name.len, name.ptr);
}

int backend_fetch(struct backend *backend, const char *method, const char *path,
                  const struct virga_header *headers, size_t headers_count, struct virga_str body,
                  void (*on_done)(void *arg, const struct virga_fetch_response *res), void *arg) {
    (void)backend;
    (void)body;
    if (fetch_script == NULL) {
        assert_string_equal(method, "GET");
        assert_int_equal(headers_count, 1);
        (void)snprintf(accept, sizeof accept, "%.*s", (int)headers[0].value.len,
                       headers[0].value.ptr);
    }
    struct later *one = add_later(do_fetch, arg);
    (void)snprintf(one->method, sizeof one->method, "%s", method);
    one->on_fetched = on_done;
    (void)snprintf(one->path, sizeof one->path, "%s", path);
    if (later_count > most_flying) {
        most_flying = later_count;
    }
    return 0;
}

int backend_send(struct backend *backend, const char *method, const char *path, uint64_t length,
                 size_t (*on_send)(void *arg, char *to, size_t size),
                 void (*on_done)(void *arg, const struct virga_fetch_response *res), void *arg) {
    static char sent[4096];
    size_t len = 0, got;
    (void)backend;
    /* In pieces that no group of base64 fits into. */
    while ((got = on_send(arg, sent + len, sizeof sent - len < 4 ? sizeof sent - len : 4)) > 0) {
        len += got;
    }
    assert_int_equal(len, length);
    struct later *one = add_later(do_fetch, arg);
    one->on_fetched = on_done;
    one->body = (struct virga_str){sent, len};
    (void)snprintf(one->method, sizeof one->method, "%s", method);
    (void)snprintf(one->path, sizeof one->path, "%s", path);
    return 0;
}

/* What the registry has of the one upload; negative: an errno. */
static int64_t upload_size = -ENOENT;

int backend_upload_size(const struct backend *backend, const struct tenant *tenant,
                        struct virga_str name, const char *upload, uint64_t *ret_size) {
    (void)backend;
    (void)tenant;
    (void)name;
    (void)upload;
    if (upload_size < 0) {
        return (int)upload_size;
    }
    *ret_size = (uint64_t)upload_size;
    return 0;
}

int backend_upload_address(const struct backend *backend, const struct tenant *tenant,
                           struct virga_str name, const char *upload, uint64_t size,
                           struct strbuf *ret_address) {
    char upstream[BACKEND_NAME_MAX + 1];
    (void)backend;
    (void)backend_name(tenant, name, upstream);
    strbuf_addf(ret_address, "/v2/%s/blobs/uploads/%s?_state=signed-%llu", upstream, upload,
                (unsigned long long)size);
    return 0;
}

bool backend_is_ready(const struct backend *backend) {
    (void)backend;
    return true;
}

bool backend_error_is_loss(int error) {
    return error == -ECONNREFUSED || error == -ECONNRESET;
}

static char pinned[ECR_DIGEST_LEN + 1];

bool backend_is_pinned(const struct backend *backend, const struct tenant *tenant,
                       struct virga_str name, struct virga_str digest) {
    (void)backend;
    (void)tenant;
    (void)name;
    return virga_str_equal(STR(pinned), digest);
}

void backend_pin(struct backend *backend, const struct tenant *tenant, struct virga_str name,
                 struct virga_str digest) {
    (void)backend;
    (void)tenant;
    (void)name;
    (void)snprintf(pinned, sizeof pinned, "%.*s", (int)digest.len, digest.ptr);
}

/* What becomes of the next push; a test sets it. */
static struct push_result push_outcome;

static void do_push(struct later *one) {
    one->on_pushed(one->arg, &push_outcome);
}

int push_manifest(struct ecr *ecr, const struct push_request *request,
                  void (*on_done)(void *arg, const struct push_result *result), void *arg) {
    (void)ecr;
    assert_true(request->strict);
    add_later(do_push, arg)->on_pushed = on_done;
    return 0;
}

uint16_t gateway_port(const struct gateway *gateway) {
    (void)gateway;
    return 5100;
}

void backend_delete_image(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          struct virga_str digest, backend_on_done on_done, void *arg) {
    if (registry_status == 0) {
        assert_int_equal(meta_image_delete(ecr, tenant, name, digest), 0);
    }
    add_later(do_change, arg)->on_done = on_done;
}

void backend_delete_image_if(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                             struct virga_str digest, bool (*still)(void *arg),
                             backend_on_done on_done, void *arg) {
    if (still(arg)) {
        backend_delete_image(ecr, tenant, name, digest, on_done, arg);
        return;
    }
    struct later *one = add_later(do_change, arg);
    one->on_done = on_done;
    one->status = -ESTALE;
}

void backend_delete_tag(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                        struct virga_str tag, backend_on_done on_done, void *arg) {
    if (registry_status == 0) {
        assert_int_equal(meta_tag_delete(ecr, tenant, name, tag), 0);
    }
    add_later(do_change, arg)->on_done = on_done;
}

void backend_delete_repository(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                               backend_on_done on_done, void *arg) {
    if (registry_status == 0) {
        assert_int_equal(meta_repository_delete(ecr, tenant, name), 0);
    }
    add_later(do_change, arg)->on_done = on_done;
}

void gateway_registry_host(const struct ecr *ecr, const struct tenant *tenant, char *buffer,
                           size_t size) {
    (void)ecr;
    (void)snprintf(buffer, size, "%s.dkr.ecr.%s.localhost:5100", tenant->account, tenant->region);
}

void gateway_repository_uri(const struct ecr *ecr, const struct tenant *tenant,
                            struct virga_str name, char *buffer, size_t size) {
    (void)ecr;
    (void)snprintf(buffer, size, "%s.dkr.ecr.%s.localhost:5100/%.*s", tenant->account,
                   tenant->region, (int)name.len, name.ptr);
}

/* --- the scripted pull-through cache --- */

static const char *cached_tag;           /* what an upstream is asked for; NULL: nothing */
static enum cache_outcome cache_outcome; /* what comes of it */

struct pulled {
    cache_on_done on_done;
    void *arg;
};

static struct pulled pulled[LATER_MAX];
static size_t pulled_count;

bool cache_wants(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                 struct virga_str reference) {
    (void)ecr;
    (void)tenant;
    (void)name;
    return cached_tag != NULL && virga_str_equal(reference, STR(cached_tag));
}

static void do_pull(struct later *one) {
    const struct cache_result result = {
        .outcome = cache_outcome,
        .message = cache_outcome == CACHE_DONE ? "" : "the upstream says no"};
    (void)one;
    struct pulled first = pulled[0];
    memmove(pulled, pulled + 1, --pulled_count * sizeof pulled[0]);
    first.on_done(first.arg, &result);
}

/* No upstream has blobs here. */
int cache_pull_blob(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct virga_str digest, cache_on_done on_done, void *arg) {
    (void)ecr;
    (void)tenant;
    (void)name;
    (void)digest;
    (void)on_done;
    (void)arg;
    return -ENOENT;
}

int cache_pull(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
               struct virga_str reference, bool whole, cache_on_done on_done, void *arg) {
    (void)ecr;
    (void)tenant;
    (void)name;
    (void)reference;
    assert_true(whole);
    pulled[pulled_count++] = (struct pulled){on_done, arg};
    add_later(do_pull, arg);
    return 0;
}

/* An upstream is asked for the referrers of `cached_tag` in the same way. */
bool cache_wants_referrers(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                           struct virga_str subject) {
    return cache_wants(ecr, tenant, name, subject);
}

int cache_pull_referrers(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                         struct virga_str subject, cache_on_done on_done, void *arg) {
    return cache_pull(ecr, tenant, name, subject, true, on_done, arg);
}

/* --- calls --- */

static int setup(void **state) {
    later_count = manifests_count = most_flying = starts = pulled_count = 0;
    cached_tag = NULL;
    cache_outcome = CACHE_DONE;
    registry_status = 0;
    fetch_status = 200;
    fetch_script = NULL;
    upload_size = -ENOENT;
    push_outcome = (struct push_result){0};
    pinned[0] = '\0';
    if (fixture_setup(state) != 0 || gate_create(&fixture.ecr, &fixture.ecr.gate) != 0) {
        return -1;
    }
    if (layers_create(&fixture.ecr, &fixture.ecr.layers) != 0) {
        return -1;
    }
    return actions_create(&fixture.ecr, &fixture.ecr.actions);
}

static int teardown(void **state) {
    actions_destroy(fixture.ecr.actions);
    layers_destroy(fixture.ecr.layers);
    gate_destroy(fixture.ecr.gate);
    return fixture_teardown(state);
}

static char answer[65536];

/* Makes a call and leaves the answer's body in `answer`. */
static inline int call(const char *action, const char *body) {
    struct fake fake;
    fake_start(&fake, action, body);
    actions_handle(&fixture.ecr, &fake.req);
    run_loop();
    assert_true(fake.status != 0);
    assert_string_equal(fake.answer_type, "application/x-amz-json-1.1");
    (void)snprintf(answer, sizeof answer, "%s", fake.body);
    int status = fake.status;
    fake_finish(&fake);
    return status;
}

static inline void assert_answer(const char *action, const char *body, int status,
                                 const char *expected) {
    assert_int_equal(call(action, body), status);
    assert_string_equal(answer, expected);
}

static inline void assert_fails(const char *action, const char *body, const char *code,
                                const char *message) {
    char expected[2048];
    (void)snprintf(expected, sizeof expected, "{\"__type\":\"%s\",\"message\":\"%s\"}", code,
                   message);
    assert_answer(action, body, 400, expected);
}

/* The nextToken of the last answer, or "". */
static inline const char *next_token(void) {
    static char token[VIRGA_PAGE_TOKEN_SIZE];
    struct json_object *object = json_tokener_parse(answer);
    struct virga_str text = virga_awsjson_str(object, "nextToken");
    (void)snprintf(token, sizeof token, "%.*s", (int)text.len, text.ptr != NULL ? text.ptr : "");
    json_object_put(object);
    return token;
}

static inline void create(const char *name) {
    char body[400];
    (void)snprintf(body, sizeof body, "{\"repositoryName\":\"%s\"}", name);
    assert_int_equal(call("CreateRepository", body), 200);
}

/* Puts an image whose manifest is `manifest`; its digest goes to ret_digest. */
static inline void push(const char *manifest, const char *tag, const char *child,
                        char ret_digest[ECR_DIGEST_LEN + 1]) {
    struct meta_image image = {.media_type = (char[]){MEDIA},
                               .artifact_media_type = (char[]){"x/config"},
                               .size_bytes = 1234};
    char *children[] = {(char *)(uintptr_t)child};
    if (child != NULL) {
        image.children = children;
        image.children_count = 1;
    }
    assert_int_equal(reference_digest(STR(manifest), image.digest), 0);
    memcpy(ret_digest, image.digest, sizeof image.digest);
    assert_int_equal(meta_image_put(&fixture.ecr, &here, STR("app"), "", &image, STR(tag)), 0);
    for (size_t i = 0; i < manifests_count; i++) {
        if (strcmp(manifests[i], manifest) == 0) {
            return;
        }
    }
    assert_true(manifests_count < sizeof manifests / sizeof manifests[0]);
    manifests[manifests_count++] = manifest;
}

VIRGA_PRINTF(1, 2) static inline const char *format(const char *text, ...) {
    static char buffers[8][8192];
    static size_t at;
    va_list args;
    at = (at + 1) % 8;
    va_start(args, text);
    (void)vsnprintf(buffers[at], sizeof buffers[at], text, args);
    va_end(args);
    return buffers[at];
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
