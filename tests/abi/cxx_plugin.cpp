/* SPDX-License-Identifier: MIT */
/* A plugin in C++20: the headers, the descriptor macros and the export list must do for C++ as they
 * do for C. */
#include <map>
#include <string>
#include <virga/virga.h>

namespace {

struct counter {
    std::map<std::string, int> calls;
};

int start(const struct virga_host *host, void **ret_self, struct virga_error *err) {
    (void)host;
    (void)err;
    *ret_self = new counter;
    return 0;
}

void handle(void *self, struct virga_request *req) {
    auto &calls = static_cast<counter *>(self)->calls;
    const std::string text = std::to_string(++calls[std::string(req->action.ptr, req->action.len)]);
    struct virga_response res = {};
    res.struct_size = sizeof res;
    res.status = 200;
    res.body = {text.data(), text.size()};
    req->http->respond(req, &res);
}

void destroy(void *self) {
    delete static_cast<counter *>(self);
}

const struct virga_config_key keys[] = {
    {"greeting", VIRGA_CONFIG_STRING, 0, "hello", nullptr, 0, 0, "What it says."},
};
const struct virga_route routes[] = {
    {VIRGA_ROUTE_TARGET, 0, nullptr, "Cxx_20260101", "cxx", 0, 0},
};

} // namespace

const struct virga_plugin virga_plugin_v1 = {
    VIRGA_PLUGIN_HEAD,       .name = "cxx",        .version = "0.1.0", .summary = "Counts calls",
    VIRGA_CONFIG_KEYS(keys), VIRGA_ROUTES(routes), .start = start,     .handle = handle,
    .destroy = destroy,
};
