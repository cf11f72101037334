/* SPDX-License-Identifier: MIT */
/* The steps of a script. */
#include "bootstrap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void pause_ms(long ms) {
    struct timespec rest = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
    }
}

/* --- what is answered --- */

static void add_environment(struct text *to) {
    text_printf(to, "{");
    for (char **at = environ; *at != NULL; at++) {
        const char *equals = strchr(*at, '=');
        char name[256];
        if (equals != NULL) {
            (void)snprintf(name, sizeof name, "%.*s", (int)(equals - *at), *at);
            text_printf(to, at == environ ? "" : ",");
            text_json(to, name);
            text_printf(to, ":");
            text_json(to, equals + 1);
        }
    }
    text_printf(to, "}");
}

static void add_headers(struct function *f, struct text *to) {
    const struct {
        const char *name, *value;
    } told[] = {{"requestId", f->request_id},
                {"deadlineMs", f->deadline},
                {"arn", f->arn},
                {"traceId", f->trace},
                {"clientContext", f->client},
                {"cognitoIdentity", f->identity}};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        text_printf(to, i == 0 ? "{" : ",");
        text_json(to, told[i].name);
        text_printf(to, ":");
        text_json(to, told[i].value);
    }
    text_printf(to, "}");
}

/* echo: the event, what the Runtime API told, who and where the process is, and its environment. */
static void step_echo(struct function *f, char *argument) {
    char cwd[4096] = "";
    (void)argument;
    (void)getcwd(cwd, sizeof cwd);
    text_printf(&f->result, "{\"event\":%s,\"context\":", f->event != NULL ? f->event : "null");
    add_headers(f, &f->result);
    text_printf(&f->result,
                ",\"count\":%ld,\"pid\":%d,\"uid\":%d,\"gid\":%d,\"started\":%lld,\"cwd\":",
                f->count, (int)getpid(), (int)getuid(), (int)getgid(), (long long)f->started_us);
    text_json(&f->result, cwd);
    text_printf(&f->result, ",\"argv\":[");
    for (int i = 0; i < f->argc; i++) {
        text_printf(&f->result, i == 0 ? "" : ",");
        text_json(&f->result, f->argv[i]);
    }
    text_printf(&f->result, "],\"env\":");
    add_environment(&f->result);
    text_printf(&f->result, "}");
}

/* us: how long the handler took, and nothing else: for measurements. */
static void step_us(struct function *f, char *argument) {
    (void)argument;
    text_printf(&f->result, "{\"us\":%lld,\"count\":%ld}", (long long)(now_us() - f->begun_us),
                f->count);
}

/* big BYTES: a JSON string of so many bytes, quotes included. */
static void step_big(struct function *f, char *argument) {
    long size = atol(argument);
    text_add(&f->result, "\"", 1);
    for (long i = 2; i < size; i++) {
        text_add(&f->result, "x", 1);
    }
    text_add(&f->result, "\"", 1);
}

/* raw TEXT: exactly that. */
static void step_raw(struct function *f, char *argument) {
    text_add(&f->result, argument, strlen(argument));
}

/* empty: an answer of no bytes. */
static void step_empty(struct function *f, char *argument) {
    char path[128];
    (void)argument;
    (void)snprintf(path, sizeof path, "/2018-06-01/runtime/invocation/%s/response", f->request_id);
    post(f, path, "", "", 0);
    f->answered = 1;
}

static void step_type(struct function *f, char *argument) {
    (void)snprintf(f->type, sizeof f->type, "%s", argument);
}

/* fail TYPE MESSAGE: an error that the handler has caught. */
static void step_fail(struct function *f, char *argument) {
    char *message = strchr(argument, ' ');
    if (message != NULL) {
        *message++ = '\0';
    }
    post_error(f, argument, message != NULL ? message : "");
}

/* stream COUNT MS BYTES [cut|error]: so many chunks with pauses between, as a streamed answer; cut:
 * the connection breaks in the middle; error: the answer ends with the trailers of an error. */
static void step_stream(struct function *f, char *argument) {
    struct text head = {0}, chunk = {0};
    struct http http = {.address = f->api.address, .fd = -1};
    long count = 1, ms = 0, size = 1;
    char end[16] = "";
    (void)sscanf(argument, "%ld %ld %ld %15s", &count, &ms, &size, end);
    text_printf(&head,
                "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: %s\r\n"
                "Lambda-Runtime-Function-Response-Mode: streaming\r\nContent-Type: %s\r\n%s"
                "Transfer-Encoding: chunked\r\n\r\n",
                f->request_id, http.address,
                f->type[0] != '\0' ? f->type : "application/octet-stream",
                strcmp(end, "error") == 0 ? "Trailer: Lambda-Runtime-Function-Error-Type, "
                                            "Lambda-Runtime-Function-Error-Body\r\n"
                                          : "");
    int result = http_connect(&http);
    result = result == 0 ? http_send(&http, head.ptr, head.len) : result;
    /* What a function URL is told first: status and headers, then eight NULs. */
    if (f->result.len > 0) {
        text_printf(&chunk, "%zx\r\n", f->result.len + 8);
        text_add(&chunk, f->result.ptr, f->result.len);
        text_add(&chunk, "\0\0\0\0\0\0\0\0\r\n", 10);
        result = result == 0 ? http_send(&http, chunk.ptr, chunk.len) : result;
    }
    for (long i = 0; i < count && result == 0; i++) {
        text_clear(&chunk);
        text_printf(&chunk, "%lx\r\n", size);
        for (long byte = 0; byte < size; byte++) {
            char letter = (char)('a' + i % 26);
            text_add(&chunk, &letter, 1);
        }
        text_add(&chunk, "\r\n", 2);
        result = http_send(&http, chunk.ptr, chunk.len);
        pause_ms(ms);
    }
    if (result == 0 && strcmp(end, "cut") != 0) {
        static const char last[] = "0\r\n\r\n",
                          error[] = "0\r\nLambda-Runtime-Function-Error-Type: Function.Broke\r\n"
                                    "Lambda-Runtime-Function-Error-Body: "
                                    "eyJlcnJvck1lc3NhZ2UiOiJicm9rZSJ9\r\n\r\n";
        result = strcmp(end, "error") == 0 ? http_send(&http, error, sizeof error - 1)
                                           : http_send(&http, last, sizeof last - 1);
        result = result == 0 ? http_read(&http, &f->said) : result;
    }
    http_close(&http);
    free(head.ptr);
    free(chunk.ptr);
    if (result != 0) {
        (void)fprintf(stderr, "bootstrap: the stream was refused\n");
    }
    f->answered = 1;
}

/* aws METHOD PATH [BODY]: a call to AWS_ENDPOINT_URL as a SDK signs it; `sts` as PATH is
 * GetCallerIdentity. */
static void step_aws(struct function *f, char *argument) {
    struct text headers = {0};
    const char *url = getenv("AWS_ENDPOINT_URL"), *body = "", *service = "lambda";
    char method[16] = "", path[1024] = "";
    int used = 0;
    (void)sscanf(argument, "%15s %1023s %n", method, path, &used);
    body = argument + used;
    if (strcmp(path, "sts") == 0) {
        service = "sts";
        body = "Action=GetCallerIdentity&Version=2011-06-15";
        (void)snprintf(path, sizeof path, "/");
        text_printf(&headers, "Content-Type: application/x-www-form-urlencoded\r\n");
    }
    text_printf(&headers,
                "Authorization: AWS4-HMAC-SHA256 Credential=%s/20260101/%s/%s/aws4_request, "
                "SignedHeaders=host;x-amz-date, Signature=00\r\nX-Amz-Date: 20260101T000000Z\r\n"
                "X-Amz-Security-Token: %s\r\n",
                getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_REGION"), service,
                getenv("AWS_SESSION_TOKEN") != NULL ? getenv("AWS_SESSION_TOKEN") : "");
    f->aws.address = url != NULL && strncmp(url, "http://", 7) == 0 ? url + 7 : "127.0.0.1:1";
    int result = http_call(&f->aws, method, path, headers.ptr, body, strlen(body), &f->said);
    text_printf(&f->result, "{\"status\":%d,\"body\":", result == 0 ? f->said.status : 0);
    text_json(&f->result, result == 0 ? f->said.body.ptr : "not reachable");
    text_printf(&f->result, "}");
    free(headers.ptr);
}

/* --- files --- */

/* write PATH TEXT: appends; the errno is answered where it fails. */
static void step_write(struct function *f, char *argument) {
    char *rest = strchr(argument, ' ');
    if (rest != NULL) {
        *rest++ = '\0';
    }
    int fd = open(argument, O_WRONLY | O_CREAT | O_APPEND, 0644);
    ssize_t len = rest != NULL ? (ssize_t)strlen(rest) : 0;
    if (fd < 0 || write(fd, rest, (size_t)len) != len) {
        text_printf(&f->result, "{\"errno\":%d,\"error\":\"%s\"}", errno, strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* fill PATH MIB: writes until it is full or has so much; answers how much went in. */
static void step_fill(struct function *f, char *argument) {
    static char block[1 << 20];
    char path[1024] = "";
    long mib = 0, done = 0;
    (void)sscanf(argument, "%1023s %ld", path, &mib);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    while (fd >= 0 && done < mib && write(fd, block, sizeof block) == (ssize_t)sizeof block) {
        done++;
    }
    text_printf(&f->result, "{\"mib\":%ld,\"errno\":%d}", done, done < mib ? errno : 0);
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(path);
    }
}

/* read PATH: answers with the content as a JSON string, null where it cannot be read. */
static void step_read(struct function *f, char *argument) {
    struct text content = {0};
    char buffer[4096];
    size_t count = 0;
    FILE *file = fopen(argument, "r");
    text_clear(&content);
    while (file != NULL && (count = fread(buffer, 1, sizeof buffer, file)) > 0) {
        text_add(&content, buffer, count);
    }
    text_json(&f->result, file != NULL ? content.ptr : NULL);
    if (file != NULL) {
        (void)fclose(file);
    }
    free(content.ptr);
}

/* ls PATH: {name: {"type": "dir", "mode": "0755", "uid": 0, "links": 1, "target": ...}} of a
 * folder's entries. */
static void step_ls(struct function *f, char *argument) {
    DIR *dir = opendir(argument);
    struct dirent *entry = NULL;
    int first = 1;
    text_printf(&f->result, "{");
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[4096], target[1024] = "";
        struct stat st;
        (void)snprintf(path, sizeof path, "%s/%s", argument, entry->d_name);
        if (entry->d_name[0] == '.' || lstat(path, &st) != 0) {
            continue;
        }
        if (readlink(path, target, sizeof target - 1) < 0) {
            target[0] = '\0';
        }
        text_printf(&f->result, first ? "" : ",");
        first = 0;
        text_json(&f->result, entry->d_name);
        text_printf(&f->result,
                    ":{\"type\":\"%s\",\"mode\":\"%04o\",\"uid\":%d,\"links\":%d,\"target\":",
                    S_ISDIR(st.st_mode)   ? "dir"
                    : S_ISLNK(st.st_mode) ? "link"
                    : S_ISREG(st.st_mode) ? "file"
                                          : "other",
                    (unsigned)st.st_mode & 07777, (int)st.st_uid, (int)st.st_nlink);
        text_json(&f->result, target);
        text_printf(&f->result, "}");
    }
    text_printf(&f->result, "}");
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

/* --- what goes on, and wrong --- */

static void step_sleep(struct function *f, char *argument) {
    (void)f;
    pause_ms(atol(argument));
}

static void step_out(struct function *f, char *argument) {
    (void)f;
    (void)printf("%s\n", argument);
}

/* part TEXT: without the end of a line. */
static void step_part(struct function *f, char *argument) {
    (void)f;
    (void)printf("%s", argument);
}

static void step_err(struct function *f, char *argument) {
    (void)f;
    (void)fprintf(stderr, "%s\n", argument);
}

/* lines COUNT: so many numbered lines. */
static void step_lines(struct function *f, char *argument) {
    long count = atol(argument);
    (void)f;
    for (long i = 0; i < count; i++) {
        (void)printf("line %ld\n", i);
    }
}

/* event: a line with the event. */
static void step_event(struct function *f, char *argument) {
    (void)argument;
    (void)printf("event %s\n", f->event);
}

static void step_exit(struct function *f, char *argument) {
    (void)f;
    exit(atoi(argument));
}

static void step_segv(struct function *f, char *argument) {
    (void)f;
    (void)argument;
    (void)signal(SIGSEGV, SIG_DFL);
    volatile int *nowhere = NULL;
    *nowhere = 1;
    /* The first process of a container is not killed by a signal that it sends itself, but by this
     * it is. */
    __builtin_trap();
}

/* oom MIB: takes and touches memory. */
static void step_oom(struct function *f, char *argument) {
    long mib = atol(argument);
    (void)f;
    for (long i = 0; i < mib; i++) {
        char *block = malloc(1 << 20);
        if (block != NULL) {
            memset(block, (int)i + 1, 1 << 20);
        }
    }
}

/* fork MS: a child that lives so long. */
static void step_fork(struct function *f, char *argument) {
    (void)f;
    if (fork() == 0) {
        (void)signal(SIGTERM, SIG_IGN);
        pause_ms(atol(argument));
        _exit(0);
    }
}

/* twice: answers the same invocation two times; the second is refused, which is the answer of the
 * next. */
static void step_twice(struct function *f, char *argument) {
    char path[128];
    (void)argument;
    (void)snprintf(path, sizeof path, "/2018-06-01/runtime/invocation/%s/response", f->request_id);
    post(f, path, "", "\"first\"", 7);
    (void)http_call(&f->api, "POST", path, "", "\"second\"", 8, &f->said);
    (void)printf("second answer: %d %s\n", f->said.status, f->said.body.ptr);
    f->answered = 1;
}

/* wrong: answers an invocation that is not there. */
static void step_wrong(struct function *f, char *argument) {
    static const char path[] =
        "/2018-06-01/runtime/invocation/00000000-0000-0000-0000-000000000000/response";
    (void)argument;
    (void)http_call(&f->api, "POST", path, "", "1", 1, &f->said);
    text_printf(&f->result, "{\"status\":%d,\"body\":%s}", f->said.status, f->said.body.ptr);
}

static const struct {
    const char *name;
    void (*run)(struct function *f, char *argument);
} steps[] = {
    {"echo", step_echo},   {"us", step_us},       {"big", step_big},     {"raw", step_raw},
    {"empty", step_empty}, {"type", step_type},   {"fail", step_fail},   {"stream", step_stream},
    {"aws", step_aws},     {"write", step_write}, {"fill", step_fill},   {"read", step_read},
    {"ls", step_ls},       {"sleep", step_sleep}, {"out", step_out},     {"part", step_part},
    {"err", step_err},     {"lines", step_lines}, {"event", step_event}, {"exit", step_exit},
    {"segv", step_segv},   {"oom", step_oom},     {"fork", step_fork},   {"twice", step_twice},
    {"wrong", step_wrong}};

void script_run(struct function *function, const char *script) {
    char *copy = strdup(script), *rest = NULL;
    for (char *step = strtok_r(copy, ";", &rest); step != NULL; step = strtok_r(NULL, ";", &rest)) {
        step += strspn(step, " ");
        char *argument = step + strcspn(step, " ");
        size_t i = 0, count = sizeof steps / sizeof steps[0];
        if (*argument != '\0') {
            *argument++ = '\0';
        }
        while (i < count && strcmp(steps[i].name, step) != 0) {
            i++;
        }
        if (i == count) {
            (void)fprintf(stderr, "bootstrap: no step is called %s\n", step);
            exit(94);
        }
        steps[i].run(function, argument);
    }
    free(copy);
}
