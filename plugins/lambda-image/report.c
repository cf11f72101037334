/* SPDX-License-Identifier: MIT */
/* Lines of the log and error documents. */
#include "report.h"

#include <signal.h>
#include <stdarg.h>
#include <virga/helpers/json_writer.h>
#include <virga/helpers/time.h>

#define NS_PER_MS 1000000
#define BYTES_PER_MB (INT64_C(1024) * 1024)
#define MESSAGE_MAX 600 /* bytes of a reason; a document with it must fit REPORT_SIZE */

VIRGA_PRINTF(3, 4)
static size_t add(char *line, size_t at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line + at, REPORT_SIZE - at, format, args);
    va_end(args);
    if (len < 0) {
        return at;
    }
    size_t end = at + (size_t)len;
    return end < REPORT_SIZE ? end : REPORT_SIZE - 1;
}

static double to_ms(int64_t ns) {
    return (double)ns / NS_PER_MS;
}

size_t report_start(const char *request_id, const char *version, char ret_line[REPORT_SIZE]) {
    return add(ret_line, 0, "START RequestId: %s Version: %s\n", request_id, version);
}

size_t report_end(const char *request_id, char ret_line[REPORT_SIZE]) {
    return add(ret_line, 0, "END RequestId: %s\n", request_id);
}

static size_t add_status(char *line, size_t at, const char *status, const char *error_type) {
    if (status != NULL) {
        at = add(line, at, "Status: %s", status);
        if (error_type != NULL) {
            at = add(line, at, "\tError Type: %.*s", REPORT_TYPE_MAX, error_type);
        }
    }
    return add(line, at, "\n");
}

size_t report_line(const struct report *report, char ret_line[REPORT_SIZE]) {
    int64_t billed_ms = (report->duration_ns + NS_PER_MS - 1) / NS_PER_MS;
    size_t at = add(ret_line, 0,
                    "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %lld ms\tMemory "
                    "Size: %lld MB\t",
                    report->request_id, to_ms(report->duration_ns), (long long)billed_ms,
                    (long long)report->memory_mb);
    if (report->peak_bytes >= 0) {
        int64_t peak_mb = (report->peak_bytes + BYTES_PER_MB - 1) / BYTES_PER_MB;
        at = add(ret_line, at, "Max Memory Used: %lld MB\t", (long long)peak_mb);
    }
    if (report->init_ns >= 0) {
        at = add(ret_line, at, "Init Duration: %.2f ms\t", to_ms(report->init_ns));
    }
    return add_status(ret_line, at, report->status, report->error_type);
}

size_t report_init(int64_t init_ns, const char *phase, const char *status, const char *error_type,
                   char ret_line[REPORT_SIZE]) {
    size_t at =
        add(ret_line, 0, "INIT_REPORT Init Duration: %.2f ms\tPhase: %s\t", to_ms(init_ns), phase);
    return add_status(ret_line, at, status, error_type);
}

size_t report_failure(const char *request_id, const char *message, const char *error_type,
                      char ret_line[REPORT_SIZE]) {
    return add(ret_line, 0, "RequestId: %s Error: %.*s\n%.*s\n", request_id, MESSAGE_MAX, message,
               REPORT_TYPE_MAX, error_type);
}

size_t report_timeout(int64_t now_ms, const char *request_id, int64_t timeout_ms,
                      char ret_line[REPORT_SIZE]) {
    char time[VIRGA_TIME_SIZE];
    virga_time_format(now_ms, time);
    return add(ret_line, 0, "%s %s Task timed out after %.2f seconds\n\n", time, request_id,
               (double)timeout_ms / 1000);
}

size_t report_document(const char *request_id, const char *message, const char *error_type,
                       char ret_json[REPORT_SIZE]) {
    struct virga_json_writer writer = {0};
    char text[REPORT_SIZE];
    (void)snprintf(text, sizeof text, "RequestId: %s Error: %.*s", request_id, MESSAGE_MAX,
                   message);
    virga_json_begin_object(&writer, NULL);
    virga_json_string(&writer, "errorType", error_type);
    virga_json_string(&writer, "errorMessage", text);
    virga_json_end_object(&writer);
    size_t len;
    if (writer.failed || writer.len >= REPORT_SIZE) {
        /* Out of memory, or a reason full of characters that must be escaped. */
        len = add(ret_json, 0, "{\"errorType\":\"Runtime.Unknown\",\"errorMessage\":\"\"}");
    } else {
        len = add(ret_json, 0, "%.*s", (int)writer.len, writer.ptr);
    }
    virga_json_finish(&writer);
    return len;
}

/* Source: Go's syscall.Signal.String(), which Lambda's own process writes. */
static const char *signal_name(int signum) {
    switch (signum) {
    case SIGHUP:
        return "hangup";
    case SIGINT:
        return "interrupt";
    case SIGQUIT:
        return "quit";
    case SIGILL:
        return "illegal instruction";
    case SIGTRAP:
        return "trace/breakpoint trap";
    case SIGABRT:
        return "aborted";
    case SIGBUS:
        return "bus error";
    case SIGFPE:
        return "floating point exception";
    case SIGKILL:
        return "killed";
    case SIGUSR1:
        return "user defined signal 1";
    case SIGSEGV:
        return "segmentation fault";
    case SIGUSR2:
        return "user defined signal 2";
    case SIGPIPE:
        return "broken pipe";
    case SIGALRM:
        return "alarm clock";
    case SIGTERM:
        return "terminated";
    case SIGXCPU:
        return "CPU time limit exceeded";
    case SIGXFSZ:
        return "file size limit exceeded";
    case SIGSYS:
        return "bad system call";
    default:
        return NULL;
    }
}

static void name_signal(int signum, char *ret_message) {
    const char *name = signal_name(signum);
    if (name != NULL) {
        (void)add(ret_message, 0, "Runtime exited with error: signal: %s", name);
    } else {
        (void)add(ret_message, 0, "Runtime exited with error: signal: signal %d", signum);
    }
}

void report_exit(const struct executor_exit *end, const char *cwd, const char **ret_type,
                 char ret_message[REPORT_SIZE]) {
    *ret_type = "Runtime.ExitError";
    switch (end->end) {
    case EXECUTOR_EXITED:
        if (end->status == 0) {
            (void)add(ret_message, 0, "Runtime exited without providing a reason");
        } else {
            (void)add(ret_message, 0, "Runtime exited with error: exit status %d", end->status);
        }
        break;
    case EXECUTOR_SIGNALLED:
        name_signal(end->signal, ret_message);
        break;
    case EXECUTOR_OOM:
        *ret_type = "Runtime.OutOfMemory";
        name_signal(SIGKILL, ret_message);
        break;
    case EXECUTOR_ENTRYPOINT:
        *ret_type = "Runtime.InvalidEntrypoint";
        (void)add(ret_message, 0, "%.*s", MESSAGE_MAX, end->reason);
        break;
    case EXECUTOR_WORKDIR:
        *ret_type = "Runtime.InvalidWorkingDir";
        /* Source: the bootstrap of aws-lambda-runtime-interface-emulator. */
        (void)add(ret_message, 0,
                  cwd[0] == '/' ? "the working directory doesn't exist: %.*s"
                                : "the working directory '%.*s' is invalid, it needs to be an "
                                  "absolute path",
                  MESSAGE_MAX, cwd);
        break;
    case EXECUTOR_FAILED:
        *ret_type = "Sandbox.Failure";
        (void)add(ret_message, 0, "%.*s", MESSAGE_MAX, end->reason);
        break;
    }
}

static bool begins_with(struct virga_str text, const char *start) {
    size_t len = strlen(start);
    return text.len >= len && memcmp(text.ptr, start, len) == 0;
}

void report_type(struct virga_str given, char ret_type[REPORT_TYPE_MAX + 1]) {
    bool function = begins_with(given, "Function.");
    size_t at = function ? strlen("Function.") : strlen("Runtime.");
    bool right = (function || begins_with(given, "Runtime.")) && given.len <= REPORT_TYPE_MAX &&
                 given.len > at + 1 && given.ptr[at] >= 'A' && given.ptr[at] <= 'Z';
    for (size_t i = at; right && i < given.len; i++) {
        char c = given.ptr[i];
        right = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '.' || c == '_';
    }
    if (right) {
        memcpy(ret_type, given.ptr, given.len);
        ret_type[given.len] = '\0';
    } else {
        (void)snprintf(ret_type, REPORT_TYPE_MAX + 1, "%s",
                       function ? "Function.Unknown" : "Runtime.Unknown");
    }
}
