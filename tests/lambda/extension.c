/* SPDX-License-Identifier: MIT */
/* An extension beside the function: registers, says which events it gets, ends at SHUTDOWN.
 * BOOT_EXTENSION_DO: "init-error" and "exit-error" are posted in the place of the first next,
 * "slow" takes 300 ms for each event, "telemetry" subscribes first. */
#include "bootstrap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define API "/2020-01-01/extension"

static void events(struct http *http, const char *name, const char *id, const char *what) {
    struct answer answer = {0};
    struct text headers = {0}, type = {0}, more = {0};
    text_printf(&headers, "Lambda-Extension-Identifier: %s\r\n", id);
    if (strcmp(what, "telemetry") == 0) {
        static const char body[] =
            "{\"schemaVersion\":\"2022-12-13\",\"types\":[\"platform\",\"function\"],"
            "\"buffering\":{\"maxItems\":1000,\"maxBytes\":262144,\"timeoutMs\":100},"
            "\"destination\":{\"protocol\":\"HTTP\",\"URI\":\"http://sandbox.localdomain:8080\"}}";
        text_printf(&headers, "Content-Type: application/json\r\n");
        (void)http_call(http, "PUT", "/2022-07-01/telemetry", headers.ptr, body, sizeof body - 1,
                        &answer);
        (void)printf("EXTENSION %s telemetry %d %s\n", name, answer.status, answer.body.ptr);
    }
    if (strstr(what, "-error") != NULL) {
        text_printf(&headers, "Lambda-Extension-Function-Error-Type: Extension.Broken\r\n");
        (void)http_call(http, "POST", what[0] == 'i' ? API "/init/error" : API "/exit/error",
                        headers.ptr, "{}", 2, &answer);
        _exit(1);
    }
    for (;;) {
        if (http_call(http, "GET", API "/event/next", headers.ptr, "", 0, &answer) != 0 ||
            answer.status != 200) {
            _exit(1);
        }
        (void)json_find(answer.body.ptr, "eventType", &type);
        int shutdown = strcmp(type.ptr, "SHUTDOWN") == 0;
        text_clear(&more);
        (void)json_find(answer.body.ptr, shutdown ? "shutdownReason" : "requestId", &more);
        (void)printf("EXTENSION %s %s %s\n", name, type.ptr, more.ptr);
        if (strcmp(what, "slow") == 0) {
            (void)usleep(300000);
        }
        if (shutdown) {
            _exit(0);
        }
    }
}

int extension_start(const char *address) {
    const char *name = getenv("BOOT_EXTENSION"), *what = getenv("BOOT_EXTENSION_DO");
    struct http http = {.address = address, .fd = -1};
    struct answer answer = {0};
    struct text headers = {0};
    static const char body[] = "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}";
    char id[128] = "";
    int ready[2];
    if (name == NULL || pipe(ready) != 0) {
        return 0;
    }
    if (fork() == 0) {
        (void)signal(SIGTERM, SIG_IGN); /* it ends at SHUTDOWN */
        text_printf(&headers, "Lambda-Extension-Name: %s\r\nContent-Type: application/json\r\n",
                    name);
        int result =
            http_call(&http, "POST", API "/register", headers.ptr, body, sizeof body - 1, &answer);
        (void)http_header(&answer, "Lambda-Extension-Identifier", id, sizeof id);
        (void)printf("EXTENSION %s registered %d %s\n", name, result == 0 ? answer.status : 0,
                     result == 0 ? answer.body.ptr : "");
        (void)write(ready[1], "x", 1);
        (void)close(ready[0]);
        (void)close(ready[1]);
        if (id[0] == '\0') {
            _exit(1);
        }
        events(&http, name, id, what != NULL ? what : "");
    }
    (void)close(ready[1]);
    (void)read(ready[0], id, 1);
    (void)close(ready[0]);
    return 1;
}
