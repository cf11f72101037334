/* SPDX-License-Identifier: MIT */
/* Set-up of a host that starts nothing. */
#include "cli_host.h"

#include <errno.h>

#include "admin.h"
#include "log.h"
#include "plugins.h"
#include "router.h"

int cli_host_init(struct host *host, const struct cli_args *args, struct error *err) {
    *host = (struct host){.loop = NULL};
    list_init(&host->connections);
    int result = host_read_config(host, &args->options, err);
    log_mute();
    return result == 0 ? host_load_plugins(host, &args->options, err) : result;
}

int cli_host_plan(struct host *host, struct error *err) {
    if (router_create(&host->router) != 0) {
        return error_set(err, -ENOMEM, "out of memory");
    }
    int result = admin_add_routes(host->router, err);
    if (result == 0) {
        plugins_order(host);
        plugins_plan(host);
    }
    return result;
}

void cli_host_finish(struct host *host) {
    plugins_free(host);
    router_destroy(host->router);
    config_destroy(host->config);
}

int cli_host_begin(struct host *host, const struct cli_args *args) {
    struct error err = {0};
    int result = cli_host_init(host, args, &err);
    if (result == 0) {
        result = cli_host_plan(host, &err);
    }
    if (result != 0) {
        (void)fprintf(stderr, "virga: %s\n", err.text);
        cli_host_finish(host);
    }
    return result;
}
