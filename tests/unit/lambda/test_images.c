/* SPDX-License-Identifier: MIT */
/* Images looked up and got, with a resolver and an executor that do what the test says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "executors.h"
#include "functions.h"
#include "images.h"

#define STR(text) virga_str_from(text)
#define HOST "123456789012.dkr.ecr.us-east-1.amazonaws.com"
#define URI HOST "/app:v1"
#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER_DIGEST "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define ARN "arn:aws:lambda:us-east-1:123456789012:function:f"
#define MANIFEST                                                                                   \
    "{\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\"},\"layers\":[{"       \
    "\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"" DIGEST           \
    "\",\"size\":7}]}"

static struct lambda lambda;
static const struct tenant tenant = {"123456789012", "us-east-1"};

/* --- timers --- */

struct virga_timer_handle {
    void (*on_timer)(void *arg);
    void *arg;
};

#define TIMERS_MAX 4
static struct virga_timer_handle *timers[TIMERS_MAX];

static int timer_start(const struct virga_host *host, uint64_t delay_ms, uint64_t repeat_ms,
                       void (*on_timer)(void *arg), void *arg,
                       struct virga_timer_handle **ret_timer) {
    (void)host;
    (void)delay_ms;
    assert_int_equal(repeat_ms, 0);
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        if (timers[i] == NULL) {
            timers[i] = calloc(1, sizeof *timers[i]);
            assert_non_null(timers[i]);
            *timers[i] = (struct virga_timer_handle){on_timer, arg};
            *ret_timer = timers[i];
            return 0;
        }
    }
    return -ENOMEM;
}

static void timer_stop(struct virga_timer_handle *timer) {
    for (size_t i = 0; i < TIMERS_MAX && timer != NULL; i++) {
        if (timers[i] == timer) {
            timers[i] = NULL;
            free(timer);
            return;
        }
    }
}

static void run_timers(void) {
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        if (timers[i] != NULL) {
            timers[i]->on_timer(timers[i]->arg); /* stops it */
            assert_null(timers[i]);
        }
    }
}

static bool has_timer(void) {
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        if (timers[i] != NULL) {
            return true;
        }
    }
    return false;
}

static const struct virga_timer timer = {
    .struct_size = sizeof timer, .start = timer_start, .stop = timer_stop};

/* --- log --- */

static char line[2048];

static void log_write(const struct virga_host *host, enum virga_log_level level,
                      const struct virga_request *req, struct virga_str text) {
    (void)host;
    (void)level;
    (void)req;
    (void)snprintf(line, sizeof line, "%.*s", (int)text.len, text.ptr);
}

static enum virga_log_level log_level(const struct virga_host *host) {
    (void)host;
    return VIRGA_LOG_DEBUG;
}

static const struct virga_log log_table = {
    .struct_size = sizeof log_table, .write = log_write, .level = log_level};

/* --- the resolver --- */

#define QUESTIONS_MAX 4

struct asked {
    struct virga_image_question question;
    char uri[256], account[16], region[16], service[64], source_arn[128];
    bool cancelled;
};

static struct asked asked[QUESTIONS_MAX];
static size_t asked_count, answered_count;
static int resolve_result;

static int resolve(void *self, const struct virga_image_question *question,
                   struct virga_image_resolve_handle **ret_handle) {
    assert_ptr_equal(self, asked);
    if (resolve_result != 0) {
        return resolve_result;
    }
    assert_true(asked_count < QUESTIONS_MAX);
    struct asked *one = &asked[asked_count++];
    memset(one, 0, sizeof *one);
    one->question = *question;
#define COPY(member)                                                                               \
    (void)snprintf(one->member, sizeof one->member, "%.*s", (int)question->member.len,             \
                   question->member.ptr)
    COPY(uri);
    COPY(account);
    COPY(region);
    COPY(service);
    COPY(source_arn);
    *ret_handle = (struct virga_image_resolve_handle *)(void *)one;
    return 0;
}

static void cancel(void *self, struct virga_image_resolve_handle *handle) {
    assert_ptr_equal(self, asked);
    ((struct asked *)(void *)handle)->cancelled = true;
}

static const struct virga_image_resolver resolver = {
    .struct_size = sizeof resolver, .self = asked, .resolve = resolve, .cancel = cancel};

static struct virga_image found(void) {
    return (struct virga_image){
        .struct_size = sizeof(struct virga_image),
        .outcome = VIRGA_IMAGE_FOUND,
        .message = "",
        .account = STR("123456789012"),
        .region = STR("us-east-1"),
        .repository = STR("app"),
        .digest = STR(DIGEST),
        .resolved_uri = STR(HOST "/app@" DIGEST),
        .media_type = STR("application/vnd.oci.image.manifest.v1+json"),
        .manifest = STR(MANIFEST),
        .config = STR("{\"architecture\":\"amd64\",\"os\":\"linux\"}"),
        .registry = STR("127.0.0.1:5100"),
        .pull_name = STR("123456789012/us-east-1/app"),
        .user = STR("AWS"),
        .password = STR("secret"),
    };
}

/* Answers the first question that has no answer yet. */
static void answer_with(const struct virga_image *image) {
    assert_true(answered_count < asked_count);
    struct asked *one = &asked[answered_count++];
    one->question.on_done(one->question.arg, image);
}

static void answer(enum virga_image_outcome outcome, const char *message) {
    struct virga_image image = found();
    if (outcome != VIRGA_IMAGE_FOUND) {
        image = (struct virga_image){
            .struct_size = sizeof image, .outcome = outcome, .message = message};
    }
    answer_with(&image);
}

/* --- the executor --- */

static int find_result;
static bool find_waits;
static int chosen_error;
static size_t finds, pulls, prunes;
static void (*find_done)(void *arg, int error, const char *reason);
static void *find_arg;
static void (*pull_done)(void *arg, int error, const char *reason);
static void *pull_arg;
static char pulled[1024];
static bool (*prune_keep)(void *arg, const char *digest);
static void *prune_arg;

static void find(struct executor *executor, const char *digest,
                 void (*on_done)(void *arg, int error, const char *reason), void *arg) {
    (void)executor;
    (void)digest;
    finds++;
    if (find_waits) {
        find_done = on_done;
        find_arg = arg;
        return;
    }
    on_done(arg, find_result, find_result == 0 ? NULL : "the engine is gone");
}

static void pull(struct executor *executor, const struct executor_image *image,
                 void (*on_done)(void *arg, int error, const char *reason), void *arg) {
    (void)executor;
    pulls++;
    pull_done = on_done;
    pull_arg = arg;
    (void)snprintf(pulled, sizeof pulled, "%s %s %s %s %s %.*s", image->digest, image->registry,
                   image->pull_name, image->user, image->password, (int)image->manifest.len,
                   image->manifest.ptr);
}

static void prune(struct executor *executor, bool (*keep)(void *arg, const char *digest),
                  void *arg) {
    (void)executor;
    prunes++;
    prune_keep = keep;
    prune_arg = arg;
}

static struct executor fake = {.name = "fake", .find = find, .pull = pull, .prune = prune};
static bool chosen;

struct executor *executors_current(struct executors *executors) {
    (void)executors;
    return chosen ? &fake : NULL;
}

void executors_need(struct executors *executors,
                    void (*on_chosen)(void *arg, struct executor *executor, int error,
                                      const char *reason),
                    void *arg) {
    (void)executors;
    if (chosen_error != 0) {
        on_chosen(arg, NULL, chosen_error, "no engine and no runtime");
    } else {
        chosen = true;
        on_chosen(arg, &fake, 0, NULL);
    }
}

/* --- functions --- */

static struct function *recorded;
static int each_result;

int functions_each_all(struct lambda *of, bool (*on_function)(void *arg, struct function *function),
                       void *arg) {
    (void)of;
    if (recorded != NULL && each_result == 0) {
        (void)on_function(arg, recorded);
    }
    return each_result;
}

static struct function *make_function(const char *account, const char *resolved) {
    struct tenant of = tenant;
    char text[1024];
    struct function *function = NULL;
    (void)snprintf(of.account, sizeof of.account, "%s", account);
    (void)snprintf(text, sizeof text,
                   "{\"FunctionName\":\"f\",\"Version\":\"1\",\"RevisionId\":\"r\",\"Image\":{"
                   "\"Digest\":\"" DIGEST "\",\"Resolved\":\"%s\"}}",
                   resolved);
    assert_int_equal(function_make(&of, json_tokener_parse(text), &function), 0);
    return function;
}

/* --- the test's own --- */

static struct {
    int count;
    enum images_outcome outcome;
    int status;
    char code[64];
    char message[2048];
    char document[2048];
} looked_up;

static void on_looked_up(void *arg, const struct images_answer *with) {
    assert_ptr_equal(arg, &looked_up);
    looked_up.count++;
    looked_up.outcome = with->outcome;
    looked_up.status = with->status;
    (void)snprintf(looked_up.code, sizeof looked_up.code, "%s", with->code);
    (void)snprintf(looked_up.message, sizeof looked_up.message, "%s", with->message);
    (void)snprintf(looked_up.document, sizeof looked_up.document, "%s",
                   with->document != NULL ? json_object_to_json_string(with->document) : "");
}

static void look_up(void) {
    looked_up.count = 0;
    assert_int_equal(
        images_look_up(&lambda, &tenant, STR(URI), ARN, "x86_64", on_looked_up, &looked_up), 0);
    assert_int_equal(looked_up.count, 0);
}

static void assert_looked_up(enum images_outcome outcome, int status, const char *code,
                             const char *message) {
    assert_int_equal(looked_up.count, 1);
    assert_int_equal(looked_up.outcome, outcome);
    assert_int_equal(looked_up.status, status);
    assert_string_equal(looked_up.code, code);
    assert_string_equal(looked_up.message, message);
}

struct had {
    int count;
    bool failed;
    int error;
    char code[64];
    char reason[1024];
    struct function *again; /* asked for once more, inside the callback */
};

static void on_had(void *arg, const struct images_failure *failure) {
    struct had *had = arg;
    had->count++;
    had->failed = failure != NULL;
    if (failure != NULL) {
        had->error = failure->error;
        (void)snprintf(had->code, sizeof had->code, "%s", failure->code);
        (void)snprintf(had->reason, sizeof had->reason, "%s", failure->reason);
    }
    if (had->again != NULL) {
        struct function *function = had->again;
        had->again = NULL;
        images_have(&lambda, function, on_had, had);
    }
}

static void assert_failed(const struct had *had, int error, const char *code, const char *reason) {
    assert_int_equal(had->count, 1);
    assert_true(had->failed);
    assert_int_equal(had->error, error);
    assert_string_equal(had->code, code);
    assert_string_equal(had->reason, reason);
}

static struct function *function;

static int setup(void **state) {
    (void)state;
    lambda = (struct lambda){.log = &log_table, .timer = &timer, .resolver = &resolver};
    asked_count = answered_count = finds = pulls = prunes = 0;
    resolve_result = find_result = chosen_error = each_result = 0;
    find_waits = chosen = false;
    pull_done = NULL;
    recorded = NULL;
    function = make_function("123456789012", HOST "/app@" DIGEST);
    return images_create(&lambda, &lambda.images);
}

static int teardown(void **state) {
    (void)state;
    images_destroy(lambda.images);
    assert_int_equal(function->refs, 1);
    function_unref(function);
    assert_false(has_timer());
    return 0;
}

/* --- looking up --- */

static void a_lookup_asks_on_behalf_of_the_function(void **state) {
    (void)state;
    look_up();
    assert_string_equal(asked[0].uri, URI);
    assert_string_equal(asked[0].account, "123456789012");
    assert_string_equal(asked[0].region, "us-east-1");
    assert_string_equal(asked[0].service, "lambda.amazonaws.com");
    assert_string_equal(asked[0].source_arn, ARN);
    assert_int_equal(asked[0].question.flags, 0);
    answer(VIRGA_IMAGE_FOUND, "");
    assert_looked_up(IMAGES_FOUND, 200, "", "");
    assert_non_null(strstr(looked_up.document, "\"Size\": 7"));
    assert_int_equal(pulls, 0);
}

static void a_refusal_is_told_and_its_detail_logged(void **state) {
    (void)state;
    struct virga_image image = found();
    look_up();
    answer(VIRGA_IMAGE_NOT_FOUND, "no such tag");
    assert_looked_up(IMAGES_REFUSED, 400, "InvalidParameterValueException",
                     "Source image " URI " does not exist. Provide a valid source image.");
    assert_string_equal(line, "image " URI " is refused: no such tag");
    look_up();
    image.media_type = STR("application/vnd.oci.image.index.v1+json");
    answer_with(&image);
    assert_looked_up(IMAGES_REFUSED, 400, "InvalidParameterValueException",
                     "The image manifest, config or layer media type for the source image " URI
                     " is not supported.");
    assert_string_equal(line, "image " URI " is refused: its manifest is a "
                              "application/vnd.oci.image.index.v1+json");
}

static void a_registry_that_cannot_be_asked_is_no_fault_of_the_image(void **state) {
    (void)state;
    look_up();
    answer(VIRGA_IMAGE_UNAVAILABLE, "it is down");
    assert_looked_up(IMAGES_BROKEN, 500, "ServiceException",
                     "The image cannot be had now: it is down");
    resolve_result = -ECANCELED;
    look_up();
    run_timers();
    assert_looked_up(IMAGES_BROKEN, 500, "ServiceException", "The registry takes no questions");
    resolve_result = -ENOMEM;
    assert_int_equal(
        images_look_up(&lambda, &tenant, STR(URI), ARN, "x86_64", on_looked_up, &looked_up),
        -ENOMEM);
    lambda.resolver = NULL;
    look_up();
    run_timers();
    assert_int_equal(looked_up.status, 500);
    assert_non_null(strstr(looked_up.message, "is ecr disabled?"));
}

/* --- having --- */

static void an_image_that_is_here_needs_no_registry(void **state) {
    (void)state;
    struct had had = {0};
    images_have(&lambda, function, on_had, &had);
    assert_int_equal(had.count, 1);
    assert_false(had.failed);
    assert_int_equal(asked_count, 0);
    run_timers();
}

static void an_image_that_is_not_is_pulled_by_its_digest(void **state) {
    (void)state;
    struct had had = {0};
    find_result = -ENOENT;
    images_have(&lambda, function, on_had, &had);
    assert_string_equal(asked[0].uri, HOST "/app@" DIGEST);
    assert_string_equal(asked[0].source_arn, ARN);
    assert_int_equal(asked[0].question.flags, VIRGA_IMAGE_TO_PULL);
    answer(VIRGA_IMAGE_FOUND, "");
    assert_string_equal(pulled,
                        DIGEST " 127.0.0.1:5100 123456789012/us-east-1/app AWS secret " MANIFEST);
    assert_int_equal(had.count, 0);
    pull_done(pull_arg, 0, NULL);
    assert_int_equal(had.count, 1);
    assert_false(had.failed);
    run_timers();
}

static void those_who_wait_share_one_pull(void **state) {
    (void)state;
    struct had had[3] = {{0}, {0}, {0}};
    find_result = -ENOENT;
    images_have(&lambda, function, on_had, &had[0]);
    images_have(&lambda, function, on_had, &had[1]);
    answer(VIRGA_IMAGE_FOUND, "");
    images_have(&lambda, function, on_had, &had[2]);
    pull_done(pull_arg, 0, NULL);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(had[i].count, 1);
        assert_false(had[i].failed);
    }
    assert_int_equal(finds, 1);
    assert_int_equal(pulls, 1);
    run_timers();
}

static void each_failure_has_its_code(void **state) {
    (void)state;
    static const struct {
        enum virga_image_outcome outcome;
        int error;
        const char *code;
        const char *reason;
    } outcomes[] = {
        {VIRGA_IMAGE_NOT_FOUND, -ENOENT, "ImageDeleted",
         "Source image " HOST "/app@" DIGEST " does not exist. Provide a valid source image."},
        {VIRGA_IMAGE_DENIED, -EACCES, "ImageAccessDenied",
         "Lambda does not have permission to access the ECR image. Check the ECR permissions."},
        {VIRGA_IMAGE_INVALID, -EINVAL, "InvalidImage",
         "Source image " HOST "/app@" DIGEST " is not valid. Provide a valid source image."},
        {VIRGA_IMAGE_UNAVAILABLE, -EAGAIN, "InternalError", "The image cannot be had now: why"},
        {VIRGA_IMAGE_CANCELLED, -ECANCELED, "InternalError", "The image cannot be had now: why"},
    };
    static const struct {
        int error, told;
        const char *code;
    } errors[] = {
        {-EBADMSG, -EBADMSG, "InvalidImage"},      {-EACCES, -EACCES, "ImageAccessDenied"},
        {-ENOENT, -ENOENT, "ImageDeleted"},        {-ENOSPC, -EAGAIN, "InternalError"},
        {-ECONNREFUSED, -EAGAIN, "InternalError"}, {-ECANCELED, -ECANCELED, "InternalError"},
    };
    find_result = -ENOENT;
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        struct had had = {0};
        asked_count = answered_count = 0;
        images_have(&lambda, function, on_had, &had);
        answer(outcomes[i].outcome, "why");
        assert_failed(&had, outcomes[i].error, outcomes[i].code, outcomes[i].reason);
    }
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct had had = {0};
        asked_count = answered_count = 0;
        images_have(&lambda, function, on_had, &had);
        answer(VIRGA_IMAGE_FOUND, "");
        pull_done(pull_arg, errors[i].error, "why");
        assert_failed(&had, errors[i].told, errors[i].code, "The image could not be pulled: why");
    }
    run_timers();
}

static void what_this_machine_lacks_is_no_fault_of_the_image(void **state) {
    (void)state;
    struct had had = {0};
    chosen_error = -ENOTSUP;
    images_have(&lambda, function, on_had, &had);
    assert_failed(&had, -EAGAIN, "InternalError",
                  "Functions cannot be run here: no engine and no runtime");
    had = (struct had){0};
    chosen_error = 0;
    find_result = -EIO;
    images_have(&lambda, function, on_had, &had);
    assert_failed(&had, -EAGAIN, "InternalError",
                  "The image could not be looked for: the engine is gone");
    had = (struct had){0};
    find_result = -ENOENT;
    resolve_result = -ENOMEM;
    images_have(&lambda, function, on_had, &had);
    assert_failed(&had, -EAGAIN, "InternalError", strerror(ENOMEM));
    had = (struct had){0};
    lambda.resolver = NULL;
    images_have(&lambda, function, on_had, &had);
    assert_int_equal(had.error, -EAGAIN);
    run_timers();
}

static void one_deleted_repository_is_not_the_others(void **state) {
    (void)state;
    struct function *elsewhere = make_function("999999999999", HOST "/app@" DIGEST);
    struct function *copied = make_function("123456789012", HOST "/copy@" DIGEST);
    struct had first = {0}, second = {0}, third = {0}, fourth = {0};
    find_result = -ENOENT;
    images_have(&lambda, function, on_had, &first);
    images_have(&lambda, elsewhere, on_had, &second);
    images_have(&lambda, copied, on_had, &third);
    images_have(&lambda, function, on_had, &fourth);
    answer(VIRGA_IMAGE_NOT_FOUND, "");
    assert_int_equal(first.count, 1);
    assert_string_equal(first.code, "ImageDeleted");
    assert_int_equal(fourth.count, 1);
    assert_string_equal(asked[1].account, "999999999999");
    answer(VIRGA_IMAGE_DENIED, "");
    assert_int_equal(second.count, 1);
    assert_string_equal(second.code, "ImageAccessDenied");
    assert_string_equal(asked[2].uri, HOST "/copy@" DIGEST);
    answer(VIRGA_IMAGE_FOUND, "");
    pull_done(pull_arg, 0, NULL);
    assert_int_equal(third.count, 1);
    assert_false(third.failed);
    function_unref(elsewhere);
    function_unref(copied);
    run_timers();
}

static void who_asks_again_inside_the_callback_waits_anew(void **state) {
    (void)state;
    struct had had = {.again = function};
    find_result = -ENOENT;
    images_have(&lambda, function, on_had, &had);
    answer(VIRGA_IMAGE_UNAVAILABLE, "");
    assert_int_equal(had.count, 1);
    assert_int_equal(asked_count, 2);
    answer(VIRGA_IMAGE_FOUND, "");
    pull_done(pull_arg, 0, NULL);
    assert_int_equal(had.count, 2);
    assert_false(had.failed);
    run_timers();
}

/* --- what nobody needs --- */

static void images_of_no_function_are_given_up(void **state) {
    (void)state;
    images_prune_soon(&lambda);
    run_timers();
    assert_int_equal(prunes, 0); /* no executor yet */
    chosen = true;
    images_prune_soon(&lambda);
    images_prune_soon(&lambda);
    run_timers();
    assert_int_equal(prunes, 1);
    assert_false(prune_keep(prune_arg, DIGEST));
    recorded = function;
    assert_true(prune_keep(prune_arg, DIGEST));
    assert_false(prune_keep(prune_arg, OTHER_DIGEST));
    each_result = -EIO; /* not known */
    assert_true(prune_keep(prune_arg, OTHER_DIGEST));
}

static void an_image_that_somebody_waits_for_stays(void **state) {
    (void)state;
    struct had had = {0};
    find_result = -ENOENT;
    images_have(&lambda, function, on_had, &had);
    run_timers(); /* the first executor is asked to look at what an earlier run left */
    assert_int_equal(prunes, 1);
    assert_true(prune_keep(prune_arg, DIGEST));
    answer(VIRGA_IMAGE_NOT_FOUND, "");
    assert_false(prune_keep(prune_arg, DIGEST));
}

/* --- stop --- */

static int stopped;

static void on_stopped(void *arg) {
    (void)arg;
    stopped++;
}

static void stop_answers_everybody(void **state) {
    (void)state;
    struct had had = {0}, late = {0};
    stopped = 0;
    find_result = -ENOENT;
    look_up();
    images_have(&lambda, function, on_had, &had);
    images_stop(lambda.images, on_stopped, NULL);
    assert_failed(&had, -ECANCELED, "InternalError", "virga is being stopped");
    assert_true(asked[0].cancelled);
    assert_true(asked[1].cancelled);
    assert_int_equal(stopped, 0);
    images_have(&lambda, function, on_had, &late);
    assert_int_equal(late.error, -ECANCELED);
    images_prune_soon(&lambda);
    assert_false(has_timer());
    answer(VIRGA_IMAGE_CANCELLED, "");
    assert_looked_up(IMAGES_BROKEN, 500, "ServiceException", "virga is being stopped");
    assert_int_equal(stopped, 0);
    answer(VIRGA_IMAGE_CANCELLED, "");
    assert_int_equal(stopped, 1);
    assert_int_equal(had.count, 1);
}

static void stop_does_not_wait_for_an_executor(void **state) {
    (void)state;
    struct had had = {0};
    stopped = 0;
    find_result = -ENOENT;
    images_have(&lambda, function, on_had, &had);
    answer(VIRGA_IMAGE_FOUND, "");
    images_stop(lambda.images, on_stopped, NULL);
    assert_int_equal(stopped, 1);
    assert_failed(&had, -ECANCELED, "InternalError", "virga is being stopped");
    pull_done(pull_arg, -ECANCELED, "stopped"); /* what it holds is freed; nobody is told twice */
    assert_int_equal(had.count, 1);
}

static void stop_while_an_executor_looks(void **state) {
    (void)state;
    struct had had = {0};
    stopped = 0;
    find_waits = true;
    images_have(&lambda, function, on_had, &had);
    images_stop(lambda.images, on_stopped, NULL);
    assert_int_equal(stopped, 1);
    assert_int_equal(had.count, 1);
    find_done(find_arg, 0, NULL);
    assert_int_equal(had.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_lookup_asks_on_behalf_of_the_function),
        TEST(a_refusal_is_told_and_its_detail_logged),
        TEST(a_registry_that_cannot_be_asked_is_no_fault_of_the_image),
        TEST(an_image_that_is_here_needs_no_registry),
        TEST(an_image_that_is_not_is_pulled_by_its_digest),
        TEST(those_who_wait_share_one_pull),
        TEST(each_failure_has_its_code),
        TEST(what_this_machine_lacks_is_no_fault_of_the_image),
        TEST(one_deleted_repository_is_not_the_others),
        TEST(who_asks_again_inside_the_callback_waits_anew),
        TEST(images_of_no_function_are_given_up),
        TEST(an_image_that_somebody_waits_for_stays),
        TEST(stop_answers_everybody),
        TEST(stop_does_not_wait_for_an_executor),
        TEST(stop_while_an_executor_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
