/* SPDX-License-Identifier: MIT */
/* The function of the tests, as its files see it. */
#ifndef TEST_LAMBDA_BOOTSTRAP_H
#define TEST_LAMBDA_BOOTSTRAP_H

#include "http.h"

#include <stdint.h>

struct function {
    int argc;
    char **argv;
    int64_t started_us;
    struct http api; /* the Runtime API */
    struct http aws; /* AWS_ENDPOINT_URL */
    struct answer next, said;

    /* of the invocation; all empty during init */
    const char *event;
    char request_id[64], deadline[32], arn[512], trace[512], client[4096], identity[1024];
    int64_t begun_us;
    long count; /* of events so far: whether an environment is used again */
    int answered;
    char type[128];     /* Content-Type of the answer */
    struct text result; /* what will be answered */
};

int64_t now_us(void);
/* Posts to the Runtime API. */
void post(struct function *function, const char *path, const char *headers, const char *body,
          size_t len);
/* Posts an error of the invocation, or of init. */
void post_error(struct function *function, const char *type, const char *message);

/* Runs the steps of a script. */
void script_run(struct function *function, const char *script);

/* Starts the extension that BOOT_EXTENSION names in a process of its own, and waits until it has
 * registered. Returns 0 where there is none. */
int extension_start(const char *address);

#endif
