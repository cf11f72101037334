/* SPDX-License-Identifier: MIT */
/* The table of interface ids. */
#include "interfaces.h"

#include <errno.h>
#include <stdlib.h>

#include "ext_config.h"
#include "ext_dispatch.h"
#include "ext_fetch.h"
#include "ext_file.h"
#include "ext_listener.h"
#include "ext_log.h"
#include "ext_metrics.h"
#include "ext_process.h"
#include "ext_proxy.h"
#include "ext_store.h"
#include "ext_timer.h"
#include "ext_work.h"
#include "host.h"
#include "request.h"

static const struct {
    const char *id;
    const void *table;
} own[] = {
    {"virga.http/1", &request_http},    {VIRGA_LOG_ID, &ext_log},
    {VIRGA_CONFIG_ID, &ext_config},     {VIRGA_TIMER_ID, &ext_timer},
    {VIRGA_WORK_ID, &ext_work},         {VIRGA_STORE_ID, &ext_store},
    {VIRGA_LISTENER_ID, &ext_listener}, {VIRGA_PROXY_ID, &ext_proxy},
    {VIRGA_FETCH_ID, &ext_fetch},       {VIRGA_PROCESS_ID, &ext_process},
    {VIRGA_FILE_ID, &ext_file},         {VIRGA_DISPATCH_ID, &ext_dispatch},
    {VIRGA_METRICS_ID, &ext_metrics},
};

static const void *find_own(const char *id) {
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (strcmp(own[i].id, id) == 0) {
            return own[i].table;
        }
    }
    return NULL;
}

static const void *find_offer(const struct host *host, const char *id) {
    for (size_t p = 0; p < host->plugins_count; p++) {
        const struct plugin *plugin = host->plugins[p];
        for (size_t i = 0; i < plugin->offers_count; i++) {
            if (strcmp(plugin->offers[i].id, id) == 0) {
                return plugin->offers[i].table;
            }
        }
    }
    return NULL;
}

bool interfaces_is_host(const char *id) {
    return find_own(id) != NULL;
}

const void *interfaces_get(const struct virga_host *host, const char *id) {
    const void *table = find_own(id);
    return table != NULL ? table : find_offer(plugin_from(host)->host, id);
}

int interfaces_provide(const struct virga_host *host, const char *id, const void *table) {
    struct plugin *plugin = plugin_from(host);
    const char *const *listed = plugin->desc->provides;
    while (listed != NULL && *listed != NULL && strcmp(*listed, id) != 0) {
        listed++;
    }
    if (listed == NULL || *listed == NULL || table == NULL) {
        return -EINVAL;
    }
    if (interfaces_get(host, id) != NULL) {
        return -EEXIST;
    }
    void *grown = realloc(plugin->offers, (plugin->offers_count + 1) * sizeof plugin->offers[0]);
    if (grown == NULL) {
        return -ENOMEM;
    }
    plugin->offers = grown;
    plugin->offers[plugin->offers_count].id = *listed;
    plugin->offers[plugin->offers_count].table = table;
    plugin->offers_count++;
    return 0;
}
