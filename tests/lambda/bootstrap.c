/* SPDX-License-Identifier: MIT */
/* The function of the tests: a static program that speaks the Lambda Runtime API 2018-06-01 over a
 * plain socket. What it does with an event is a script, "do" of the event: steps divided by ';',
 * each a word and its argument (script.c has them all); without a script it answers with the event
 * and what it was told. BOOT_SCRIPT is a script in the place of the events', BOOT_INIT one that is
 * run before the first event is asked for; BOOT_TERM=ignore|say is what it does with SIGTERM (else
 * it ends); BOOT_EXTENSION=<name> also runs an extension of that name (extension.c). */
#include "bootstrap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define API "/2018-06-01/runtime"

int64_t now_us(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void on_term(int signum) {
    static const char said[] = "SIGTERM\n";
    const char *what = getenv("BOOT_TERM");
    (void)signum;
    if (what != NULL && strcmp(what, "say") == 0 && write(1, said, sizeof said - 1) < 0) {
        _exit(1);
    }
    _exit(0);
}

static void take_signals(void) {
    const char *what = getenv("BOOT_TERM");
    (void)signal(SIGTERM, what != NULL && strcmp(what, "ignore") == 0 ? SIG_IGN : on_term);
}

static void take_header(struct function *function, const char *name, char *value, size_t size) {
    value[0] = '\0';
    (void)http_header(&function->next, name, value, size);
}

static void take_event(struct function *function) {
    function->event = function->next.body.ptr;
    function->begun_us = now_us();
    function->count++;
    function->answered = 0;
    function->type[0] = '\0';
    text_clear(&function->result);
    take_header(function, "Lambda-Runtime-Aws-Request-Id", function->request_id,
                sizeof function->request_id);
    take_header(function, "Lambda-Runtime-Deadline-Ms", function->deadline,
                sizeof function->deadline);
    take_header(function, "Lambda-Runtime-Invoked-Function-Arn", function->arn,
                sizeof function->arn);
    take_header(function, "Lambda-Runtime-Trace-Id", function->trace, sizeof function->trace);
    take_header(function, "Lambda-Runtime-Client-Context", function->client,
                sizeof function->client);
    take_header(function, "Lambda-Runtime-Cognito-Identity", function->identity,
                sizeof function->identity);
}

/* Ends the program where the Runtime API does not take an answer: that is a fault of who runs it.
 */
void post(struct function *function, const char *path, const char *headers, const char *body,
          size_t len) {
    if (http_call(&function->api, "POST", path, headers, body, len, &function->said) != 0) {
        (void)fprintf(stderr, "bootstrap: %s: no answer\n", path);
        exit(98);
    }
    if (function->said.status != 202) {
        (void)fprintf(stderr, "bootstrap: %s: %d %s\n", path, function->said.status,
                      function->said.body.ptr);
    }
}

void post_error(struct function *function, const char *type, const char *message) {
    struct text path = {0}, headers = {0}, body = {0};
    if (function->request_id[0] == '\0') {
        text_printf(&path, API "/init/error");
    } else {
        text_printf(&path, API "/invocation/%s/error", function->request_id);
    }
    text_printf(&headers,
                "Content-Type: application/vnd.aws.lambda.error+json\r\n"
                "Lambda-Runtime-Function-Error-Type: %s\r\n",
                type);
    text_printf(&body, "{\"errorMessage\":");
    text_json(&body, message);
    text_printf(&body, ",\"errorType\":");
    text_json(&body, type);
    text_printf(&body, ",\"stackTrace\":[]}");
    post(function, path.ptr, headers.ptr, body.ptr, body.len);
    free(path.ptr);
    free(headers.ptr);
    free(body.ptr);
    function->answered = 1;
}

static void post_result(struct function *function) {
    struct text path = {0}, headers = {0};
    text_printf(&path, API "/invocation/%s/response", function->request_id);
    text_printf(&headers, "Content-Type: %s\r\n",
                function->type[0] != '\0' ? function->type : "application/json");
    post(function, path.ptr, headers.ptr, function->result.ptr, function->result.len);
    free(path.ptr);
    free(headers.ptr);
}

int main(int argc, char **argv) {
    static struct function function = {.api = {.fd = -1}, .aws = {.fd = -1}};
    struct text script = {0};
    setvbuf(stdout, NULL, _IONBF, 0);
    take_signals();
    function.argc = argc;
    function.argv = argv;
    function.started_us = now_us();
    function.api.address = getenv("AWS_LAMBDA_RUNTIME_API");
    if (function.api.address == NULL) {
        (void)fprintf(stderr, "bootstrap: no AWS_LAMBDA_RUNTIME_API\n");
        return 97;
    }
    (void)extension_start(function.api.address);
    if (getenv("BOOT_INIT") != NULL) {
        text_clear(&function.result);
        script_run(&function, getenv("BOOT_INIT"));
        if (function.answered) {
            return 1; /* /init/error was posted */
        }
    }
    for (;;) {
        if (http_call(&function.api, "GET", API "/invocation/next", "", "", 0, &function.next) !=
            0) {
            return 96;
        }
        if (function.next.status != 200) {
            (void)fprintf(stderr, "bootstrap: next: %d %s\n", function.next.status,
                          function.next.body.ptr);
            return 95;
        }
        take_event(&function);
        if (getenv("BOOT_SCRIPT") != NULL) {
            script_run(&function, getenv("BOOT_SCRIPT"));
        } else if (json_find(function.event, "do", &script)) {
            script_run(&function, script.ptr);
        }
        if (!function.answered) {
            if (function.result.len == 0) {
                script_run(&function, "echo");
            }
            post_result(&function);
        }
        function.request_id[0] = '\0';
    }
}
