/* SPDX-License-Identifier: MIT */
/* Never closes its child process. */
#include "bad.h"

static void on_exit_ignored(void *arg, int64_t exit_status, int term_signal) {
    (void)arg;
    (void)exit_status;
    (void)term_signal;
}

static int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    const struct virga_process *process = host->get_interface(host, VIRGA_PROCESS_ID);
    static struct virga_process_handle *handle;
    static const char *const argv[] = {"sleep", "1000", NULL};
    const struct virga_process_options options = {
        .struct_size = sizeof options, .argv = argv, .on_exit = on_exit_ignored};
    (void)ret_self;
    (void)err;
    return process->spawn(host, &options, &handle);
}

static const struct virga_route routes[] = BAD_ROUTES("/leaves-process");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "leaves-process",
    .version = "1",       .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = start,
    .handle = bad_handle};
