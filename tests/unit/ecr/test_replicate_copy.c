/* SPDX-License-Identifier: MIT */
/* One image on its way to another repository, with a scripted registry: what is asked of it and in
 * which order, and how each refusal ends. */
#include "ecr_fixture.h"

#include "timer_fixture.h"

#include "backend_impl.h"
#include "gate.h"
#include "manifest.h"
#include "push.h"
#include "reference.h"
#include "replicate_copy.h"
#include "replicate_destination.h"

static const struct tenant source = {"111111111111", "us-east-1"};
static const struct tenant there = {"222222222222", "eu-west-1"};

#define DIGEST(c) "sha256:" c c c c c c c c c c c c c c c c
#define HEX16(c) c c c c
#define CONFIG DIGEST(HEX16("c"))
#define LAYER DIGEST(HEX16("1"))
#define IMAGE                                                                                      \
    "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_OCI_IMAGE "\",\"config\":{\"mediaType\":"     \
    "\"a/b\",\"digest\":\"" CONFIG "\",\"size\":2},\"layers\":[{\"mediaType\":\"a/l\","            \
    "\"digest\":\"" LAYER "\",\"size\":3}]%s}"

/* --- the scripted registry --- */

#define LOG_MAX 32
static char lines[LOG_MAX][700]; /* what was asked of it */
static size_t lines_count;
static struct {
    const char *digest;
    const char *text;
} manifests[8]; /* of the source */
static size_t manifests_count;
static int ready_status;
static int mount_status;
static int manifest_status;
static int push_statuses[4]; /* of the pushes in their order; 0 = accepted and recorded */
static size_t pushes;

struct later {
    struct later *next;
    void (*run)(struct later *later);
    void (*on_ready)(void *arg, int status, const char *reason);
    void (*on_done)(void *arg, const struct virga_fetch_response *res);
    void (*on_pushed)(void *arg, const struct push_result *result);
    void *arg;
    int status;
    const char *body;
};
static struct later *laters;

static struct later *add(void (*run)(struct later *later), void *arg) {
    struct later *later = calloc(1, sizeof *later), **at = &laters;
    assert_non_null(later);
    later->run = run;
    later->arg = arg;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = later;
    return later;
}

static void note(const char *method, const char *what) {
    assert_true(lines_count < LOG_MAX);
    (void)snprintf(lines[lines_count++], sizeof lines[0], "%s %s", method, what);
}

static void run_ready(struct later *later) {
    later->on_ready(later->arg, later->status, "no registry");
}

void backend_ready(struct backend *backend,
                   void (*on_ready)(void *arg, int status, const char *reason), void *arg) {
    (void)backend;
    struct later *later = add(run_ready, arg);
    later->on_ready = on_ready;
    later->status = ready_status;
}

size_t backend_name(const struct tenant *tenant, struct virga_str name,
                    char ret_name[BACKEND_NAME_MAX + 1]) {
    return (size_t)snprintf(ret_name, BACKEND_NAME_MAX + 1, "%.1s/%.*s", tenant->account,
                            (int)name.len, name.ptr);
}

void backend_path(const struct tenant *tenant, struct virga_str name, const char *what,
                  const char *reference, char ret_path[BACKEND_PATH_MAX]) {
    (void)snprintf(ret_path, BACKEND_PATH_MAX, "/v2/%.1s/%.*s/%s/%s", tenant->account,
                   (int)name.len, name.ptr, what, reference);
}

static void run_fetch(struct later *later) {
    const struct virga_header header = {STR("Location"),
                                        STR("http://localhost/v2/2/app/blobs/uploads/u?_state=s")};
    const struct virga_fetch_response res = {
        .struct_size = sizeof res,
        .status = later->status,
        .error = later->status == 0 ? -ECONNREFUSED : 0,
        .error_text = "connection refused",
        .headers = &header,
        .headers_count = 1,
        .body = STR(later->body != NULL ? later->body : ""),
    };
    later->on_done(later->arg, &res);
}

int backend_fetch(struct backend *backend, const char *method, const char *path,
                  const struct virga_header *headers, size_t headers_count, struct virga_str body,
                  void (*on_done)(void *arg, const struct virga_fetch_response *res), void *arg) {
    (void)backend;
    (void)headers;
    (void)headers_count;
    (void)body;
    struct later *later = add(run_fetch, arg);
    note(method, path);
    later->on_done = on_done;
    later->status = strcmp(method, "POST") == 0 ? mount_status : 204;
    if (strcmp(method, "GET") == 0) {
        later->status = manifest_status;
        for (size_t i = 0; i < manifests_count; i++) {
            if (strstr(path, manifests[i].digest) != NULL) {
                later->body = manifests[i].text;
            }
        }
    }
    return 0;
}

static void run_pushed(struct later *later) {
    const struct push_result result = {.status = later->status, .message = "refused"};
    later->on_pushed(later->arg, &result);
}

int push_manifest(struct ecr *ecr, const struct push_request *request,
                  void (*on_done)(void *arg, const struct push_result *result), void *arg) {
    struct manifest manifest;
    struct later *later = add(run_pushed, arg);
    char what[600];
    assert_int_equal(request->origin, IMAGE_REPLICATED);
    assert_int_equal(manifest_parse(request->bytes, request->media_type, &manifest, NULL), 0);
    (void)snprintf(what, sizeof what, "%.*s:%.*s", (int)request->digest.len, request->digest.ptr,
                   (int)request->tag.len, request->tag.ptr);
    note("PUSH", what);
    later->on_pushed = on_done;
    later->status = push_statuses[pushes++];
    if (later->status == 0) {
        struct virga_str tag = request->tag.len > 0 ? request->tag : (struct virga_str){0};
        assert_int_equal(
            meta_image_put(ecr, &request->tenant, request->name, "", &manifest.image, tag), 0);
    }
    manifest_finish(&manifest);
    return 0;
}

/* --- the destination --- */

static int authorize_status;

int replicate_authorize(struct ecr *ecr, const struct tenant *from, const struct tenant *to,
                        struct virga_str name) {
    (void)ecr;
    assert_memory_equal(from, &source, sizeof source);
    assert_memory_equal(to, &there, sizeof there);
    assert_true(virga_str_equal(name, STR("app")));
    return authorize_status;
}

int make_destination_repository(struct ecr *ecr, const struct tenant *destination,
                                struct virga_str name) {
    struct meta_repository repository = {.name = "app"};
    assert_true(virga_str_equal(name, STR("app")));
    int result = meta_repository_create(ecr, destination, &repository);
    return result == -EEXIST ? 0 : result;
}

/* Runs what the loop would run, until nothing is left. */
static void run_loop(void) {
    while (laters != NULL) {
        struct later *later = laters;
        laters = later->next;
        later->run(later);
        free(later);
    }
}

/* --- the surroundings --- */

static struct virga_timer clock_and_timers;
static int done; /* how often */
static int status;
static char code[64];

static int setup(void **state) {
    lines_count = manifests_count = pushes = 0;
    memset(push_statuses, 0, sizeof push_statuses);
    ready_status = authorize_status = 0;
    mount_status = 201;
    manifest_status = 200;
    done = 0;
    if (fixture_setup(state) != 0) {
        return -1;
    }
    clock_and_timers = fixture_timer;
    clock_and_timers.start = timer_fixture_start;
    clock_and_timers.stop = timer_fixture_stop;
    fixture.ecr.timer = &clock_and_timers;
    struct meta_repository repository = {.name = "app"};
    assert_int_equal(meta_repository_create(&fixture.ecr, &source, &repository), 0);
    return gate_create(&fixture.ecr, &fixture.ecr.gate);
}

static bool quiet;

static void on_quiet(void *arg) {
    (void)arg;
    quiet = true;
}

static int teardown(void **state) {
    /* Every pass was handed back. */
    quiet = false;
    assert_int_equal(gate_close(fixture.ecr.gate, on_quiet, NULL), 0);
    run_timers();
    assert_true(quiet);
    gate_destroy(fixture.ecr.gate);
    assert_null(timers);
    return fixture_teardown(state);
}

/* Records a manifest in a repository; the source's registry gives it. */
static const char *put(const struct tenant *tenant, const char *text, const char *tag,
                       char ret_digest[ECR_DIGEST_LEN + 1]) {
    struct manifest manifest;
    assert_int_equal(reference_digest(STR(text), ret_digest), 0);
    assert_int_equal(manifest_parse(STR(text), STR(""), &manifest, NULL), 0);
    assert_int_equal(meta_image_put(&fixture.ecr, tenant, STR("app"), "", &manifest.image,
                                    tag != NULL ? STR(tag) : (struct virga_str){0}),
                     0);
    manifest_finish(&manifest);
    manifests[manifests_count].digest = ret_digest;
    manifests[manifests_count++].text = text;
    return ret_digest;
}

static void on_done(void *arg, const struct replicate_copy_result *result) {
    (void)arg;
    done++;
    status = result->status;
    (void)snprintf(code, sizeof code, "%s", result->code != NULL ? result->code : "");
}

static void begin(const char *digest, const char *tag) {
    const struct replicate_copy_request request = {source, there, STR("app"), STR(digest),
                                                   STR(tag)};
    assert_int_equal(replicate_copy(&fixture.ecr, &request, on_done, NULL), 0);
    assert_int_equal(done, 0); /* never inside the call */
}

static void assert_copy(const char *digest, const char *tag, int expected, const char *with) {
    done = 0;
    begin(digest, tag);
    run_loop();
    assert_int_equal(done, 1);
    assert_int_equal(status, expected);
    assert_string_equal(code, with);
}

static void assert_line(size_t index, const char *before, const char *detail, const char *behind) {
    char expected[700];
    (void)snprintf(expected, sizeof expected, "%s%s%s", before, detail, behind);
    assert_true(index < lines_count);
    assert_string_equal(lines[index], expected);
}

static char image_text[2][1024];

static const char *image(int number) {
    char more[32];
    (void)snprintf(more, sizeof more, ",\"annotations\":{\"n\":\"%d\"}", number);
    (void)snprintf(image_text[number], sizeof image_text[0], IMAGE, more);
    return image_text[number];
}

/* --- tests --- */

static void blobs_are_mounted_and_the_manifest_pushed_under_its_tag(void **state) {
    char digest[ECR_DIGEST_LEN + 1];
    (void)state;
    put(&source, image(0), "v1", digest);
    assert_copy(digest, "v1", 0, "");
    assert_int_equal(lines_count, 4);
    assert_line(0, "GET /v2/1/app/manifests/", digest, "");
    assert_line(1, "POST /v2/2/app/blobs/uploads/?mount=", CONFIG, "&from=1/app");
    assert_line(2, "POST /v2/2/app/blobs/uploads/?mount=", LAYER, "&from=1/app");
    assert_line(3, "PUSH ", digest, ":v1");
    /* What is there already costs nothing; another tag costs no mounts. */
    assert_copy(digest, "v1", 0, "");
    assert_int_equal(lines_count, 4);
    assert_copy(digest, "v2", 0, "");
    assert_int_equal(lines_count, 6);
    assert_line(5, "PUSH ", digest, ":v2");
}

static void what_an_index_lists_goes_first_and_without_a_tag(void **state) {
    char child[2][ECR_DIGEST_LEN + 1], digest[ECR_DIGEST_LEN + 1], text[2048];
    (void)state;
    put(&source, image(0), NULL, child[0]);
    put(&source, image(1), NULL, child[1]);
    (void)snprintf(text, sizeof text,
                   "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_OCI_INDEX "\",\"manifests\":["
                   "{\"mediaType\":\"" MANIFEST_OCI_IMAGE "\",\"digest\":\"%s\",\"size\":%zu},"
                   "{\"mediaType\":\"" MANIFEST_OCI_IMAGE "\",\"digest\":\"%s\",\"size\":%zu}]}",
                   child[0], strlen(image_text[0]), child[1], strlen(image_text[1]));
    put(&source, text, "v1", digest);
    assert_copy(digest, "v1", 0, "");
    assert_int_equal(pushes, 3);
    assert_line(lines_count - 1, "PUSH ", digest, ":v1");
    for (size_t i = 0; i < 2; i++) {
        struct meta_image found;
        assert_int_equal(meta_image_get(&fixture.ecr, &there, STR("app"), STR(child[i]), &found),
                         0);
        assert_int_equal(found.tags_count, 0);
        meta_image_finish(&found);
    }
    /* A child that the source lost cannot be had. */
    assert_int_equal(meta_image_delete(&fixture.ecr, &source, STR("app"), STR(child[0])), 0);
    assert_int_equal(meta_repository_delete(&fixture.ecr, &there, STR("app")), 0);
    pushes = 0;
    assert_copy(digest, "v1", -EPERM, "ImageNotFound");
}

static void an_immutable_tag_stays_and_the_image_comes_without(void **state) {
    char digest[ECR_DIGEST_LEN + 1], tagged[ECR_DIGEST_LEN + 1];
    (void)state;
    put(&source, image(0), "v1", digest);
    push_statuses[0] = -EEXIST;
    assert_copy(digest, "v1", 0, "");
    assert_int_equal(pushes, 2);
    assert_line(3, "PUSH ", digest, ":v1");
    assert_line(4, "PUSH ", digest, ":");
    assert_int_equal(meta_tag_get(&fixture.ecr, &there, STR("app"), STR("v1"), tagged), -ENOENT);
}

static void a_blob_that_cannot_be_mounted_is_the_manifests_affair(void **state) {
    char digest[ECR_DIGEST_LEN + 1];
    (void)state;
    put(&source, image(0), NULL, digest);
    mount_status = 202; /* an upload session instead: ended again */
    push_statuses[0] = -ECHILD;
    assert_copy(digest, "", -EPERM, "LayersNotFound");
    assert_int_equal(lines_count, 6);
    assert_line(2, "DELETE /v2/2/app/blobs/uploads/u?_state=s", "", "");
    assert_line(4, "DELETE /v2/2/app/blobs/uploads/u?_state=s", "", "");
    assert_copy(digest, "", 0, ""); /* a foreign layer need not be there */
}

static void each_refusal_has_its_status(void **state) {
    static const struct {
        int push;
        int status;
        const char *code;
    } cases[] = {
        {-EINVAL, -EPERM, "ImageRejected"}, {-EAGAIN, -EAGAIN, "ServerError"},
        {-EIO, -EIO, "ServerError"},        {-ENOENT, -EIO, "ServerError"},
        {-ENOMEM, -ENOMEM, "ServerError"},
    };
    char digest[ECR_DIGEST_LEN + 1];
    (void)state;
    put(&source, image(0), NULL, digest);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lines_count = pushes = 0;
        push_statuses[0] = cases[i].push;
        assert_copy(digest, "", cases[i].status, cases[i].code);
    }
    pushes = 0;
    push_statuses[0] = 0;
    ready_status = -EIO;
    assert_copy(digest, "", -EAGAIN, "ServerError");
    ready_status = 0;
    authorize_status = -EACCES;
    lines_count = 0;
    assert_copy(digest, "", -EPERM, "AccessDenied");
    assert_int_equal(lines_count, 0);
    authorize_status = -EIO; /* whether it may is not known */
    assert_copy(digest, "", -EIO, "ServerError");
    authorize_status = 0;
    manifest_status = 0;
    assert_copy(digest, "", -EAGAIN, "ServerError");
    manifest_status = 404;
    assert_copy(digest, "", -EIO, "ServerError");
    manifest_status = 200;
    mount_status = 0;
    assert_copy(digest, "", -EAGAIN, "ServerError");
    mount_status = 500;
    assert_copy(digest, "", -EIO, "ServerError");
    mount_status = 201;
    manifests[0].text = "{}"; /* other bytes than the digest's */
    assert_copy(digest, "", -EPERM, "ImageRejected");
    assert_int_equal(meta_image_delete(&fixture.ecr, &source, STR("app"), STR(digest)), 0);
    assert_copy(digest, "", -ENOENT, "ImageNotFound");
}

static void it_waits_at_the_gate_while_gc_runs(void **state) {
    char digest[ECR_DIGEST_LEN + 1];
    (void)state;
    put(&source, image(0), NULL, digest);
    assert_int_equal(gate_close(fixture.ecr.gate, on_quiet, NULL), 0);
    begin(digest, "");
    run_loop();
    run_timers();
    assert_int_equal(done, 0);
    assert_int_equal(lines_count, 0);
    gate_open(fixture.ecr.gate);
    run_loop();
    assert_int_equal(done, 1);
    assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(blobs_are_mounted_and_the_manifest_pushed_under_its_tag),
        TEST(what_an_index_lists_goes_first_and_without_a_tag),
        TEST(an_immutable_tag_stays_and_the_image_comes_without),
        TEST(a_blob_that_cannot_be_mounted_is_the_manifests_affair),
        TEST(each_refusal_has_its_status),
        TEST(it_waits_at_the_gate_while_gc_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
