/* SPDX-License-Identifier: MIT */
/* A host with a loop and one or two plugins that exist only as handles: what the tests of host
 * services need. */
#ifndef SERVICE_FIXTURE_H
#define SERVICE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <uv.h>

#include "host.h"
#include "plugin.h"
#include "resource.h"

struct fixture {
    uv_loop_t loop;
    struct host host;
    struct virga_plugin descs[2];
    struct plugin plugins[2];
    const struct virga_host *api;   /* of the plugin "one" */
    const struct virga_host *other; /* of the plugin "two" */
};

static inline void fixture_begin(struct fixture *fixture) {
    static const char *const names[] = {"one", "two"};
    memset(fixture, 0, sizeof *fixture);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->host.loop = &fixture->loop;
    list_init(&fixture->host.connections);
    for (size_t i = 0; i < 2; i++) {
        struct plugin *plugin = &fixture->plugins[i];
        fixture->descs[i].struct_size = sizeof fixture->descs[i];
        fixture->descs[i].name = names[i];
        plugin->host = &fixture->host;
        plugin->desc = &fixture->descs[i];
        plugin->desc_copy = fixture->descs[i];
        list_init(&plugin->resources);
    }
    fixture->api = &fixture->plugins[0].api;
    fixture->other = &fixture->plugins[1].api;
}

/* What plugin_destroy() does with what a plugin left behind; returns how much it was. */
static inline size_t fixture_reclaim(struct fixture *fixture) {
    size_t count = 0;
    struct list *resources = &fixture->plugins[0].resources;
    while (!list_empty(resources)) {
        struct resource *left = LIST_ENTRY(resources->next, struct resource, node);
        left->reclaim(left);
        count++;
    }
    return count;
}

/* Runs the loop until `*flag` is set; fails the test after five seconds. */
static inline void fixture_run_until(struct fixture *fixture, const int *flag) {
    uint64_t give_up_ns = uv_hrtime() + UINT64_C(5000000000);
    while (!*flag) {
        (void)uv_run(&fixture->loop, UV_RUN_NOWAIT);
        assert_true(uv_hrtime() < give_up_ns);
        if (!*flag) {
            uv_sleep(1);
        }
    }
}

/* Lets close callbacks run and sees that no handle is left. */
static inline void fixture_end(struct fixture *fixture) {
    (void)fixture_reclaim(fixture);
    (void)uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
}

#endif
