/* SPDX-License-Identifier: MIT */
/* Random walks through an environment's life: whatever comes in whatever order, every invocation
 * ends once, the environment ends once, and nothing is left. VIRGA_TEST_SEED shows one walk again.
 */
#include "environment_fixture.h"

#define WALKS 3000
#define STEPS 40

static unsigned seed;
static struct invocation *running; /* NULL: none */
static int begun;
static struct testkit_request *parked[4]; /* of runtime and extensions, the last ones */
static char extension_ids[2][64];
static bool process_lives;

static unsigned roll(unsigned sides) {
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % sides;
}

static struct invocation *make_random_invocation(void) {
    struct invocation *invocation = make_invocation("{}");
    invocation->wants_tail = roll(3) == 0;
    invocation->streams = roll(3) == 0;
    begun++;
    running = invocation;
    rig.seen.heads = 0; /* each may have one */
    rig.seen.bytes[0] = '\0';
    rig.seen.pauses = roll(3) == 0 ? 1 : 0;
    return invocation;
}

static void walk_in_idle(struct environment *environment) {
    assert_null(running);
    if (roll(4) != 0) {
        environment_invoke(environment, make_random_invocation());
    }
}

static void walk_in_done(struct invocation *invocation) {
    assert_ptr_equal(invocation, running);
    running = NULL;
    if (roll(30) == 0) {
        environment_shutdown(rig.environment);
    } else if (roll(30) == 0) {
        environment_kill(rig.environment);
    }
}

/* --- steps --- */

static void send_if_open(struct testkit_request *req) {
    if (testkit_send_listener(req, 0) != 0) {
        testkit_request_destroy(req);
        return;
    }
    parked[roll(4)] = req;
}

static void ask_next(void) {
    send_if_open(testkit_request_create(rig.kit, "GET", NEXT));
}

static void answer(void) {
    static const char *const paths[] = {RESPONSE, ERROR, "/2018-06-01/runtime/init/error",
                                        "/2018-06-01/runtime/invocation/x/response"};
    struct testkit_request *req =
        testkit_request_create(rig.kit, "POST", paths[roll(8) < 5 ? 0 : roll(4)]);
    if (roll(3) == 0) {
        testkit_request_header(req, "Lambda-Runtime-Function-Response-Mode",
                               roll(8) == 0 ? "x" : "streaming");
    }
    for (unsigned i = roll(3); i > 0; i--) {
        testkit_request_piece(req, "piece", 5);
    }
    if (roll(10) == 0) {
        testkit_request_break_body(req, -ECONNRESET);
    }
    if (roll(10) == 0) {
        testkit_request_trailer(req, "Lambda-Runtime-Function-Error-Type", "Runtime.X");
    }
    send_if_open(req);
}

static void use_extension(void) {
    unsigned n = roll(2);
    static const char *const paths[] = {"event/next", "event/next", "event/next", "init/error",
                                        "exit/error"};
    char path[64];
    unsigned which = extension_ids[n][0] == '\0' ? 5 : roll(16) == 0 ? roll(5) : 0;
    (void)snprintf(path, sizeof path, "/2020-01-01/extension/%s",
                   which == 5 ? "register" : paths[which]);
    struct testkit_request *req = testkit_request_create(rig.kit, which < 3 ? "GET" : "POST", path);
    testkit_request_header(req, "Lambda-Extension-Name", n == 0 ? "a" : "b");
    testkit_request_header(req, "Lambda-Extension-Function-Error-Type", "Extension.X");
    testkit_request_header(req, "Lambda-Extension-Identifier", extension_ids[n]);
    if (which == 5) {
        static const char body[] = "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}";
        testkit_request_body(req, body, sizeof body - 1);
        if (testkit_send_listener(req, 0) != 0) {
            testkit_request_destroy(req);
            return;
        }
        (void)testkit_run(rig.kit);
        if (testkit_status(req) == 200) {
            (void)snprintf(extension_ids[n], sizeof extension_ids[n], "%s",
                           testkit_header(req, "Lambda-Extension-Identifier"));
        }
        return;
    }
    send_if_open(req);
}

static void lose_a_connection(void) {
    struct testkit_request *req = parked[roll(4)];
    if (req != NULL && testkit_times_answered(req) == 0) {
        testkit_request_cancel(req, -ECONNRESET);
    }
}

static void end_process(void) {
    static const enum executor_end ends[] = {EXECUTOR_EXITED, EXECUTOR_SIGNALLED, EXECUTOR_OOM,
                                             EXECUTOR_FAILED};
    if (process_lives && rig.process.closes == 0) {
        process_lives = false;
        process_ends(ends[roll(4)], (int)roll(3), "reason");
    }
}

static void step(void) {
    switch (roll(40)) {
    case 0:
        end_process();
        break;
    case 1:
        environment_shutdown(rig.environment);
        break;
    case 2:
        if (roll(4) == 0) {
            environment_kill(rig.environment);
        }
        break;
    case 3:
    case 4:
        lose_a_connection();
        break;
    case 5:
    case 6:
        testkit_advance(rig.kit, roll(4) == 0 ? 3000 : roll(20));
        break;
    case 7:
    case 8:
    case 9:
        if (running != NULL) {
            roll(4) == 0 ? invocation_abandon(running) : invocation_resume(running);
        }
        break;
    case 10:
    case 11:
        if (process_lives && rig.process.closes == 0) {
            process_says((int)roll(2) + 1, roll(2) == 0 ? "line\n" : "part");
        }
        break;
    case 12:
    case 13:
    case 14:
    case 15:
        use_extension();
        break;
    default:
        roll(2) == 0 ? ask_next() : answer();
        break;
    }
    if (roll(2) == 0) {
        (void)testkit_run(rig.kit);
    }
}

static void walk(unsigned number) {
    void *state = NULL;
    assert_int_equal(rig_set_up(&state), 0);
    seed = number * 2654435761u;
    begun = 0;
    running = NULL;
    process_lives = true;
    memset(parked, 0, sizeof parked);
    memset(extension_ids, 0, sizeof extension_ids);
    rig.seen.in_idle = walk_in_idle;
    rig.seen.in_done = walk_in_done;
    begin(roll(5) == 0 ? NULL : make_random_invocation());
    for (int i = 0; i < STEPS && rig.environment != NULL; i++) {
        step();
    }
    if (rig.environment != NULL) {
        environment_kill(rig.environment);
        (void)testkit_run(rig.kit);
    }
    assert_null(rig.environment);
    assert_int_equal(rig.seen.ends, 1);
    assert_int_equal(rig.seen.dones, begun);
    assert_int_equal(rig.process.closes, 1);
    assert_int_equal(rig_tear_down(&state), 0);
}

static void every_walk_ends_well(void **state) {
    const char *given = getenv("VIRGA_TEST_SEED");
    (void)state;
    if (given != NULL) {
        walk((unsigned)strtoul(given, NULL, 10));
        return;
    }
    for (unsigned i = 1; i <= WALKS; i++) {
        walk(i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_walk_ends_well)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
