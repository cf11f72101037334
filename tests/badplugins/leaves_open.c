/* SPDX-License-Identifier: MIT */
/* Returns with an open store transaction and an open cursor. */
#include "bad.h"

static void handle(void *self, struct virga_request *req) {
    const struct virga_store *store = bad_host->get_interface(bad_host, VIRGA_STORE_ID);
    struct virga_store_cursor *cursor;
    (void)self;
    if (store->begin(bad_host) == 0) {
        (void)store->put(bad_host, virga_str_from("a"), virga_str_from("1"));
    }
    (void)store->scan(bad_host, virga_str_from(""), (struct virga_str){NULL, 0}, 0, &cursor);
    bad_answer(req, "fine");
}

static const struct virga_route routes[] = BAD_ROUTES("/leaves-open");

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,    .name = "leaves-open", .version = "1",  .summary = "Gets one thing wrong",
    VIRGA_ROUTES(routes), .start = bad_start,    .handle = handle};
