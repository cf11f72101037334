/* SPDX-License-Identifier: MIT */
/* virga.image-resolver/1 over records in a store and a registry that says what the test says. */
#include "call_fixture.h"
#include "timer_fixture.h"

#include "image_resolver.h"
#include "login.h"

#define OTHER "999999999999"
#define HOST ACCOUNT ".dkr.ecr.us-east-1.amazonaws.com"
#define CONFIG "{\"architecture\":\"amd64\",\"os\":\"linux\"}"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define FUNCTION "arn:aws:lambda:us-east-1:" ACCOUNT ":function:f"

static const struct virga_timer timers_and_clock = {.struct_size = sizeof timers_and_clock,
                                                    .start = timer_fixture_start,
                                                    .stop = timer_fixture_stop,
                                                    .now_ms = fixture_now_ms};

static struct image_resolver *resolver;
static const struct virga_image_resolver *table;
static const struct tenant defaults = {"000000000000", "us-east-1"};

const struct tenant *gateway_defaults(const struct gateway *gateway) {
    (void)gateway;
    return &defaults;
}

/* The last answer. */
static struct {
    int count;
    uint32_t outcome;
    char message[2048];
    char account[32], region[64], repository[300];
    char digest[80], uri[1200], media_type[128], manifest[2048], config[2048], config_type[128];
    bool has_config;
    char registry[64], pull_name[400], user[16], password[LOGIN_PASSWORD_SIZE];
} got;

#define TAKE(member, text)                                                                         \
    (void)snprintf(got.member, sizeof got.member, "%.*s", (int)(text).len,                         \
                   (text).ptr != NULL ? (text).ptr : "")

static void on_done(void *arg, const struct virga_image *image) {
    int count = got.count;
    assert_ptr_equal(arg, &got);
    assert_int_equal(image->struct_size, sizeof *image);
    memset(&got, 0, sizeof got);
    got.count = count + 1;
    got.outcome = image->outcome;
    got.has_config = image->config.ptr != NULL;
    TAKE(message, STR(image->message));
    TAKE(account, image->account);
    TAKE(region, image->region);
    TAKE(repository, image->repository);
    TAKE(digest, image->digest);
    TAKE(uri, image->resolved_uri);
    TAKE(media_type, image->media_type);
    TAKE(manifest, image->manifest);
    TAKE(config, image->config);
    TAKE(config_type, image->config_media_type);
    TAKE(registry, image->registry);
    TAKE(pull_name, image->pull_name);
    TAKE(user, image->user);
    TAKE(password, image->password);
}

static struct virga_image_question ask_of(const char *account, const char *uri) {
    return (struct virga_image_question){.struct_size = sizeof(struct virga_image_question),
                                         .uri = STR(uri),
                                         .account = STR(account),
                                         .region = STR("us-east-1"),
                                         .service = STR("lambda.amazonaws.com"),
                                         .source_arn = STR(FUNCTION),
                                         .on_done = on_done,
                                         .arg = &got};
}

static struct virga_image_resolve_handle *begin(const char *uri) {
    const struct virga_image_question question = ask_of(ACCOUNT, uri);
    struct virga_image_resolve_handle *handle = NULL;
    memset(&got, 0, sizeof got);
    assert_int_equal(table->resolve(table->self, &question, &handle), 0);
    assert_non_null(handle);
    return handle;
}

static void run_all(void) {
    run_timers();
    run_loop();
    run_timers();
}

static uint32_t ask_as(const char *account, const char *uri) {
    const struct virga_image_question question = ask_of(account, uri);
    memset(&got, 0, sizeof got);
    assert_int_equal(table->resolve(table->self, &question, NULL), 0);
    assert_int_equal(got.count, 0); /* not inside the call */
    run_all();
    assert_int_equal(got.count, 1);
    return got.outcome;
}

static uint32_t ask(const char *uri) {
    return ask_as(ACCOUNT, uri);
}

/* --- the registry --- */

static int blob_status;
static const char *blob; /* what it gives for the config */
static size_t fetches;

static void registry(const char *method, const char *path, struct virga_str body,
                     struct virga_fetch_response *res) {
    (void)body;
    fetches++;
    assert_string_equal(method, "GET");
    if (strstr(path, "/blobs/") != NULL) {
        assert_non_null(strstr(path, "/v2/" ACCOUNT "/us-east-1/app/blobs/sha256:"));
        res->status = blob_status;
        res->body = STR(blob);
        return;
    }
    res->status = fetch_status;
    if (fetch_status == 0) {
        res->error = -ECONNREFUSED;
        res->error_text = "connection refused";
    }
    for (size_t i = 0; i < manifests_count && fetch_status == 200; i++) {
        char digest[ECR_DIGEST_LEN + 1];
        assert_int_equal(reference_digest(STR(manifests[i]), digest), 0);
        if (strstr(path, digest) != NULL) {
            res->body = STR(manifests[i]);
        }
    }
}

static char manifest[2048], manifest_digest[ECR_DIGEST_LEN + 1];

static const char *write_manifest(const char *config, size_t size) {
    char digest[ECR_DIGEST_LEN + 1];
    assert_int_equal(reference_digest(STR(config), digest), 0);
    (void)snprintf(manifest, sizeof manifest,
                   "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA
                   "\",\"config\":{\"mediaType\":\"" CONFIG_TYPE
                   "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[]}",
                   digest, size);
    return manifest;
}

static int setup_resolver(void **state) {
    int result = setup(state);
    fixture.ecr.timer = &timers_and_clock;
    fetch_script = registry;
    blob_status = 200;
    blob = CONFIG;
    fetches = 0;
    unsettled = false;
    if (result == 0) {
        result = image_resolver_create(&fixture.ecr, &resolver);
        table = image_resolver_table(resolver);
        create("app");
        push(write_manifest(CONFIG, strlen(CONFIG)), "v1", NULL, manifest_digest);
    }
    return result;
}

static int teardown_resolver(void **state) {
    image_resolver_destroy(resolver);
    assert_null(timers);
    return teardown(state);
}

/* --- what is found --- */

static void a_tag_becomes_an_image_and_a_way_to_pull_it(void **state) {
    (void)state;
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_FOUND);
    assert_string_equal(got.message, "");
    assert_string_equal(got.account, ACCOUNT);
    assert_string_equal(got.region, "us-east-1");
    assert_string_equal(got.repository, "app");
    assert_string_equal(got.digest, manifest_digest);
    assert_string_equal(got.uri, format(HOST "/app@%s", manifest_digest));
    assert_string_equal(got.media_type, MEDIA);
    assert_string_equal(got.manifest, manifest);
    assert_string_equal(got.config, CONFIG);
    assert_string_equal(got.config_type, CONFIG_TYPE);
    assert_string_equal(got.registry, "127.0.0.1:5100");
    assert_string_equal(got.pull_name, ACCOUNT "/us-east-1/app");
    assert_string_equal(got.user, "AWS");
    assert_true(strlen(got.password) > 0);
}

static void every_form_of_the_uri_means_the_same_image(void **state) {
    (void)state;
    const char *const uris[] = {
        ACCOUNT ".dkr.ecr.us-east-1.localhost:5100/app:v1",
        ACCOUNT ".dkr.ecr.us-east-1.127.0.0.1/app:v1",
        "localhost:5100/" ACCOUNT "/us-east-1/app:v1",
        format("localhost:5100/" ACCOUNT "/us-east-1/app@%s", manifest_digest),
        format(HOST "/app:gone@%s", manifest_digest),
    };
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        assert_int_equal(ask(uris[i]), VIRGA_IMAGE_FOUND);
        assert_string_equal(got.digest, manifest_digest);
    }
    assert_string_equal(got.uri, format(HOST "/app@%s", manifest_digest));
}

static void an_image_that_is_looked_at_was_not_pulled(void **state) {
    (void)state;
    struct meta_image image = {0};
    struct virga_image_question question = ask_of(ACCOUNT, HOST "/app:v1");
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_FOUND);
    assert_int_equal(meta_image_get(&fixture.ecr, &here, STR("app"), STR(manifest_digest), &image),
                     0);
    assert_int_equal(image.pulled_ms, 0);
    meta_image_finish(&image);
    question.flags = VIRGA_IMAGE_TO_PULL;
    assert_int_equal(table->resolve(table->self, &question, NULL), 0);
    run_all();
    assert_int_equal(got.outcome, VIRGA_IMAGE_FOUND);
    assert_int_equal(meta_image_get(&fixture.ecr, &here, STR("app"), STR(manifest_digest), &image),
                     0);
    assert_int_equal(image.pulled_ms, fixture.now_ms);
    meta_image_finish(&image);
}

static void an_image_without_a_config_that_can_be_read_has_none(void **state) {
    (void)state;
    static const char index[] = "{\"schemaVersion\":2,\"manifests\":[]}";
    char digest[ECR_DIGEST_LEN + 1];
    push(index, "index", NULL, digest);
    assert_int_equal(ask(HOST "/app:index"), VIRGA_IMAGE_FOUND);
    assert_string_equal(got.manifest, index);
    assert_false(got.has_config);
    assert_int_equal(fetches, 1);

    char *big = strdup(write_manifest("x", IMAGE_RESOLVER_CONFIG_MAX + 1));
    push(big, "big", NULL, digest);
    assert_int_equal(ask(HOST "/app:big"), VIRGA_IMAGE_FOUND);
    assert_false(got.has_config);

    char *text = strdup(write_manifest("no JSON", 7));
    blob = "no JSON";
    push(text, "text", NULL, digest);
    assert_int_equal(ask(HOST "/app:text"), VIRGA_IMAGE_FOUND);
    assert_false(got.has_config);
    free(big);
    free(text);
}

/* --- what is not --- */

static void what_is_no_image_of_the_region_is_told_apart(void **state) {
    (void)state;
    assert_int_equal(ask("app:v1"), VIRGA_IMAGE_INVALID);
    assert_string_equal(got.account, "");
    assert_int_equal(ask(HOST "/app"), VIRGA_IMAGE_INVALID);
    assert_int_equal(ask(ACCOUNT ".dkr.ecr.eu-west-1.amazonaws.com/app:v1"), VIRGA_IMAGE_ELSEWHERE);
    assert_string_equal(got.region, "eu-west-1");
    assert_string_equal(got.repository, "app");
    assert_int_equal(ask(HOST "/app:v2"), VIRGA_IMAGE_NOT_FOUND);
    assert_int_equal(ask(HOST "/missing:v1"), VIRGA_IMAGE_NOT_FOUND);
    assert_int_equal(ask(OTHER ".dkr.ecr.us-east-1.amazonaws.com/app:v1"), VIRGA_IMAGE_NOT_FOUND);
    assert_int_equal(fetches, 0);
}

static void an_archived_image_is_not_found(void **state) {
    (void)state;
    assert_int_equal(
        meta_image_archive(&fixture.ecr, &here, STR("app"), STR(manifest_digest), fixture.now_ms),
        0);
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_NOT_FOUND);
}

static void a_registry_in_trouble_is_no_missing_image(void **state) {
    (void)state;
    fetch_status = 0;
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_UNAVAILABLE);
    assert_non_null(strstr(got.message, "connection refused"));
    fetch_status = 404;
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_UNAVAILABLE);
    fetch_status = 200;
    blob_status = 404;
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_UNAVAILABLE);
    blob_status = 200;
    blob = "{\"architecture\":\"forged\"}";
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_UNAVAILABLE);
    fixture.store_error = -EIO;
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_UNAVAILABLE);
}

static void a_store_that_may_change_waits_for_the_registry(void **state) {
    (void)state;
    unsettled = true;
    starts = 0;
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_FOUND);
    assert_int_equal(starts, 1);
    registry_status = -ENOENT;
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_UNAVAILABLE);
    assert_non_null(strstr(got.message, "no engine"));
}

static void a_malformed_question_is_refused(void **state) {
    (void)state;
    struct virga_image_question question = ask_of("1234", HOST "/app:v1");
    assert_int_equal(table->resolve(table->self, &question, NULL), -EINVAL);
    question = ask_of(ACCOUNT, HOST "/app:v1");
    question.uri = (struct virga_str){0};
    assert_int_equal(table->resolve(table->self, &question, NULL), -EINVAL);
    assert_null(timers);
}

/* --- a pull-through cache --- */

static void an_upstream_is_asked_first(void **state) {
    (void)state;
    cached_tag = "v2";
    assert_int_equal(ask(HOST "/app:v2"), VIRGA_IMAGE_NOT_FOUND); /* it brought nothing */
    cache_outcome = CACHE_UNAVAILABLE;
    assert_int_equal(ask(HOST "/app:v2"), VIRGA_IMAGE_UNAVAILABLE);
    assert_string_equal(got.message, "the upstream says no");
    cache_outcome = CACHE_NOT_FOUND;
    assert_int_equal(ask(HOST "/app:v2"), VIRGA_IMAGE_NOT_FOUND);
    cache_outcome = CACHE_DENIED;
    assert_int_equal(ask(HOST "/app:v2"), VIRGA_IMAGE_DENIED);
    cached_tag = "v1";
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_FOUND); /* the older one serves */
}

/* --- policies --- */

#define STATEMENT(effect, principal, action)                                                       \
    "{\"Effect\":\"" effect "\",\"Principal\":" principal ",\"Action\":[" action "]}"
#define PULL "\"ecr:BatchGetImage\",\"ecr:GetDownloadUrlForLayer\""
#define LAMBDA "{\"Service\":\"lambda.amazonaws.com\"}"

static void set_policy(const char *statements) {
    assert_int_equal(
        meta_text_put(&fixture.ecr, &here, STR("app"), "policy",
                      STR(format("{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statements))),
        0);
}

static void within_an_account_only_a_deny_counts(void **state) {
    (void)state;
    fixture.ecr.enforce = true;
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_FOUND);
    set_policy(STATEMENT("Deny", LAMBDA, "\"ecr:GetDownloadUrlForLayer\""));
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_DENIED);
    assert_non_null(strstr(got.message, "explicit deny"));
    assert_string_equal(got.repository, "app");
    fixture.ecr.enforce = false;
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_FOUND);
}

static void another_account_needs_itself_and_the_service_allowed(void **state) {
    (void)state;
    static const char account[] = STATEMENT("Allow", "{\"AWS\":\"" OTHER "\"}", PULL);
    static const char service[] = STATEMENT("Allow", LAMBDA, PULL);
    assert_int_equal(ask_as(OTHER, HOST "/app:v1"), VIRGA_IMAGE_FOUND); /* nobody is asked */
    fixture.ecr.enforce = true;
    assert_int_equal(ask_as(OTHER, HOST "/app:v1"), VIRGA_IMAGE_DENIED);
    assert_int_equal(ask_as(OTHER, HOST "/missing:v1"), VIRGA_IMAGE_DENIED);
    set_policy(account);
    assert_int_equal(ask_as(OTHER, HOST "/app:v1"), VIRGA_IMAGE_DENIED);
    set_policy(service);
    assert_int_equal(ask_as(OTHER, HOST "/app:v1"), VIRGA_IMAGE_DENIED);
    set_policy(format("%s,%s", account, service));
    assert_int_equal(ask_as(OTHER, HOST "/app:v1"), VIRGA_IMAGE_FOUND);
}

static void the_service_is_known_by_its_source_and_pulls_by_itself(void **state) {
    (void)state;
    struct principal who;
    fixture.ecr.enforce = true;
    set_policy("{\"Effect\":\"Deny\",\"Principal\":" LAMBDA ",\"Action\":\"ecr:BatchGetImage\","
               "\"Condition\":{\"StringNotEquals\":{\"aws:SourceArn\":\"" FUNCTION "\"}}}");
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_FOUND);
    assert_int_equal(login_read(&fixture.ecr, STR(got.password), &who), 0);
    assert_string_equal(who.service, "lambda.amazonaws.com");
    assert_string_equal(who.account, ACCOUNT);
    assert_string_equal(who.source_arn, FUNCTION);
    set_policy("{\"Effect\":\"Deny\",\"Principal\":" LAMBDA ",\"Action\":\"ecr:BatchGetImage\","
               "\"Condition\":{\"StringEquals\":{\"aws:SourceArn\":\"" FUNCTION "\"}}}");
    assert_int_equal(ask(HOST "/app:v1"), VIRGA_IMAGE_DENIED);
}

/* --- the ways to end early --- */

static void a_cancelled_question_is_answered_once(void **state) {
    (void)state;
    /* before it has begun */
    table->cancel(table->self, begin(HOST "/app:v1"));
    assert_int_equal(got.count, 0);
    run_all();
    assert_int_equal(got.count, 1);
    assert_int_equal(got.outcome, VIRGA_IMAGE_CANCELLED);
    /* while the registry is asked: the answer does not wait for it */
    struct virga_image_resolve_handle *handle = begin(HOST "/app:v1");
    run_timers();
    table->cancel(table->self, handle);
    table->cancel(table->self, handle);
    assert_int_equal(got.count, 0);
    run_timers();
    assert_int_equal(got.count, 1);
    assert_int_equal(got.outcome, VIRGA_IMAGE_CANCELLED);
    run_all();
    assert_int_equal(got.count, 1);
    /* the registry is quicker than the cancel */
    handle = begin(HOST "/app:v1");
    run_timers();
    table->cancel(table->self, handle);
    run_loop();
    run_timers();
    assert_int_equal(got.count, 1);
    assert_int_equal(got.outcome, VIRGA_IMAGE_CANCELLED);
    table->cancel(table->self, NULL);
}

static int stopped;

static void on_stopped(void *arg) {
    (void)arg;
    stopped++;
}

static void stop_answers_every_question(void **state) {
    (void)state;
    const struct virga_image_question question = ask_of(ACCOUNT, HOST "/app:v1");
    stopped = 0;
    (void)begin(HOST "/app:v1");
    run_timers(); /* the registry is asked */
    assert_int_equal(table->resolve(table->self, &question, NULL), 0);
    image_resolver_stop(resolver, on_stopped, NULL);
    assert_int_equal(table->resolve(table->self, &question, NULL), -ECANCELED);
    run_timers();
    assert_int_equal(got.count, 2);
    assert_int_equal(got.outcome, VIRGA_IMAGE_CANCELLED);
    assert_int_equal(stopped, 0); /* the registry will still call back */
    run_loop();
    assert_int_equal(stopped, 1);
    assert_int_equal(got.count, 2);
}

static void stop_without_questions_ends_at_once(void **state) {
    (void)state;
    stopped = 0;
    image_resolver_stop(resolver, on_stopped, NULL);
    assert_int_equal(stopped, 1);
}

#define RESOLVER_TEST(name) cmocka_unit_test_setup_teardown(name, setup_resolver, teardown_resolver)

int main(void) {
    const struct CMUnitTest tests[] = {
        RESOLVER_TEST(a_tag_becomes_an_image_and_a_way_to_pull_it),
        RESOLVER_TEST(every_form_of_the_uri_means_the_same_image),
        RESOLVER_TEST(an_image_that_is_looked_at_was_not_pulled),
        RESOLVER_TEST(an_image_without_a_config_that_can_be_read_has_none),
        RESOLVER_TEST(what_is_no_image_of_the_region_is_told_apart),
        RESOLVER_TEST(an_archived_image_is_not_found),
        RESOLVER_TEST(a_registry_in_trouble_is_no_missing_image),
        RESOLVER_TEST(a_store_that_may_change_waits_for_the_registry),
        RESOLVER_TEST(a_malformed_question_is_refused),
        RESOLVER_TEST(an_upstream_is_asked_first),
        RESOLVER_TEST(within_an_account_only_a_deny_counts),
        RESOLVER_TEST(another_account_needs_itself_and_the_service_allowed),
        RESOLVER_TEST(the_service_is_known_by_its_source_and_pulls_by_itself),
        RESOLVER_TEST(a_cancelled_question_is_answered_once),
        RESOLVER_TEST(stop_answers_every_question),
        RESOLVER_TEST(stop_without_questions_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
