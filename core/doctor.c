/* SPDX-License-Identifier: MIT */
/* The report that checks write into, and the processes in which plugins check. */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "config.h"
#include "host.h"
#include "interfaces.h"

#define PLUGIN_TIMEOUT_MS 30000
#define PLUGIN_REPORT_MAX (256u << 10)
#define FINDINGS_MAX 512

/* Texts come from plugins, programs and whoever answers on a port: what a terminal would obey
 * becomes a space. */
static char *copy_of(const char *text) {
    char *copy = text != NULL ? strdup(text) : NULL;
    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = ' ';
        }
    }
    return copy;
}

static void finding_free(struct doctor_finding *finding) {
    free(finding->owner);
    free(finding->check);
    free(finding->found);
    free(finding->remedy);
}

static void add(struct doctor *doctor, enum virga_doctor_verdict verdict, const char *check,
                const char *found, const char *remedy) {
    struct doctor_finding finding = {
        .verdict = verdict,
        .owner = copy_of(doctor->owner),
        .check = copy_of(check),
        .found = copy_of(found),
        .remedy = copy_of(remedy),
    };
    void *grown = doctor->count < FINDINGS_MAX
                      ? realloc(doctor->findings, (doctor->count + 1) * sizeof finding)
                      : NULL;
    if (grown != NULL) {
        doctor->findings = grown;
    }
    if (grown == NULL || finding.owner == NULL || finding.check == NULL || finding.found == NULL) {
        finding_free(&finding);
        return;
    }
    doctor->findings[doctor->count++] = finding;
}

void doctor_say(struct doctor *doctor, enum virga_doctor_verdict verdict, const char *check,
                const char *remedy, const char *format, ...) {
    char found[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(found, sizeof found, format, args);
    va_end(args);
    doctor->api.report(&doctor->api, verdict, check, found, remedy);
}

/* --- what plugins get --- */

static struct doctor *doctor_from(const struct virga_doctor *api) {
    return (struct doctor *)(void *)(uintptr_t)api;
}

/* A finding on the pipe: the verdict's digit, then three texts that end with NUL. */
static void send_finding(int fd, enum virga_doctor_verdict verdict, const char *const texts[3]) {
    char digit = (char)('0' + (int)verdict);
    bool sent = write(fd, &digit, 1) == 1;
    for (size_t i = 0; i < 3 && sent; i++) {
        const char *at = texts[i] != NULL ? texts[i] : "";
        size_t left = strlen(at) + 1;
        while (left > 0 && sent) {
            ssize_t wrote = write(fd, at, left);
            sent = wrote > 0 || (wrote < 0 && errno == EINTR);
            at += wrote > 0 ? wrote : 0;
            left -= wrote > 0 ? (size_t)wrote : 0;
        }
    }
}

static void report(const struct virga_doctor *api, enum virga_doctor_verdict verdict,
                   const char *check, const char *found, const char *remedy) {
    struct doctor *doctor = doctor_from(api);
    /* A verdict of a later ABI counts as the worst. */
    if (verdict < VIRGA_DOCTOR_OK || verdict > VIRGA_DOCTOR_FAIL) {
        verdict = VIRGA_DOCTOR_FAIL;
    }
    if (doctor->pipe >= 0) {
        const char *const texts[3] = {check, found, remedy};
        send_finding(doctor->pipe, verdict, texts);
        return;
    }
    add(doctor, verdict, check != NULL ? check : "", found != NULL ? found : "",
        remedy != NULL && remedy[0] != '\0' ? remedy : NULL);
}

static int run(const struct virga_doctor *api, const char *const *argv, char *output, size_t size) {
    (void)api;
    return doctor_run(argv, output, size);
}

static int try_port(const struct virga_doctor *api, uint16_t port) {
    return doctor_try_port(config_string(doctor_from(api)->host->config, "floci.bind-address"),
                           port);
}

void doctor_init(struct doctor *doctor, struct host *host) {
    *doctor = (struct doctor){
        .api = {.struct_size = sizeof doctor->api,
                .report = report,
                .run = run,
                .try_port = try_port},
        .host = host,
        .owner = DOCTOR_OWN,
        .pipe = -1,
    };
}

void doctor_finish(struct doctor *doctor) {
    for (size_t i = 0; i < doctor->count; i++) {
        finding_free(&doctor->findings[i]);
    }
    free(doctor->findings);
    doctor->findings = NULL;
    doctor->count = 0;
}

/* --- a plugin's checks --- */

/* Everything else needs a loop that turns. */
static const void *get_config_only(const struct virga_host *api, const char *id) {
    return strcmp(id, VIRGA_CONFIG_ID) == 0 ? interfaces_get(api, id) : NULL;
}

static void run_checks(struct doctor *doctor, struct plugin *plugin, int fd) {
    doctor->pipe = fd;
    plugin->api.get_interface = get_config_only;
    plugin->desc->doctor(&plugin->api, &doctor->api);
}

/* Reads to the end. False: the time or the size was passed. */
static bool read_report(int fd, char *bytes, size_t size, size_t *ret_len) {
    uint64_t deadline_ms = uv_hrtime() / 1000000 + PLUGIN_TIMEOUT_MS;
    size_t len = 0;
    for (;;) {
        uint64_t now_ms = uv_hrtime() / 1000000;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (now_ms >= deadline_ms || len == size) {
            break;
        }
        if (poll(&wait, 1, (int)(deadline_ms - now_ms)) <= 0) {
            continue;
        }
        ssize_t got = read(fd, bytes + len, size - len);
        if (got == 0) {
            *ret_len = len;
            return true;
        }
        len += got > 0 ? (size_t)got : 0;
    }
    *ret_len = len;
    return false;
}

static void take_findings(struct doctor *doctor, const char *bytes, size_t len) {
    const char *end = bytes + len;
    while (bytes < end) {
        enum virga_doctor_verdict verdict = (enum virga_doctor_verdict)(*bytes++ - '0');
        const char *texts[3];
        for (size_t i = 0; i < 3; i++) {
            const char *nul = bytes < end ? memchr(bytes, '\0', (size_t)(end - bytes)) : NULL;
            if (nul == NULL) {
                return; /* it ended in the middle of a finding */
            }
            texts[i] = bytes;
            bytes = nul + 1;
        }
        doctor->api.report(&doctor->api, verdict, texts[0], texts[1], texts[2]);
    }
}

static void judge_end(struct doctor *doctor, int status, bool complete) {
    if (!complete) {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "checks", NULL,
                   "the plugin's checks did not end within %d s", PLUGIN_TIMEOUT_MS / 1000);
    } else if (WIFSIGNALED(status)) {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "checks", NULL,
                   "the plugin's checks crashed (signal %d, %s)", WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) != 0) {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "checks", NULL,
                   "the plugin's checks ended their process with status %d", WEXITSTATUS(status));
    }
}

static void collect(struct doctor *doctor, pid_t pid, int fd) {
    char *bytes = malloc(PLUGIN_REPORT_MAX);
    size_t len = 0;
    int status = 0;
    bool complete = bytes != NULL && read_report(fd, bytes, PLUGIN_REPORT_MAX, &len);
    if (!complete) {
        (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (bytes != NULL) {
        take_findings(doctor, bytes, len);
    }
    judge_end(doctor, status, complete);
    free(bytes);
}

void doctor_check_plugin(struct doctor *doctor, struct plugin *plugin) {
    int ends[2];
    if (plugin->desc->doctor == NULL) {
        return;
    }
    doctor->owner = plugin->desc->name;
    (void)fflush(NULL);
    pid_t pid = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
    if (pid == 0) {
        (void)close(ends[0]);
        run_checks(doctor, plugin, ends[1]);
        _exit(0);
    }
    if (pid > 0) {
        (void)close(ends[1]);
        collect(doctor, pid, ends[0]);
        (void)close(ends[0]);
    } else {
        doctor_say(doctor, VIRGA_DOCTOR_FAIL, "checks", NULL, "no process can be made: %s",
                   strerror(errno));
    }
    doctor->owner = DOCTOR_OWN;
}
