/* SPDX-License-Identifier: MIT */
/* Replication at work, with copies that end as the test says: what is queued, what is served next,
 * and what follows each outcome. */
#include "ecr_fixture.h"

#include "timer_fixture.h"

#include "replicate.h"
#include "replicate_copy.h"
#include "replicate_queue.h"
#include "replication_status.h"

#define CONFIGURATION                                                                              \
    "{\"rules\":[{\"destinations\":[{\"region\":\"us-west-2\",\"registryId\":\"111111111111\"}]}," \
    "{\"destinations\":[{\"region\":\"eu-west-1\",\"registryId\":\"111111111111\"}],"              \
    "\"repositoryFilters\":[{\"filter\":\"both\",\"filterType\":\"PREFIX_MATCH\"}]}]}"

static const struct tenant here = {"111111111111", "us-east-1"};

/* --- copies --- */

#define COPIES_MAX 64

struct fake_copy {
    char name[ECR_NAME_MAX + 1];
    char region[ECR_REGION_MAX + 1];
    char tag[ECR_TAG_MAX + 1];
    void (*on_done)(void *arg, const struct replicate_copy_result *result);
    void *arg;
};

static struct fake_copy copies[COPIES_MAX]; /* under way, in the order of their beginning */
static size_t copies_count;
static size_t copies_begun;

int replicate_copy(struct ecr *ecr, const struct replicate_copy_request *request,
                   void (*on_done)(void *arg, const struct replicate_copy_result *result),
                   void *arg) {
    (void)ecr;
    assert_true(copies_count < COPIES_MAX);
    struct fake_copy *copy = &copies[copies_count++];
    (void)snprintf(copy->name, sizeof copy->name, "%.*s", (int)request->name.len,
                   request->name.ptr);
    (void)snprintf(copy->region, sizeof copy->region, "%s", request->destination.region);
    (void)snprintf(copy->tag, sizeof copy->tag, "%.*s", (int)request->tag.len, request->tag.ptr);
    copy->on_done = on_done;
    copy->arg = arg;
    copies_begun++;
    return 0;
}

/* Fires each timer once. Those of the real host fire by themselves. */
static void turn(void) {
    struct virga_timer_handle *timer = timers;
    if (timer != NULL) {
        timer->on_timer(timer->arg);
    }
}

/* Ends the i-th copy and lets the queue go on. */
static void end(size_t i, int status, const char *code) {
    struct fake_copy copy = copies[i];
    const struct replicate_copy_result result = {status, code, "as the test says"};
    memmove(&copies[i], &copies[i + 1], (--copies_count - i) * sizeof copies[0]);
    copy.on_done(copy.arg, &result);
}

/* --- the surroundings --- */

static struct virga_timer clock_and_timers;

static int setup(void **state) {
    copies_count = copies_begun = 0;
    if (fixture_setup(state) != 0) {
        return -1;
    }
    clock_and_timers = fixture_timer;
    clock_and_timers.start = timer_fixture_start;
    clock_and_timers.stop = timer_fixture_stop;
    fixture.ecr.timer = &clock_and_timers;
    assert_int_equal(
        meta_setting_put(&fixture.ecr, &here, "replication", STR(""), STR(CONFIGURATION)), 0);
    return replicate_create(&fixture.ecr, &fixture.ecr.replicator);
}

static int teardown(void **state) {
    replicate_destroy(fixture.ecr.replicator);
    assert_null(timers);
    return fixture_teardown(state);
}

static const char *digest_of(int number) {
    static char digests[8][ECR_DIGEST_LEN + 1];
    char *digest = digests[number % 8];
    (void)snprintf(digest, ECR_DIGEST_LEN + 1, "sha256:%064d", number);
    return digest;
}

/* An image is recorded in a repository, which is made if need be, and the queue hears of it. */
static void came(const char *name, int number, const char *tag, enum image_origin origin) {
    struct meta_repository repository = {.mutability = META_MUTABLE};
    struct meta_image image = {.media_type = (char[]){"a/b"}};
    (void)snprintf(repository.name, sizeof repository.name, "%s", name);
    (void)snprintf(image.digest, sizeof image.digest, "%s", digest_of(number));
    (void)meta_repository_create(&fixture.ecr, &here, &repository);
    struct virga_str text = tag != NULL ? STR(tag) : (struct virga_str){0};
    assert_int_equal(meta_image_put(&fixture.ecr, &here, STR(name), "", &image, text), 0);
    replicate_image(&fixture.ecr, &here, STR(name), &image, text, origin);
}

static void push(const char *name, int number, const char *tag) {
    came(name, number, tag, IMAGE_PUSHED);
}

static const char *statuses(const char *name, int number) {
    static char text[4096];
    const struct replication_subject subject = {&here, STR(name), STR(digest_of(number))};
    struct virga_json_writer writer = {0};
    assert_int_equal(replication_status_write(&fixture.ecr, &subject, &writer), 0);
    (void)snprintf(text, sizeof text, "%.*s", (int)writer.len, writer.ptr);
    virga_json_finish(&writer);
    return text;
}

#define STATUS(region, status)                                                                     \
    "{\"region\":\"" region "\",\"registryId\":\"111111111111\",\"status\":\"" status "\"}"
#define FAILED(region, code)                                                                       \
    "{\"region\":\"" region                                                                        \
    "\",\"registryId\":\"111111111111\",\"status\":\"FAILED\",\"failureCode\":\"" code "\"}"

static void assert_statuses(const char *name, int number, const char *list) {
    char expected[4096];
    (void)snprintf(expected, sizeof expected, "\"replicationStatuses\":[%s]", list);
    assert_string_equal(statuses(name, number), expected);
}

static size_t rows(void) {
    size_t count = 0;
    assert_int_equal(replicate_queue_count(&fixture.ecr, &count), 0);
    return count;
}

/* --- tests --- */

static void each_matching_destination_gets_the_image(void **state) {
    (void)state;
    push("both/app", 1, "v1");
    assert_int_equal(copies_count, 0); /* never inside the call */
    assert_statuses("both/app", 1,
                    STATUS("us-west-2", "IN_PROGRESS") "," STATUS("eu-west-1", "IN_PROGRESS"));
    turn();
    assert_int_equal(copies_count, 2);
    assert_string_equal(copies[0].tag, "v1");
    end(0, 0, NULL);
    end(0, 0, NULL);
    turn();
    assert_statuses("both/app", 1,
                    STATUS("us-west-2", "COMPLETE") "," STATUS("eu-west-1", "COMPLETE"));
    assert_int_equal(rows(), 0);
    push("one", 2, NULL);
    turn();
    assert_int_equal(copies_count, 1);
    assert_string_equal(copies[0].region, "us-west-2");
    assert_string_equal(copies[0].tag, "");
    end(0, 0, NULL);
    turn();
}

static void what_came_by_replication_goes_no_further(void **state) {
    (void)state;
    came("app", 1, "v1", IMAGE_REPLICATED);
    assert_int_equal(rows(), 0);
    assert_statuses("app", 1, "");
    came("app", 1, "v1", IMAGE_CACHED);
    assert_int_equal(rows(), 1);
}

static void without_rules_nothing_is_queued(void **state) {
    (void)state;
    assert_int_equal(meta_setting_delete(&fixture.ecr, &here, "replication", STR("")), 0);
    push("app", 1, "v1");
    assert_int_equal(rows(), 0);
    assert_null(timers);
}

static void a_repositorys_images_follow_one_another_in_the_order_of_the_pushes(void **state) {
    (void)state;
    for (int i = 1; i <= 4; i++) {
        push("app", i, "latest");
    }
    push("web", 5, "latest");
    for (int i = 1; i <= 4; i++) {
        turn();
        assert_int_equal(copies_count, i == 1 ? 2 : 1); /* and the other repository's, once */
        if (i == 1) {
            end(strcmp(copies[0].name, "web") == 0 ? 0 : 1, 0, NULL);
        }
        assert_string_equal(copies[0].name, "app");
        assert_statuses("app", i, STATUS("us-west-2", "IN_PROGRESS"));
        end(0, 0, NULL);
        assert_statuses("app", i, STATUS("us-west-2", "COMPLETE"));
    }
    turn();
    assert_int_equal(copies_count, 0);
    assert_int_equal(copies_begun, 5);
}

static void only_a_few_are_under_way_and_all_have_their_turn(void **state) {
    char name[16];
    (void)state;
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "app%d", i);
        push(name, 1, "v1");
        push(name, 2, "v1");
    }
    for (size_t done = 0; done < 40; done++) {
        turn();
        assert_true(copies_count >= 1 && copies_count <= REPLICATE_PARALLEL);
        end(done % copies_count, 0, NULL);
    }
    turn();
    assert_int_equal(copies_count, 0);
    assert_int_equal(copies_begun, 40);
    assert_int_equal(rows(), 0);
}

static void what_cannot_be_done_is_failed_at_once(void **state) {
    (void)state;
    push("app", 1, "v1");
    push("app", 2, "v2");
    turn();
    end(0, -EPERM, "AccessDenied");
    assert_statuses("app", 1, FAILED("us-west-2", "AccessDenied"));
    assert_non_null(strstr(fixture.line, "as the test says"));
    turn();
    assert_string_equal(copies[0].tag, "v2"); /* the next one is not held up */
    end(0, 0, NULL);
    assert_statuses("app", 2, STATUS("us-west-2", "COMPLETE"));
    push("app", 1, "v1"); /* a new push is a new beginning */
    assert_statuses("app", 1, STATUS("us-west-2", "IN_PROGRESS"));
    turn();
    end(0, 0, NULL);
    assert_statuses("app", 1, STATUS("us-west-2", "COMPLETE"));
}

static void a_failed_try_is_repeated_later_and_not_for_ever(void **state) {
    (void)state;
    push("app", 1, "v1");
    push("web", 2, "v1");
    turn();
    end(strcmp(copies[0].name, "web") == 0 ? 0 : 1, 0, NULL);
    for (int i = 1; i <= REPLICATE_TRIES_MAX; i++) {
        assert_int_equal(copies_count, 1);
        end(0, -EIO, "ServerError");
        turn();
        assert_int_equal(copies_count, 0); /* not at once */
        fixture.now_ms += 30000;
        turn();
    }
    assert_int_equal(copies_count, 0);
    assert_statuses("app", 1, FAILED("us-west-2", "ServerError"));
    assert_int_equal(copies_begun, 1 + REPLICATE_TRIES_MAX);
    assert_int_equal(rows(), 0);
}

static void a_try_that_waits_holds_up_its_own_repository_only(void **state) {
    (void)state;
    push("app", 1, "latest");
    push("app", 2, "latest");
    turn();
    end(0, -EIO, "ServerError");
    push("web", 3, "v1");
    turn();
    assert_int_equal(copies_count, 1);
    assert_string_equal(copies[0].name, "web");
    end(0, 0, NULL);
    fixture.now_ms += 1000;
    turn();
    assert_statuses("app", 2, STATUS("us-west-2", "IN_PROGRESS"));
    end(0, 0, NULL);
    assert_statuses("app", 1, STATUS("us-west-2", "COMPLETE"));
    turn();
    end(0, 0, NULL);
    assert_statuses("app", 2, STATUS("us-west-2", "COMPLETE"));
}

static void without_a_registry_everything_waits_and_nothing_fails(void **state) {
    (void)state;
    push("app", 1, "v1");
    turn();
    for (int i = 0; i < 3 * REPLICATE_TRIES_MAX; i++) {
        assert_int_equal(copies_count, 1);
        end(0, -EAGAIN, "ServerError");
        assert_int_equal(copies_count, 0);
        assert_statuses("app", 1, STATUS("us-west-2", "IN_PROGRESS"));
        turn(); /* the pause ends */
    }
    end(0, 0, NULL);
    assert_statuses("app", 1, STATUS("us-west-2", "COMPLETE"));
}

static void a_push_shows_that_the_registry_is_back(void **state) {
    (void)state;
    push("app", 1, "v1");
    turn();
    end(0, -EAGAIN, "ServerError");
    struct virga_timer_handle *pause = timers;
    push("web", 2, "v1");
    assert_ptr_not_equal(timers, pause);
    turn();
    assert_int_equal(copies_count, 2);
    end(0, 0, NULL);
    end(0, 0, NULL);
    turn();
}

static void what_the_queue_cannot_hold_is_told_as_failed(void **state) {
    struct replicate_row row = {.source = here, .destination = {"111111111111", "us-west-2"}};
    bool own = false;
    (void)state;
    (void)snprintf(row.name, sizeof row.name, "full");
    (void)snprintf(row.digest, sizeof row.digest, "%s", digest_of(7));
    replicate_destroy(fixture.ecr.replicator);
    assert_int_equal(meta_begin(&fixture.ecr, &own), 0);
    for (int i = 0; i < REPLICATE_QUEUE_MAX - 1; i++) {
        assert_int_equal(replicate_queue_add(&fixture.ecr, &row), 0);
    }
    assert_int_equal(meta_end(&fixture.ecr, own, 0), 0);
    assert_int_equal(replicate_create(&fixture.ecr, &fixture.ecr.replicator), 0);
    push("both/app", 1, "v1"); /* to two destinations: one fits */
    assert_non_null(strstr(fixture.line, "wait for replication"));
    assert_statuses("both/app", 1,
                    STATUS("us-west-2", "IN_PROGRESS") "," FAILED("eu-west-1", "LimitExceeded"));
    push("app", 2, "v1");
    assert_statuses("app", 2, FAILED("us-west-2", "LimitExceeded"));
    assert_int_equal(rows(), REPLICATE_QUEUE_MAX);
    turn();
    assert_int_equal(copies_count, 2);
    end(0, 0, NULL);
    push("app", 3, "v1"); /* there is room again */
    assert_statuses("app", 3, STATUS("us-west-2", "IN_PROGRESS"));
    end(0, 0, NULL);
}

static void an_image_deleted_before_its_turn_leaves_nothing(void **state) {
    struct virga_store_value value = {0};
    (void)state;
    push("app", 1, "v1");
    turn();
    assert_int_equal(meta_image_delete(&fixture.ecr, &here, STR("app"), STR(digest_of(1))), 0);
    end(0, -ENOENT, "ImageNotFound");
    assert_int_equal(rows(), 0);
    assert_int_equal(meta_image_text_get(&fixture.ecr, &here, STR("app"), STR(digest_of(1)),
                                         "replication", &value),
                     -ENOENT);
}

static void two_tags_of_an_image_are_in_progress_until_both_are_there(void **state) {
    (void)state;
    push("app", 1, "v1");
    push("app", 1, "v2");
    turn();
    end(0, 0, NULL);
    assert_statuses("app", 1, STATUS("us-west-2", "IN_PROGRESS"));
    turn();
    end(0, 0, NULL);
    assert_statuses("app", 1, STATUS("us-west-2", "COMPLETE"));
}

static void what_is_queued_is_served_by_the_next_run(void **state) {
    (void)state;
    push("app", 1, "v1");
    turn();
    assert_int_equal(copies_count, 1); /* killed here */
    copies_count = 0;
    replicate_destroy(fixture.ecr.replicator);
    assert_int_equal(replicate_create(&fixture.ecr, &fixture.ecr.replicator), 0);
    turn();
    assert_int_equal(copies_count, 1);
    end(0, 0, NULL);
    assert_statuses("app", 1, STATUS("us-west-2", "COMPLETE"));
    assert_int_equal(rows(), 0);
}

static bool idle;

static void on_idle(void *arg) {
    (void)arg;
    idle = true;
}

static void stop_waits_for_what_is_under_way_and_begins_nothing(void **state) {
    (void)state;
    idle = false;
    push("app", 1, "v1");
    push("app", 2, "v2");
    turn();
    assert_true(replicate_stop(fixture.ecr.replicator, on_idle, NULL));
    assert_false(idle);
    end(0, -EAGAIN, "ServerError");
    assert_true(idle);
    assert_null(timers);
    push("app", 3, "v3"); /* still recorded */
    assert_null(timers);
    assert_int_equal(rows(), 3);
    assert_false(replicate_stop(fixture.ecr.replicator, on_idle, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_matching_destination_gets_the_image),
        TEST(what_came_by_replication_goes_no_further),
        TEST(without_rules_nothing_is_queued),
        TEST(a_repositorys_images_follow_one_another_in_the_order_of_the_pushes),
        TEST(only_a_few_are_under_way_and_all_have_their_turn),
        TEST(what_cannot_be_done_is_failed_at_once),
        TEST(a_failed_try_is_repeated_later_and_not_for_ever),
        TEST(a_try_that_waits_holds_up_its_own_repository_only),
        TEST(without_a_registry_everything_waits_and_nothing_fails),
        TEST(a_push_shows_that_the_registry_is_back),
        TEST(what_the_queue_cannot_hold_is_told_as_failed),
        TEST(an_image_deleted_before_its_turn_leaves_nothing),
        TEST(two_tags_of_an_image_are_in_progress_until_both_are_there),
        TEST(what_is_queued_is_served_by_the_next_run),
        TEST(stop_waits_for_what_is_under_way_and_begins_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
