/* SPDX-License-Identifier: MIT */
/* The testkit: a host in memory, with which a plugin is tested in one process, without sockets,
 * disk, threads or waiting. Linked into a test program (virga::testkit), never into a plugin. Names
 * begin with testkit_, so that a test shows at a glance on which side of the ABI a line stands.
 *
 * One thread. A kit holds one plugin. Everything that would come "later" in the host (timers,
 * answers of others, work, parts of a body) comes inside testkit_run(), testkit_advance() or one of
 * the calls that are said to run, and nowhere else. Strings that are handed out live until the kit
 * (or the request) is destroyed unless said otherwise. The program ends with a message when the
 * testkit itself is out of memory. With VIRGA_TESTKIT_LOG=1 in the environment the plugin's log
 * lines are shown on stderr. */
#ifndef VIRGA_TESTKIT_H
#define VIRGA_TESTKIT_H

#include <virga/virga.h>

#ifdef __cplusplus
extern "C" {
#endif

struct testkit;
struct testkit_request;

/* --- the plugin's life --- */

/* Makes a host for one plugin. Nothing of the plugin runs. Valid: `plugin` must outlive the kit.
 * Owns: the caller, until testkit_destroy(). */
struct testkit *testkit_create(const struct virga_plugin *plugin);

/* Stops the plugin if it runs, prints every problem to stderr, frees all. Returns how many problems
 * there were: assert that it is 0. NULL is fine. */
size_t testkit_destroy(struct testkit *kit);

/* The same without a word, for who has read them by testkit_problem(). */
size_t testkit_destroy_quietly(struct testkit *kit);

/* Sets a setting before testkit_start(): a key of the plugin, or "floci.<any>". Errors: -ENOENT the
 * plugin has no such key, -EINVAL the value does not fit its type or bounds, -EBUSY it runs.
 * testkit_error() says it in words. */
int testkit_set(struct testkit *kit, const char *key, const char *value);

/* Gives the plugin an interface of another plugin under its id, or another table in the place of
 * one of the host's. Valid: `table` must outlive the kit. */
void testkit_offer(struct testkit *kit, const char *id, const void *table);

/* From now on get_interface() knows nothing of `id`. */
void testkit_withhold(struct testkit *kit, const char *id);

/* Starts the plugin: checks settings and needs as the host does, calls start(), runs. What the
 * store holds is kept over a stop. Errors: -EINVAL a default of the descriptor is wrong, -ENOENT a
 * need is not met, -EALREADY, else what start() returned; testkit_error() says it in words. */
int testkit_start(struct testkit *kit);

/* Stops and destroys the plugin as the host does: clients of open requests go away, stop() is
 * called and waited for (TESTKIT_STOP_MS of the kit's time), then destroy(). What is left behind
 * becomes a problem. Does nothing when the plugin does not run. */
void testkit_stop(struct testkit *kit);

#define TESTKIT_STOP_MS 30000

/* Empties it as POST /_floci/state/reset does: reset() if it has one (waited for as stop() is),
 * stop, an empty store, start. Errors: what reset() said, after which the store is as it was,
 * -ETIMEDOUT, or as testkit_start(); testkit_error() says it in words. */
int testkit_reset(struct testkit *kit);

/* Calls the plugin's doctor() as `virga doctor` does; the plugin must not run. Returns its report:
 * "<ok|note|warn|fail> <check>: <found>" and "; <remedy>" in lines. Programs that it runs are
 * scripted (TESTKIT_RUN), ports are free unless taken. */
const char *testkit_doctor(struct testkit *kit);

/* Why the last call failed, "" at first. Valid: until the next call that can fail. */
const char *testkit_error(const struct testkit *kit);

/* What start() gave as the plugin's self; NULL when it does not run. */
void *testkit_self(const struct testkit *kit);

/* How the plugin says that it is; *ret_detail ("" at first) may be NULL. */
enum virga_status testkit_plugin_status(const struct testkit *kit, const char **ret_detail);

/* The table that the plugin provides under `id`; NULL when it has not. */
const void *testkit_provided(const struct testkit *kit, const char *id);

/* --- time --- */

/* Calls back whatever is due, and what that makes due, until nothing is left; the clock stands
 * still. Returns how many calls into the plugin that were. */
size_t testkit_run(struct testkit *kit);

/* Lets `ms` pass: timers fire in order, each at its time, everything that is due runs in between.
 */
size_t testkit_advance(struct testkit *kit, uint64_t ms);

/* Sets the wall clock (milliseconds since 1970; 2026-01-01 at first). Timers do not notice. */
void testkit_set_time(struct testkit *kit, int64_t now_ms);

/* Makes testkit_run() leave work alone (1) or run it as it comes (0, at first). */
void testkit_hold_work(struct testkit *kit, int hold);

/* How many pieces of work wait. */
size_t testkit_work_waiting(const struct testkit *kit);

/* Runs the oldest work that waits and its on_done. Errors: -ENOENT none waits. */
int testkit_work_step(struct testkit *kit);

/* --- requests --- */

/* Begins a request: method and target ("/path?query"). Owns: the kit. */
struct testkit_request *testkit_request_create(struct testkit *kit, const char *method,
                                               const char *target);

/* The following shape a request before it is sent; all of them copy. */
void testkit_request_header(struct testkit_request *req, const char *name, const char *value);
/* A trailer field behind a body of pieces. */
void testkit_request_trailer(struct testkit_request *req, const char *name, const char *value);
void testkit_request_body(struct testkit_request *req, const void *bytes, size_t len);
/* Who signed it, for which region and service; NULL leaves what it was ("000000000000",
 * "us-east-1", ""). */
void testkit_request_identity(struct testkit_request *req, const char *account, const char *region,
                              const char *service);
/* Adds a piece of a streamed body; pieces come one by one, with the pauses that the plugin makes.
 */
void testkit_request_piece(struct testkit_request *req, const void *bytes, size_t len);
/* Ends a streamed body with this status (-ECONNRESET, -EMSGSIZE ...) instead of VIRGA_BODY_END. */
void testkit_request_break_body(struct testkit_request *req, int status);
/* Makes the client slow: every write() returns 0 and is taken later. */
void testkit_request_slow(struct testkit_request *req);

/* Gives the request to the plugin by its routes, once; does not run. Errors (the request then has
 * the status that a client would get): -ENOENT no route takes it (404), -ENOTSUP not with this
 * method (405), -EMSGSIZE the body passes the route's limit (413), -EINVAL it was sent before or
 * the plugin does not run. */
int testkit_send(struct testkit_request *req);

/* The same to the n-th open listener of the plugin, counted from 0 in the order of opening. Errors:
 * -ENOENT there is none, -EMSGSIZE, -EINVAL. */
int testkit_send_listener(struct testkit_request *req, size_t n);

/* The client goes away (-ECONNRESET), the deadline passes (-ETIMEDOUT: it got 504) or the host
 * stops waiting (-ECANCELED); the plugin hears of it in the next run. */
void testkit_request_cancel(struct testkit_request *req, int status);

/* Create, send and run in one call, with the body as text (NULL: none). The status is 0 when the
 * plugin has not answered yet. */
struct testkit_request *testkit_ask(struct testkit *kit, const char *method, const char *target,
                                    const char *body);
/* An action of a JSON protocol: X-Amz-Target "<prefix>.<action>". */
struct testkit_request *testkit_ask_target(struct testkit *kit, const char *target,
                                           const char *body);
/* An action of the Query protocol: a form, "Action=GetCallerIdentity&Version=2011-06-15", signed
 * for `service`. */
struct testkit_request *testkit_ask_query(struct testkit *kit, const char *service,
                                          const char *form);

/* Frees a request before the kit does; an open one counts as never answered. NULL is fine. */
void testkit_request_destroy(struct testkit_request *req);

/* --- answers --- */

/* The status: as soon as it was sent; 0 before. */
int testkit_status(const struct testkit_request *req);
/* A header of the answer, without case; NULL when it has none. */
const char *testkit_header(const struct testkit_request *req, const char *name);
/* The body so far, with a NUL behind it. */
const char *testkit_body(const struct testkit_request *req);
size_t testkit_body_length(const struct testkit_request *req);
/* How many write() calls brought the body; the bytes of one of them. */
size_t testkit_writes_count(const struct testkit_request *req);
struct virga_str testkit_write_bytes(const struct testkit_request *req, size_t n);
/* Whether the answer is complete: ended, neither broken off nor shorter than announced. */
int testkit_is_complete(const struct testkit_request *req);
/* How often the plugin gave the request back: 1 is right. */
unsigned testkit_times_answered(const struct testkit_request *req);

/* --- failures --- */

/* Lets the n-th allocation from now on fail (1 = the next; 0 = none): req->http->alloc() and every
 * call of the host's that may return -ENOMEM. The plugin's own malloc() is not touched. */
void testkit_fail_alloc(struct testkit *kit, unsigned n);
/* Whether that failure has happened since. */
int testkit_alloc_failed(const struct testkit *kit);
/* How many allocations there were so far. */
unsigned testkit_allocs(const struct testkit *kit);

/* What was found wrong so far: requests never answered or answered twice, handles left behind,
 * values not released, transactions and cursors left open, calls out of turn. */
size_t testkit_problems_count(const struct testkit *kit);
const char *testkit_problem(const struct testkit *kit, size_t n);

/* The longest time that one call into the plugin took, milliseconds of real time; *ret_what
 * ("handle", "on_timer" ...) may be NULL. */
uint64_t testkit_slowest_ms(const struct testkit *kit, const char **ret_what);

/* Calls `on_call` before (entered = 1) and after (0) every call into the plugin. NULL ends it. */
void testkit_on_call(struct testkit *kit, void (*on_call)(void *arg, const char *what, int entered),
                     void *arg);

/* --- what the plugin wrote --- */

/* The log: lines "<level>: <text>\n". Valid: until the next line. */
const char *testkit_log(const struct testkit *kit);

/* Reads, seeds and counts the store from outside. The value has a NUL behind it and is valid until
 * the store changes; NULL when the key is not there. */
void testkit_store_put(struct testkit *kit, const char *key, const char *value);
const char *testkit_store_get(const struct testkit *kit, const char *key);
size_t testkit_store_count(const struct testkit *kit);
/* Lets every call on the store fail with this (-EIO, -ENOSPC); 0 ends it. */
void testkit_store_fail(struct testkit *kit, int error);

/* A counter's or gauge's value, or a histogram's sum; 0 when there is none. `values`: the label
 * values, separated by '|'; NULL without labels. */
double testkit_metric(const struct testkit *kit, const char *name, const char *values);
/* How often it was added to, set or observed. */
uint64_t testkit_metric_count(const struct testkit *kit, const char *name, const char *values);

/* --- listeners --- */

/* The plugin's open listeners; port 0 for a unix socket, whose path is then not NULL. */
size_t testkit_listeners_count(const struct testkit *kit);
uint16_t testkit_listener_port(const struct testkit *kit, size_t n);
const char *testkit_listener_path(const struct testkit *kit, size_t n);
/* Makes a port taken, by somebody else. */
void testkit_take_port(struct testkit *kit, uint16_t port);

/* --- others that the plugin talks to --- */

enum testkit_side {
    TESTKIT_FETCH = 0,
    TESTKIT_PROXY = 1,
    TESTKIT_DISPATCH = 2, /* "<method> <target> <X-Amz-Target>" */
    TESTKIT_RUN = 3 /* of doctor(): "run <argv>"; the answer's error, status (exit) and body */
};

/* An answer of somebody else. Copied. */
struct testkit_answer {
    int status;          /* 0 = 200, of TESTKIT_RUN 0 */
    int error;           /* a negative errno instead of an answer */
    const char *headers; /* "Name: value\n" for each; NULL = none */
    const char *body;    /* NULL = empty */
    size_t body_length;  /* 0 = strlen(body) */
    size_t piece_bytes;  /* of a streamed body: size of a part; 0 = all at once */
};

/* Prepares an answer for what the plugin sends to `side`. It is used for what "<method> <url or
 * target>" holds `match` (NULL: for everything); earlier ones are asked first; `times` = how often,
 * 0 = for ever. What no answer fits: -ECONNREFUSED for fetch and proxy, status 400 for dispatch. */
void testkit_script(struct testkit *kit, enum testkit_side side, const char *match,
                    const struct testkit_answer *answer, unsigned times);

/* Something that the plugin sent. */
struct testkit_message {
    const char *method;
    const char *target;  /* fetch: the URL */
    const char *headers; /* "Name: value\n" for each */
    struct virga_str body;
};

/* What the plugin sent to `side`, in order, from 0; NULL beyond the last. */
const struct testkit_message *testkit_sent(const struct testkit *kit, enum testkit_side side,
                                           size_t n);

/* --- child processes: none is started, the test plays them --- */

/* Lets the next spawn() fail. */
void testkit_process_fail(struct testkit *kit, int error);
/* Makes a process known to adopt(). */
void testkit_process_leave(struct testkit *kit, struct virga_process_id id);
/* How many were spawned or adopted so far; they are numbered from 0. */
size_t testkit_processes_count(const struct testkit *kit);
/* argv, with a space between; "" of an adopted one. */
const char *testkit_process_command(const struct testkit *kit, size_t n);
/* Whether it still runs. SIGKILL ends it in the next run, and SIGTERM unless it was made stubborn.
 */
int testkit_process_runs(const struct testkit *kit, size_t n);
void testkit_process_stubborn(struct testkit *kit, size_t n);
/* It writes something; it ends. The plugin hears of it in the next run. */
void testkit_process_output(struct testkit *kit, size_t n, const char *text);
void testkit_process_exit(struct testkit *kit, size_t n, int status, int term_signal);

#ifdef __cplusplus
}
#endif
#endif
