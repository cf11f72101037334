/* SPDX-License-Identifier: MIT */
/* PR_SET_PDEATHSIG, then exec. */
#include "process_child.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* As shells exit when a command cannot be run. */
#define EXIT_CANNOT_RUN 126

static const char *wrapper;

void process_child_use(const char *path) {
    wrapper = path;
}

const char *process_child_program(void) {
    return wrapper;
}

int process_child_main(int argc, char **argv) {
    if (argc < 6 || strcmp(argv[4], "--") != 0) {
        (void)fputs("virga: " PROCESS_CHILD_COMMAND " is for virga's own use\n", stderr);
        return 2;
    }
    long signum = strtol(argv[2], NULL, 10);
    long parent = strtol(argv[3], NULL, 10);
    if (signum <= 0 || prctl(PR_SET_PDEATHSIG, (unsigned long)signum, 0, 0, 0) != 0) {
        (void)fprintf(stderr, "virga: PR_SET_PDEATHSIG %ld: %s\n", signum, strerror(errno));
        return EXIT_CANNOT_RUN;
    }
    /* The host may have died before the call above: the signal would never come. */
    if ((long)getppid() != parent) {
        return EXIT_CANNOT_RUN;
    }
    (void)execv(argv[5], argv + 5);
    (void)fprintf(stderr, "virga: %s: %s\n", argv[5], strerror(errno));
    return EXIT_CANNOT_RUN;
}
