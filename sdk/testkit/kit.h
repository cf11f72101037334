/* SPDX-License-Identifier: MIT */
/* The inside of the testkit: the kit, its queue, and what every interface of it needs. Functions
 * begin with kit_: the library is linked into programs of others. */
#ifndef TESTKIT_KIT_H
#define TESTKIT_KIT_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <virga/testkit.h>

/* --- lists --- */

struct link {
    struct link *prev;
    struct link *next;
};

static inline void link_init(struct link *link) {
    link->prev = link;
    link->next = link;
}

static inline bool link_alone(const struct link *link) {
    return link->next == link;
}

static inline void link_append(struct link *list, struct link *link) {
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

static inline void link_remove(struct link *link) {
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link_init(link);
}

#define LINK_ENTRY(link, type, member)                                                             \
    ((type *)(void *)(uintptr_t)((const char *)(link)-offsetof(type, member)))
#define LINK_EACH(at, list)                                                                        \
    for (struct link *at = (list)->next, *at##_next = at->next; at != (list);                      \
         at = at##_next, at##_next = at->next)

/* --- growing text --- */

struct text {
    char *ptr;
    size_t len;
    size_t size;
};

void kit_text_add(struct text *text, const char *bytes, size_t len);
VIRGA_PRINTF(2, 3) void kit_text_printf(struct text *text, const char *format, ...);
/* Never NULL. */
const char *kit_text_get(const struct text *text);
void kit_text_free(struct text *text);

/* Memory of the testkit's own: zeroed; the program ends when there is none. */
void *kit_must_alloc(size_t size);
void *kit_must_grow(void *array, size_t count, size_t size);
char *kit_must_copy(const char *bytes, size_t len);
/* NULL stays NULL. */
char *kit_must_strdup(const char *text);

/* --- the kit --- */

/* Something that happens in the next run. */
struct task {
    struct link link;
    void (*run)(struct task *task);
};

/* What a plugin holds and must give back. */
struct handle {
    struct link link;
    struct testkit *kit;
    const char *kind;
    bool reported;
    void (*drop)(struct handle *handle); /* disarms and frees */
};

struct setting {
    char *key;
    char *value; /* NULL = unset */
    bool given;
    bool declared;
    struct virga_config_key decl;
};

struct offer {
    const char *id;
    const void *table;
};

enum kit_state { KIT_IDLE, KIT_RUNNING, KIT_STOPPING };

struct kit_call {
    struct testkit *kit;
    struct kit_call *outer;
    const char *what;
    uint64_t began_ns;
};

struct store_entry {
    struct virga_str key;
    struct virga_str value;
};

struct store_undo {
    struct virga_str key;
    struct virga_str value; /* ptr NULL: it was not there */
};

struct store {
    struct store_entry *entries; /* sorted by key */
    size_t count;
    size_t size;
    struct store_undo *undo;
    size_t undo_count;
    bool open; /* a transaction */
    int error;
};

struct testkit {
    struct virga_host host; /* first: the plugin's `host` argument */
    struct virga_plugin plugin;
    enum kit_state state;
    void *self;
    bool stopped;
    bool resetting; /* reset() returned -EINPROGRESS */
    int reset_status;
    bool in_doctor; /* the host has virga.config/1 and no other interface */
    struct text doctor;
    char error[600];
    enum virga_status status;
    char status_detail[256];

    struct setting *settings;
    size_t settings_count;
    struct offer *offers; /* by the test */
    size_t offers_count;
    struct offer *provided; /* by the plugin */
    size_t provided_count;
    char **withheld;
    size_t withheld_count;

    struct link tasks;
    struct link handles;
    struct link timers; /* in order of start */
    struct link work;   /* waiting, in order */
    bool hold_work;
    _Atomic uint64_t uptime_ms;     /* the clocks are [any] */
    _Atomic int64_t wall_offset_ms; /* wall = uptime + this */

    struct kit_call *calls;
    size_t calls_count;
    uint64_t slowest_ns;
    const char *slowest;
    void (*on_call)(void *arg, const char *what, int entered);
    void *on_call_arg;

    unsigned allocs;
    unsigned fail_at; /* 0 = never */
    bool alloc_failed;

    pthread_mutex_t log_lock; /* lines may come from the plugin's own threads */
    struct text log;
    char **problems;
    size_t problems_count;

    struct store store;
    struct link metrics;
    struct link listeners;
    uint16_t *taken_ports;
    size_t taken_ports_count;
    struct link requests;
    unsigned requests_sent;
    struct link scripts;
    struct link sent[4]; /* by enum testkit_side */
    struct link processes;
    size_t processes_count;
    struct virga_process_id *left;
    size_t left_count;
    int spawn_error;
};

static inline struct testkit *kit_from(const struct virga_host *host) {
    return (struct testkit *)(void *)(uintptr_t)host;
}

VIRGA_PRINTF(2, 3) void kit_problem(struct testkit *kit, const char *format, ...);
/* Returns `result`. */
VIRGA_PRINTF(3, 4) int kit_fail(struct testkit *kit, int result, const char *format, ...);

/* Whether this allocation is the one that is to fail; to be asked once by whatever may return
 * -ENOMEM. */
bool kit_alloc_fails(struct testkit *kit);

/* Puts it into the queue unless it is there. */
void kit_task_arm(struct testkit *kit, struct task *task, void (*run)(struct task *task));
void kit_task_disarm(struct task *task);
/* Before the first use. */
static inline void task_init(struct task *task) {
    link_init(&task->link);
}

void kit_handle_add(struct testkit *kit, struct handle *handle, const char *kind,
                    void (*drop)(struct handle *handle));
void kit_handle_remove(struct handle *handle);
/* Names what is still held and takes it back. */
void kit_handles_drop_all(struct testkit *kit);

/* Every call into the plugin stands between these. */
void kit_enter(struct kit_call *call, struct testkit *kit, const char *what);
void kit_leave(struct kit_call *call);

/* --- one part each --- */

extern const struct virga_http kit_http;
extern const struct virga_config kit_config;
extern const struct virga_log kit_log;
extern const struct virga_timer kit_timer;
extern const struct virga_work kit_work;
extern const struct virga_store kit_store;
extern const struct virga_listener kit_listener;
extern const struct virga_proxy kit_proxy;
extern const struct virga_file kit_file;
extern const struct virga_fetch kit_fetch;
extern const struct virga_process kit_process;
extern const struct virga_dispatch kit_dispatch;
extern const struct virga_metrics kit_metrics;

int kit_settings_init(struct testkit *kit);
/* Whether every default fits its own declaration. */
int kit_settings_check(struct testkit *kit);
void kit_settings_finish(struct testkit *kit);

/* Fires the timers that are due; how many. */
size_t kit_timers_fire(struct testkit *kit);
/* When the next one is due; UINT64_MAX: none. */
uint64_t kit_timers_next(const struct testkit *kit);

void kit_store_rollback(struct testkit *kit);
/* Names the cursors that a callback left open. */
void kit_store_check_cursors(struct testkit *kit, const char *what);
void kit_store_clear(struct testkit *kit);
void kit_metrics_finish(struct testkit *kit);
void kit_processes_finish(struct testkit *kit);
void kit_sent_finish(struct testkit *kit);

void kit_requests_cancel_all(struct testkit *kit);
/* Names and closes those that are still open. */
void kit_requests_end_all(struct testkit *kit);
void kit_requests_finish(struct testkit *kit);

/* --- others, scripted --- */

struct script {
    struct link link;
    enum testkit_side side;
    char *match;
    unsigned left; /* 0 = for ever */
    bool used_up;
    struct testkit_answer answer; /* strings owned */
};

/* Notes what was sent and finds the answer; NULL: none. Valid: until the kit is destroyed. */
const struct testkit_answer *kit_script_take(struct testkit *kit, enum testkit_side side,
                                             const char *method, const char *target,
                                             const struct text *headers, struct virga_str body);
/* Splits "Name: value\n" lines; both arrays and strings are in one allocation to be freed. */
struct virga_header *kit_headers_parse(const char *lines, size_t *ret_count);
void kit_headers_format(struct text *to, const struct virga_header *headers, size_t count);
struct virga_str kit_headers_find(const struct virga_header *headers, size_t count,
                                  const char *name);

#endif
