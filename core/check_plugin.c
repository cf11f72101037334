/* SPDX-License-Identifier: MIT */
/* What check-plugin checks. Every text is for the plugin's author, who may not know the host. */
#include "check_plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include "host.h"
#include "interfaces.h"
#include "nearest.h"
#include "router.h"

/* Start, requests and stop, so often before memory is measured, and so often while it is. */
#define WARM_UP_ROUNDS 10
#define MEASURED_ROUNDS 20
/* Less than this for each round is noise of the C library. */
#define LEAK_BYTES 16
/* After this a check that repeats things stops repeating them. */
#define CHECK_SECONDS 20

void check_say(struct check_subject *subject, enum check_verdict verdict, const char *format, ...) {
    struct check_report *report = subject->report;
    struct check_finding finding = {.verdict = verdict};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(finding.text, sizeof finding.text, format, args);
    va_end(args);
    for (size_t i = 0; i < report->count; i++) {
        if (strcmp(report->findings[i].text, finding.text) == 0) {
            return;
        }
    }
    if (report->count == CHECK_FINDINGS_MAX) {
        report->lost++;
        return;
    }
    report->findings[report->count] = finding;
    report->count++;
}

/* --- exports: the file alone --- */

static bool of_sanitizer(const char *symbol) {
    return strncmp(symbol, "__asan", 6) == 0 || strncmp(symbol, "__ubsan", 7) == 0 ||
           strncmp(symbol, "__tsan", 6) == 0 || strncmp(symbol, "__odr_asan", 10) == 0 ||
           strncmp(symbol, "__sanitizer", 11) == 0;
}

/* What linkers and sanitizers add by themselves. */
static bool is_harmless(const char *symbol) {
    static const char *const names[] = {"_init", "_fini", "_end", "_edata", "__bss_start"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(symbol, names[i]) == 0) {
            return true;
        }
    }
    return of_sanitizer(symbol);
}

static void check_exports(struct check_subject *subject) {
    const struct elf_file *elf = subject->elf;
    char others[200] = "";
    size_t used = 0;
    size_t count = 0;
    if (!elf_file_has_export(elf, VIRGA_PLUGIN_SYMBOL)) {
        check_say(subject, CHECK_FAIL,
                  "it does not export " VIRGA_PLUGIN_SYMBOL
                  ", so it is no plugin: define the descriptor at file scope, not static (in C++: "
                  "extern \"C\")");
        subject->report->unusable = true;
        return;
    }
    for (size_t i = 0; i < elf->exports_count; i++) {
        const char *name = elf->exports[i];
        if (strcmp(name, VIRGA_PLUGIN_SYMBOL) == 0 || is_harmless(name)) {
            continue;
        }
        count++;
        if (used < sizeof others) {
            used += (size_t)snprintf(others + used, sizeof others - used, "%s%s",
                                     used > 0 ? ", " : "", name);
        }
    }
    if (count > 0) {
        check_say(subject, CHECK_FAIL,
                  "it exports %zu symbol%s besides " VIRGA_PLUGIN_SYMBOL
                  ", which may clash with others' (%s): build it with virga_add_plugin(), or "
                  "with -fvisibility=hidden and a version script",
                  count, count == 1 ? "" : "s", others);
    }
}

/* --- loading --- */

bool check_load(struct check_subject *subject) {
    struct host host = {.loop = NULL};
    struct error err = {0};
    int result = plugin_load(&host, subject->path, &subject->loaded, &err);
    if (result != 0) {
        check_say(subject, CHECK_FAIL, "%s", err.text);
        subject->report->unusable = true;
        return false;
    }
    subject->plugin = subject->loaded->desc;
    return true;
}

/* Symbols that the plugin finds only because this program happens to have them. */
static void check_loads(struct check_subject *subject) {
    char names[200] = "";
    size_t used = 0;
    if (!check_load(subject)) {
        return;
    }
    for (size_t i = 0; i < subject->elf->imports_count && used < sizeof names; i++) {
        const char *name = subject->elf->imports[i];
        if (!of_sanitizer(name) && dlsym(subject->loaded->library, name) == NULL) {
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                     used > 0 ? ", " : "", name);
        }
    }
    if (used > 0) {
        check_say(subject, CHECK_FAIL,
                  "it uses symbols of no library that it is linked to, which are found by chance "
                  "in the host: %s. Link the library to the plugin, and build with -Wl,-z,defs",
                  names);
    }
}

/* --- the descriptor --- */

/* What loading did not refuse already. */
static void check_keys(struct check_subject *subject) {
    const struct virga_plugin *plugin = subject->plugin;
    for (size_t i = 0; i < plugin->config_keys_count; i++) {
        struct virga_config_key key = plugin_config_key(plugin, i);
        if (strcmp(key.key, "enabled") == 0) {
            check_say(subject, CHECK_FAIL, "config key enabled: the host adds it by itself");
        }
        if (key.help == NULL || key.help[0] == '\0') {
            check_say(subject, CHECK_NOTE,
                      "config key %s has no help: virga config cannot say what it is for", key.key);
        }
        for (size_t other = 0; other < i; other++) {
            struct virga_config_key earlier = plugin_config_key(plugin, other);
            if (earlier.key != NULL && strcmp(earlier.key, key.key) == 0) {
                check_say(subject, CHECK_FAIL, "config key %s is there twice", key.key);
            }
        }
    }
}

static void check_routes(struct check_subject *subject) {
    struct router *router = NULL;
    struct error err = {0};
    if (router_create(&router) == 0 && router_add_plugin(router, subject->loaded, &err) != 0) {
        check_say(subject, CHECK_FAIL, "%s", err.text);
        subject->report->unusable = true;
    }
    router_destroy(router);
    if (subject->plugin->routes_count == 0) {
        check_say(subject, CHECK_NOTE, "it has no routes: no request ever comes to handle()");
    }
}

/* The host's interface whose id looks like this one; NULL: none. */
static const char *near_interface(const char *id) {
    static const char *const ids[] = {
        VIRGA_CONFIG_ID,  VIRGA_LOG_ID,   VIRGA_TIMER_ID,    VIRGA_WORK_ID,
        VIRGA_STORE_ID,   VIRGA_PROXY_ID, VIRGA_FILE_ID,     VIRGA_LISTENER_ID,
        VIRGA_PROCESS_ID, VIRGA_FETCH_ID, VIRGA_DISPATCH_ID, VIRGA_METRICS_ID,
    };
    struct nearest nearest;
    nearest_init(&nearest, id, nearest_typo_limit(id));
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        nearest_offer(&nearest, ids[i]);
    }
    return nearest.best;
}

/* The first need that this host alone does not meet; NULL: none. */
static const char *foreign_need(const struct virga_plugin *plugin) {
    for (const char *const *id = plugin->needs; id != NULL && *id != NULL; id++) {
        if (!interfaces_is_host(*id)) {
            return *id;
        }
    }
    return NULL;
}

static void check_ids(struct check_subject *subject, const char *list, const char *const *ids) {
    for (; ids != NULL && *ids != NULL; ids++) {
        const char *near = near_interface(*ids);
        if (interfaces_is_host(*ids)) {
            continue;
        }
        if (near != NULL) {
            check_say(subject, CHECK_FAIL, "it %s %s, which this host does not have: %s is meant?",
                      list, *ids, near);
            subject->report->unusable = true;
        } else {
            check_say(subject, CHECK_NOTE,
                      "it %s %s: not the host's, so another plugin must provide it", list, *ids);
        }
    }
}

static void check_descriptor(struct check_subject *subject) {
    if (!check_load(subject)) {
        return;
    }
    const struct virga_plugin *plugin = subject->plugin;
    if (plugin->abi_minor > VIRGA_ABI_MINOR) {
        check_say(subject, CHECK_NOTE,
                  "it was built with plugin ABI %u.%u, this host has %d.%d: it must ask "
                  "VIRGA_HAS() before it uses what is newer",
                  plugin->abi_major, plugin->abi_minor, VIRGA_ABI_MAJOR, VIRGA_ABI_MINOR);
    }
    if (plugin->summary == NULL || plugin->summary[0] == '\0') {
        check_say(subject, CHECK_NOTE, "it has no summary for virga plugins to show");
    }
    check_keys(subject);
    check_routes(subject);
    check_ids(subject, "needs", plugin->needs);
    check_ids(subject, "wants", plugin->wants);
}

/* --- kits --- */

static void on_call(void *arg, const char *what, int entered) {
    struct check_report *report = arg;
    (void)snprintf(report->callback, sizeof report->callback, "%s", entered ? what : "");
}

struct testkit *check_kit(struct check_subject *subject) {
    struct testkit *kit = testkit_create(subject->plugin);
    testkit_on_call(kit, on_call, subject->report);
    for (const char *const *setting = subject->settings; *setting != NULL; setting++) {
        char key[256];
        size_t len = strcspn(*setting, "=");
        (void)snprintf(key, sizeof key, "%.*s", (int)len, *setting);
        if ((*setting)[len] != '=' || testkit_set(kit, key, *setting + len + 1) != 0) {
            check_say(subject, CHECK_FAIL, "the setting %s: %s", *setting,
                      (*setting)[len] != '=' ? "want KEY=VALUE" : testkit_error(kit));
            subject->report->unusable = true;
            (void)testkit_destroy(kit);
            return NULL;
        }
    }
    return kit;
}

void check_end(struct check_subject *subject, struct testkit *kit, const char *prefix) {
    struct check_report *report = subject->report;
    const char *what;
    testkit_stop(kit);
    for (size_t i = 0; i < testkit_problems_count(kit); i++) {
        check_say(subject, CHECK_FAIL, "%s%s", prefix, testkit_problem(kit, i));
    }
    uint64_t slowest = testkit_slowest_ms(kit, &what);
    if (slowest > report->slow_ms) {
        report->slow_ms = slowest;
        (void)snprintf(report->slow_what, sizeof report->slow_what, "%s", what);
    }
    (void)testkit_destroy_quietly(kit);
}

struct testkit *check_running_kit(struct check_subject *subject) {
    struct testkit *kit = check_kit(subject);
    if (kit != NULL && testkit_start(kit) != 0) {
        check_say(subject, CHECK_FAIL,
                  "it does not start: %s (settings are given as KEY=VALUE after the file)",
                  testkit_error(kit));
        subject->report->unusable = true;
        check_end(subject, kit, "after the failed start: ");
        return NULL;
    }
    return kit;
}

/* --- life --- */

static void check_life(struct check_subject *subject) {
    if (!check_load(subject)) {
        return;
    }
    const char *need = foreign_need(subject->plugin);
    if (need != NULL) {
        check_say(subject, CHECK_NOTE,
                  "it was not started: it needs %s, which another plugin must provide. Test it "
                  "with the testkit, which can offer one",
                  need);
        subject->report->unusable = true;
        return;
    }
    struct testkit *kit = check_running_kit(subject);
    if (kit == NULL) {
        return;
    }
    /* Twice on one host, then on another: what static variables keep is found. */
    testkit_stop(kit);
    if (testkit_start(kit) != 0) {
        check_say(subject, CHECK_FAIL,
                  "it starts once, but not again after stop() and destroy(): %s",
                  testkit_error(kit));
    }
    check_end(subject, kit, "");
    kit = check_running_kit(subject);
    if (kit != NULL) {
        check_end(subject, kit, "");
    }
}

/* --- requests --- */

/* Requests that the plugin keeps, to be looked at again after its stop. */
struct kept {
    struct check_subject *subject;
    char name[400]; /* of the request that is under way */
    size_t count;
    struct {
        const struct testkit_request *req;
        char name[400];
    } open[CHECK_FINDINGS_MAX];
};

static void note_answer(void *arg, struct testkit_request *req, bool sent) {
    struct kept *kept = arg;
    if (!sent) {
        (void)snprintf(kept->name, sizeof kept->name, "%s", kept->subject->report->request);
    } else if (testkit_status(req) == 0 && kept->count < CHECK_FINDINGS_MAX) {
        kept->open[kept->count].req = req;
        memcpy(kept->open[kept->count].name, kept->name, sizeof kept->name);
        kept->count++;
    }
}

static void check_answers(struct check_subject *subject) {
    static struct kept kept;
    struct testkit *kit = check_load(subject) ? check_running_kit(subject) : NULL;
    if (kit == NULL) {
        return;
    }
    kept = (struct kept){.subject = subject};
    (void)check_requests_send(subject, kit, note_answer, &kept);
    testkit_stop(kit);
    for (size_t i = 0; i < kept.count; i++) {
        if (testkit_times_answered(kept.open[i].req) > 0) {
            check_say(
                subject, CHECK_NOTE,
                "%s: no answer within a minute of the plugin's time; answered when the client "
                "left",
                kept.open[i].name);
        }
    }
    check_end(subject, kit, "");
}

bool check_out_of_time(void) {
    static time_t end;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (end == 0) {
        end = now.tv_sec + CHECK_SECONDS;
    }
    return now.tv_sec > end;
}

/* --- memory --- */

static size_t heap_bytes(void) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

static bool rounds(struct check_subject *subject, int count) {
    for (int i = 0; i < count; i++) {
        struct testkit *kit = check_out_of_time() ? NULL : check_running_kit(subject);
        if (kit == NULL) {
            subject->report->unknown = true;
            return false;
        }
        (void)check_requests_send(subject, kit, NULL, NULL);
        testkit_stop(kit);
        (void)testkit_destroy_quietly(kit);
    }
    return true;
}

static void check_growth(struct check_subject *subject) {
    if (!check_load(subject)) {
        return;
    }
    if (heap_bytes() == 0) {
        subject->report->unknown = true;
        check_say(subject, CHECK_NOTE,
                  "not measured: this build of virga cannot see the heap (a sanitizer, or a C "
                  "library without mallinfo2())");
        return;
    }
    size_t first = 0;
    size_t middle = 0;
    size_t last = 0;
    bool measured = rounds(subject, WARM_UP_ROUNDS);
    first = heap_bytes();
    measured = measured && rounds(subject, MEASURED_ROUNDS);
    middle = heap_bytes();
    measured = measured && rounds(subject, MEASURED_ROUNDS);
    last = heap_bytes();
    if (!measured) {
        check_say(subject, CHECK_NOTE, "not measured: %d rounds take too long",
                  WARM_UP_ROUNDS + 2 * MEASURED_ROUNDS);
        return;
    }
    /* Only what grows all the time is a leak: a cache comes to an end. */
    if (middle >= first + MEASURED_ROUNDS * LEAK_BYTES &&
        last >= middle + MEASURED_ROUNDS * LEAK_BYTES) {
        check_say(subject, CHECK_FAIL,
                  "each start, one request of each kind and stop leave about %zu bytes on the "
                  "heap: look for a free() that is missing (-fsanitize=address names the place)",
                  (last - middle) / MEASURED_ROUNDS);
    }
}

const struct check check_list[] = {
    {"exports", check_exports, true, VIRGA_PLUGIN_SYMBOL " and nothing else"},
    {"loading", check_loads, false, "every symbol is found, in libraries that it is linked to"},
    {"descriptor", check_descriptor, false, "version, settings, routes and needs are well formed"},
    {"start, stop", check_life, false,
     "it starts, stops and starts again, and leaves nothing behind"},
    {"requests", check_answers, false,
     "each route answers exactly once: nothing, {}, garbage, no action (no real action is called)"},
    {"no memory", check_memory_failures, false,
     "every allocation of the host's was refused once: no crash, all answered"},
    {"leaks", check_growth, false, "the heap does not grow from start to start"},
};

const size_t check_list_count = sizeof check_list / sizeof check_list[0];
