/* SPDX-License-Identifier: MIT */
/* The ABI as it was published, minor by minor: size, offset and type of every public struct member,
 * value of every constant. A line here is never changed; a new minor appends lines and moves the
 * sizes it grows. */
#include <virga/service/image_resolver.h>
#include <virga/service/resource_types.h>
#include <virga/virga.h>

#if !defined(__LP64__)
#error "the layout is fixed for LP64 only; add the numbers of this platform"
#endif

#define SIZE(name, size) _Static_assert(sizeof(struct name) == (size), #name " changed its size")
#define FIELD(name, member, offset, ...)                                                           \
    _Static_assert(offsetof(struct name, member) == (offset), #name "." #member " moved");         \
    _Static_assert(_Generic(((struct name *)0)->member, __VA_ARGS__ : 1, default : 0),             \
                   #name "." #member " changed its type")
#define ARRAY(name, member, size)                                                                  \
    _Static_assert(sizeof(((struct name *)0)->member) == (size), #name "." #member " is longer")
#define VALUE(name, value) _Static_assert((name) == (value), #name " changed")
#define TEXT(name, text) _Static_assert(__builtin_strcmp(name, text) == 0, #name " changed")
#define CALLBACK(name, ...)                                                                        \
    _Static_assert(_Generic((name)0, __VA_ARGS__ : 1, default : 0), #name " changed its type")

/* --- abi.h --- */
VALUE(VIRGA_ABI_MAJOR, 1);
VALUE(VIRGA_ABI_MINOR, 3);

FIELD(virga_str, ptr, 0, const char *);
FIELD(virga_str, len, 8, size_t);
SIZE(virga_str, 16);

FIELD(virga_error, struct_size, 0, uint32_t);
FIELD(virga_error, reserved, 4, uint32_t);
FIELD(virga_error, text, 8, char *);
ARRAY(virga_error, text, 504);
SIZE(virga_error, 512);

/* --- host.h --- */
VALUE(VIRGA_STATUS_RUNNING, 0);
VALUE(VIRGA_STATUS_STARTING, 1);
VALUE(VIRGA_STATUS_DEGRADED, 2);
VALUE(VIRGA_STATUS_DISABLED, 3);

FIELD(virga_host, struct_size, 0, uint32_t);
FIELD(virga_host, abi_major, 4, uint16_t);
FIELD(virga_host, abi_minor, 6, uint16_t);
FIELD(virga_host, version, 8, const char *);
FIELD(virga_host, get_interface, 16, const void *(*)(const struct virga_host *, const char *));
FIELD(virga_host, provide, 24, int (*)(const struct virga_host *, const char *, const void *));
FIELD(virga_host, set_status, 32,
      void (*)(const struct virga_host *, enum virga_status, const char *));
FIELD(virga_host, stopped, 40, void (*)(const struct virga_host *));
/* 1.1 */
FIELD(virga_host, reset_done, 48, void (*)(const struct virga_host *, int, const char *));
SIZE(virga_host, 56);

/* --- http.h --- */
VALUE(VIRGA_LENGTH_UNKNOWN, UINT64_MAX);
VALUE(VIRGA_BODY_GO_ON, 0);
VALUE(VIRGA_BODY_PAUSE, 1);
VALUE(VIRGA_BODY_DATA, 0);
VALUE(VIRGA_BODY_END, 1);
VALUE(VIRGA_REQUEST_STREAMS, 0x1u);
VALUE(VIRGA_REQUEST_HAS_BODY, 0x2u);
CALLBACK(virga_on_body, int (*)(void *, struct virga_request *, int, struct virga_str));
CALLBACK(virga_on_writable, void (*)(void *, struct virga_request *, int));

FIELD(virga_header, name, 0, struct virga_str);
FIELD(virga_header, value, 16, struct virga_str);
SIZE(virga_header, 32);

FIELD(virga_response, struct_size, 0, uint32_t);
FIELD(virga_response, status, 4, int);
FIELD(virga_response, headers, 8, const struct virga_header *);
FIELD(virga_response, headers_count, 16, size_t);
FIELD(virga_response, body, 24, struct virga_str);
FIELD(virga_response, release, 40, void (*)(void *));
FIELD(virga_response, release_arg, 48, void *);
FIELD(virga_response, head_length, 56, uint64_t);
SIZE(virga_response, 64);

FIELD(virga_http, struct_size, 0, uint32_t);
FIELD(virga_http, reserved, 4, uint32_t);
FIELD(virga_http, alloc, 8, void *(*)(struct virga_request *, size_t));
FIELD(virga_http, header, 16, struct virga_str (*)(const struct virga_request *, const char *));
FIELD(virga_http, respond, 24, int (*)(struct virga_request *, const struct virga_response *));
FIELD(virga_http, respond_begin, 32,
      int (*)(struct virga_request *, const struct virga_response *, uint64_t, virga_on_writable,
              void *));
FIELD(virga_http, write, 40, int (*)(struct virga_request *, struct virga_str));
FIELD(virga_http, end, 48, void (*)(struct virga_request *));
FIELD(virga_http, abort, 56, void (*)(struct virga_request *));
FIELD(virga_http, body_start, 64, int (*)(struct virga_request *, virga_on_body, void *));
FIELD(virga_http, body_resume, 72, void (*)(struct virga_request *));
FIELD(virga_http, body_stop, 80, void (*)(struct virga_request *));
FIELD(virga_http, on_cancel, 88,
      void (*)(struct virga_request *, void (*)(void *, struct virga_request *, int), void *));
FIELD(virga_http, trailer, 96, struct virga_str (*)(const struct virga_request *, const char *));
SIZE(virga_http, 104);

FIELD(virga_request, struct_size, 0, uint32_t);
FIELD(virga_request, flags, 4, uint32_t);
FIELD(virga_request, http, 8, const struct virga_http *);
FIELD(virga_request, user, 16, void *);
FIELD(virga_request, route, 24, const struct virga_route *);
FIELD(virga_request, id, 32, struct virga_str);
FIELD(virga_request, method, 48, struct virga_str);
FIELD(virga_request, target, 64, struct virga_str);
FIELD(virga_request, path, 80, struct virga_str);
FIELD(virga_request, query, 96, struct virga_str);
FIELD(virga_request, host, 112, struct virga_str);
FIELD(virga_request, headers, 128, const struct virga_header *);
FIELD(virga_request, headers_count, 136, size_t);
FIELD(virga_request, body, 144, struct virga_str);
FIELD(virga_request, content_length, 160, uint64_t);
FIELD(virga_request, peer, 168, struct virga_str);
FIELD(virga_request, account, 184, struct virga_str);
FIELD(virga_request, region, 200, struct virga_str);
FIELD(virga_request, service, 216, struct virga_str);
FIELD(virga_request, access_key, 232, struct virga_str);
FIELD(virga_request, action, 248, struct virga_str);
FIELD(virga_request, params, 264, const struct virga_str *);
FIELD(virga_request, params_count, 272, size_t);
SIZE(virga_request, 280);

/* --- plugin.h --- */
VALUE(VIRGA_ROUTE_STREAM, 0x1u);
VALUE(VIRGA_ROUTE_LOCALSTACK, 0x2u);
TEXT(VIRGA_PLUGIN_SYMBOL, "virga_plugin_v1");
VALUE(VIRGA_ROUTE_ADMIN, 1);
VALUE(VIRGA_ROUTE_TARGET, 2);
VALUE(VIRGA_ROUTE_REST, 3);
VALUE(VIRGA_ROUTE_QUERY, 4);
/* 1.1 */
VALUE(VIRGA_ROUTE_HOST, 5);
VALUE(VIRGA_ROUTE_RPC, 6);
VALUE(VIRGA_CONFIG_STRING, 1);
VALUE(VIRGA_CONFIG_INT, 2);
VALUE(VIRGA_CONFIG_BOOL, 3);
VALUE(VIRGA_CONFIG_ENUM, 4);

FIELD(virga_route, kind, 0, uint32_t);
FIELD(virga_route, flags, 4, uint32_t);
FIELD(virga_route, method, 8, const char *);
FIELD(virga_route, pattern, 16, const char *);
FIELD(virga_route, service, 24, const char *);
FIELD(virga_route, body_limit_bytes, 32, uint64_t);
FIELD(virga_route, tag, 40, uintptr_t);
SIZE(virga_route, 48);

FIELD(virga_config_key, key, 0, const char *);
FIELD(virga_config_key, type, 8, uint32_t);
FIELD(virga_config_key, reserved, 12, uint32_t);
FIELD(virga_config_key, default_value, 16, const char *);
FIELD(virga_config_key, choices, 24, const char *);
FIELD(virga_config_key, min, 32, int64_t);
FIELD(virga_config_key, max, 40, int64_t);
FIELD(virga_config_key, help, 48, const char *);
SIZE(virga_config_key, 56);

FIELD(virga_plugin, struct_size, 0, uint32_t);
FIELD(virga_plugin, abi_major, 4, uint16_t);
FIELD(virga_plugin, abi_minor, 6, uint16_t);
FIELD(virga_plugin, name, 8, const char *);
FIELD(virga_plugin, version, 16, const char *);
FIELD(virga_plugin, summary, 24, const char *);
FIELD(virga_plugin, config_root, 32, const char *);
FIELD(virga_plugin, config_keys, 40, const struct virga_config_key *);
FIELD(virga_plugin, config_keys_count, 48, size_t);
FIELD(virga_plugin, config_key_size, 56, size_t);
FIELD(virga_plugin, routes, 64, const struct virga_route *);
FIELD(virga_plugin, routes_count, 72, size_t);
FIELD(virga_plugin, route_size, 80, size_t);
FIELD(virga_plugin, needs, 88, const char *const *);
FIELD(virga_plugin, wants, 96, const char *const *);
FIELD(virga_plugin, provides, 104, const char *const *);
FIELD(virga_plugin, start, 112, int (*)(const struct virga_host *, void **, struct virga_error *));
FIELD(virga_plugin, handle, 120, void (*)(void *, struct virga_request *));
FIELD(virga_plugin, stop, 128, int (*)(void *));
FIELD(virga_plugin, destroy, 136, void (*)(void *));
/* 1.1 */
FIELD(virga_plugin, doctor, 144, void (*)(const struct virga_host *, const struct virga_doctor *));
FIELD(virga_plugin, reset, 152, int (*)(void *));
SIZE(virga_plugin, 160);

/* --- ext/config.h --- */
TEXT(VIRGA_CONFIG_ID, "virga.config/1");

FIELD(virga_config, struct_size, 0, uint32_t);
FIELD(virga_config, reserved, 4, uint32_t);
FIELD(virga_config, get_string, 8, struct virga_str (*)(const struct virga_host *, const char *));
FIELD(virga_config, get_int, 16, int64_t (*)(const struct virga_host *, const char *));
FIELD(virga_config, get_bool, 24, int (*)(const struct virga_host *, const char *));
FIELD(virga_config, is_set, 32, int (*)(const struct virga_host *, const char *));
SIZE(virga_config, 40);

/* --- ext/fetch.h --- */
TEXT(VIRGA_FETCH_ID, "virga.fetch/1");

FIELD(virga_fetch_response, struct_size, 0, uint32_t);
FIELD(virga_fetch_response, status, 4, int);
FIELD(virga_fetch_response, error, 8, int);
FIELD(virga_fetch_response, reserved, 12, uint32_t);
FIELD(virga_fetch_response, error_text, 16, const char *);
FIELD(virga_fetch_response, headers, 24, const struct virga_header *);
FIELD(virga_fetch_response, headers_count, 32, size_t);
FIELD(virga_fetch_response, body, 40, struct virga_str);
SIZE(virga_fetch_response, 56);

FIELD(virga_fetch_request, struct_size, 0, uint32_t);
FIELD(virga_fetch_request, reserved, 4, uint32_t);
FIELD(virga_fetch_request, method, 8, const char *);
FIELD(virga_fetch_request, url, 16, const char *);
FIELD(virga_fetch_request, unix_path, 24, const char *);
FIELD(virga_fetch_request, headers, 32, const struct virga_header *);
FIELD(virga_fetch_request, headers_count, 40, size_t);
FIELD(virga_fetch_request, body, 48, struct virga_str);
FIELD(virga_fetch_request, connect_timeout_ms, 64, uint32_t);
FIELD(virga_fetch_request, timeout_ms, 68, uint32_t);
FIELD(virga_fetch_request, body_limit_bytes, 72, uint64_t);
FIELD(virga_fetch_request, on_done, 80, void (*)(void *, const struct virga_fetch_response *));
FIELD(virga_fetch_request, arg, 88, void *);
/* 1.1 */
VALUE(VIRGA_FETCH_WAIT, SIZE_MAX);
FIELD(virga_fetch_request, on_head, 96, void (*)(void *, const struct virga_fetch_response *));
FIELD(virga_fetch_request, on_chunk, 104, int (*)(void *, struct virga_str));
FIELD(virga_fetch_request, on_send, 112, size_t (*)(void *, char *, size_t));
FIELD(virga_fetch_request, send_length, 120, uint64_t);
SIZE(virga_fetch_request, 128);

FIELD(virga_fetch, struct_size, 0, uint32_t);
FIELD(virga_fetch, reserved, 4, uint32_t);
FIELD(virga_fetch, start, 8,
      int (*)(const struct virga_host *, const struct virga_fetch_request *,
              struct virga_fetch_handle **));
FIELD(virga_fetch, cancel, 16, void (*)(struct virga_fetch_handle *));
/* 1.1 */
FIELD(virga_fetch, resume, 24, void (*)(struct virga_fetch_handle *));
SIZE(virga_fetch, 32);

/* --- ext/listener.h --- */
TEXT(VIRGA_LISTENER_ID, "virga.listener/1");
VALUE(VIRGA_LISTENER_PATIENT, 0x100u);

FIELD(virga_listener_options, struct_size, 0, uint32_t);
FIELD(virga_listener_options, flags, 4, uint32_t);
FIELD(virga_listener_options, addresses, 8, const char *);
FIELD(virga_listener_options, port_first, 16, uint16_t);
FIELD(virga_listener_options, port_last, 18, uint16_t);
FIELD(virga_listener_options, reserved, 20, uint32_t);
FIELD(virga_listener_options, port_preferred, 24, uint16_t);
FIELD(virga_listener_options, reserved2, 26, uint16_t);
FIELD(virga_listener_options, reserved3, 28, uint32_t);
FIELD(virga_listener_options, unix_path, 32, const char *);
FIELD(virga_listener_options, body_limit_bytes, 40, uint64_t);
FIELD(virga_listener_options, deadline_ms, 48, uint64_t);
FIELD(virga_listener_options, on_request, 56, void (*)(void *, struct virga_request *));
FIELD(virga_listener_options, arg, 64, void *);
SIZE(virga_listener_options, 72);

FIELD(virga_listener, struct_size, 0, uint32_t);
FIELD(virga_listener, reserved, 4, uint32_t);
FIELD(virga_listener, open, 8,
      int (*)(const struct virga_host *, const struct virga_listener_options *,
              struct virga_listener_handle **));
FIELD(virga_listener, port, 16, uint16_t (*)(const struct virga_listener_handle *));
FIELD(virga_listener, close, 24, void (*)(struct virga_listener_handle *));
SIZE(virga_listener, 32);

/* --- ext/log.h --- */
TEXT(VIRGA_LOG_ID, "virga.log/1");
VALUE(VIRGA_LOG_DEBUG, 0);
VALUE(VIRGA_LOG_INFO, 1);
VALUE(VIRGA_LOG_WARN, 2);
VALUE(VIRGA_LOG_ERROR, 3);

FIELD(virga_log, struct_size, 0, uint32_t);
FIELD(virga_log, reserved, 4, uint32_t);
FIELD(virga_log, write, 8,
      void (*)(const struct virga_host *, enum virga_log_level, const struct virga_request *,
               struct virga_str));
FIELD(virga_log, level, 16, enum virga_log_level (*)(const struct virga_host *));
SIZE(virga_log, 24);

/* --- ext/process.h --- */
TEXT(VIRGA_PROCESS_ID, "virga.process/1");
VALUE(VIRGA_PROCESS_OUTLIVES, 0x1u);

FIELD(virga_process_options, struct_size, 0, uint32_t);
FIELD(virga_process_options, flags, 4, uint32_t);
FIELD(virga_process_options, argv, 8, const char *const *);
FIELD(virga_process_options, env, 16, const char *const *);
FIELD(virga_process_options, cwd, 24, const char *);
FIELD(virga_process_options, output_path, 32, const char *);
FIELD(virga_process_options, on_output, 40, void (*)(void *, struct virga_str));
FIELD(virga_process_options, on_exit, 48, void (*)(void *, int64_t, int));
FIELD(virga_process_options, arg, 56, void *);
SIZE(virga_process_options, 64);

FIELD(virga_process_id, pid, 0, int64_t);
FIELD(virga_process_id, start_time, 8, uint64_t);
SIZE(virga_process_id, 16);

FIELD(virga_process, struct_size, 0, uint32_t);
FIELD(virga_process, reserved, 4, uint32_t);
FIELD(virga_process, spawn, 8,
      int (*)(const struct virga_host *, const struct virga_process_options *,
              struct virga_process_handle **));
FIELD(virga_process, adopt, 16,
      int (*)(const struct virga_host *, struct virga_process_id,
              const struct virga_process_options *, struct virga_process_handle **));
FIELD(virga_process, id, 24, struct virga_process_id (*)(const struct virga_process_handle *));
FIELD(virga_process, kill, 32, int (*)(struct virga_process_handle *, int));
FIELD(virga_process, close, 40, void (*)(struct virga_process_handle *));
SIZE(virga_process, 48);

/* --- ext/proxy.h --- */
TEXT(VIRGA_PROXY_ID, "virga.proxy/1");
VALUE(VIRGA_PROXY_PASS, 0);
VALUE(VIRGA_PROXY_BUFFER, 1);
VALUE(VIRGA_PROXY_DROP, 2);

FIELD(virga_upstream_options, struct_size, 0, uint32_t);
FIELD(virga_upstream_options, reserved, 4, uint32_t);
FIELD(virga_upstream_options, unix_path, 8, const char *);
FIELD(virga_upstream_options, address, 16, const char *);
FIELD(virga_upstream_options, port, 24, uint16_t);
FIELD(virga_upstream_options, max_idle, 26, uint16_t);
FIELD(virga_upstream_options, connect_timeout_ms, 28, uint32_t);
FIELD(virga_upstream_options, response_timeout_ms, 32, uint32_t);
FIELD(virga_upstream_options, stall_timeout_ms, 36, uint32_t);
SIZE(virga_upstream_options, 40);

FIELD(virga_proxy_request, struct_size, 0, uint32_t);
FIELD(virga_proxy_request, reserved, 4, uint32_t);
FIELD(virga_proxy_request, method, 8, struct virga_str);
FIELD(virga_proxy_request, target, 24, struct virga_str);
FIELD(virga_proxy_request, set_headers, 40, const struct virga_header *);
FIELD(virga_proxy_request, set_headers_count, 48, size_t);
FIELD(virga_proxy_request, remove_headers, 56, const struct virga_str *);
FIELD(virga_proxy_request, remove_headers_count, 64, size_t);
FIELD(virga_proxy_request, body, 72, struct virga_str);
FIELD(virga_proxy_request, buffer_limit_bytes, 88, uint64_t);
FIELD(virga_proxy_request, on_response, 96,
      enum virga_proxy_decision (*)(void *, struct virga_request *, struct virga_proxy_response *));
FIELD(virga_proxy_request, on_body, 104,
      void (*)(void *, struct virga_request *, struct virga_proxy_response *, struct virga_str));
FIELD(virga_proxy_request, on_error, 112, void (*)(void *, struct virga_request *, int));
FIELD(virga_proxy_request, on_done, 120, void (*)(void *, int));
FIELD(virga_proxy_request, arg, 128, void *);
SIZE(virga_proxy_request, 136);

FIELD(virga_proxy, struct_size, 0, uint32_t);
FIELD(virga_proxy, reserved, 4, uint32_t);
FIELD(virga_proxy, upstream_create, 8,
      int (*)(const struct virga_host *, const struct virga_upstream_options *,
              struct virga_upstream **));
FIELD(virga_proxy, upstream_destroy, 16, void (*)(struct virga_upstream *));
FIELD(virga_proxy, upstream_reset, 24, void (*)(struct virga_upstream *));
FIELD(virga_proxy, forward, 32,
      int (*)(const struct virga_host *, struct virga_request *, struct virga_upstream *,
              const struct virga_proxy_request *));
FIELD(virga_proxy, status, 40, int (*)(const struct virga_proxy_response *));
FIELD(virga_proxy, header, 48,
      struct virga_str (*)(const struct virga_proxy_response *, const char *));
FIELD(virga_proxy, set_header, 56,
      int (*)(struct virga_proxy_response *, const char *, struct virga_str));
FIELD(virga_proxy, set_status, 64, void (*)(struct virga_proxy_response *, int));
SIZE(virga_proxy, 72);

/* --- ext/store.h --- */
TEXT(VIRGA_STORE_ID, "virga.store/1");
VALUE(VIRGA_STORE_REVERSE, 0x1u);
VALUE(VIRGA_STORE_KEYS_ONLY, 0x2u);

FIELD(virga_store_value, ptr, 0, const char *);
FIELD(virga_store_value, len, 8, size_t);
SIZE(virga_store_value, 16);

FIELD(virga_store, struct_size, 0, uint32_t);
FIELD(virga_store, reserved, 4, uint32_t);
FIELD(virga_store, get, 8,
      int (*)(const struct virga_host *, struct virga_str, struct virga_store_value *));
FIELD(virga_store, release, 16, void (*)(const struct virga_host *, struct virga_store_value *));
FIELD(virga_store, put, 24, int (*)(const struct virga_host *, struct virga_str, struct virga_str));
FIELD(virga_store, del, 32, int (*)(const struct virga_host *, struct virga_str));
FIELD(virga_store, del_prefix, 40,
      int (*)(const struct virga_host *, struct virga_str, uint64_t *));
FIELD(virga_store, begin, 48, int (*)(const struct virga_host *));
FIELD(virga_store, commit, 56, int (*)(const struct virga_host *));
FIELD(virga_store, rollback, 64, void (*)(const struct virga_host *));
FIELD(virga_store, scan, 72,
      int (*)(const struct virga_host *, struct virga_str, struct virga_str, uint32_t,
              struct virga_store_cursor **));
FIELD(virga_store, next, 80,
      int (*)(struct virga_store_cursor *, struct virga_str *, struct virga_str *));
FIELD(virga_store, close, 88, void (*)(struct virga_store_cursor *));
SIZE(virga_store, 96);

/* --- ext/timer.h --- */
TEXT(VIRGA_TIMER_ID, "virga.timer/1");

FIELD(virga_timer, struct_size, 0, uint32_t);
FIELD(virga_timer, reserved, 4, uint32_t);
FIELD(virga_timer, start, 8,
      int (*)(const struct virga_host *, uint64_t, uint64_t, void (*)(void *), void *,
              struct virga_timer_handle **));
FIELD(virga_timer, stop, 16, void (*)(struct virga_timer_handle *));
FIELD(virga_timer, now_ms, 24, int64_t (*)(const struct virga_host *));
FIELD(virga_timer, monotonic_ns, 32, uint64_t (*)(const struct virga_host *));
SIZE(virga_timer, 40);

/* --- ext/work.h --- */
TEXT(VIRGA_WORK_ID, "virga.work/1");

FIELD(virga_work, struct_size, 0, uint32_t);
FIELD(virga_work, reserved, 4, uint32_t);
FIELD(virga_work, submit, 8,
      int (*)(const struct virga_host *, void (*)(void *), void (*)(void *, int), void *,
              struct virga_work_handle **));
FIELD(virga_work, cancel, 16, int (*)(struct virga_work_handle *));
SIZE(virga_work, 24);

/* --- ext/dispatch.h, since 1.1 --- */
TEXT(VIRGA_DISPATCH_ID, "virga.dispatch/1");

FIELD(virga_dispatch_response, struct_size, 0, uint32_t);
FIELD(virga_dispatch_response, status, 4, int);
FIELD(virga_dispatch_response, error, 8, int);
FIELD(virga_dispatch_response, reserved, 12, uint32_t);
FIELD(virga_dispatch_response, headers, 16, const struct virga_header *);
FIELD(virga_dispatch_response, headers_count, 24, size_t);
FIELD(virga_dispatch_response, body, 32, struct virga_str);
SIZE(virga_dispatch_response, 48);

FIELD(virga_dispatch_request, struct_size, 0, uint32_t);
FIELD(virga_dispatch_request, reserved, 4, uint32_t);
FIELD(virga_dispatch_request, method, 8, const char *);
FIELD(virga_dispatch_request, target, 16, struct virga_str);
FIELD(virga_dispatch_request, headers, 32, const struct virga_header *);
FIELD(virga_dispatch_request, headers_count, 40, size_t);
FIELD(virga_dispatch_request, body, 48, struct virga_str);
FIELD(virga_dispatch_request, account, 64, struct virga_str);
FIELD(virga_dispatch_request, region, 80, struct virga_str);
FIELD(virga_dispatch_request, service, 96, struct virga_str);
FIELD(virga_dispatch_request, body_limit_bytes, 112, uint64_t);
FIELD(virga_dispatch_request, timeout_ms, 120, uint64_t);
FIELD(virga_dispatch_request, on_done, 128,
      void (*)(void *, const struct virga_dispatch_response *));
FIELD(virga_dispatch_request, arg, 136, void *);
/* 1.2 */
FIELD(virga_dispatch_request, access_key, 144, struct virga_str);
SIZE(virga_dispatch_request, 160);

FIELD(virga_dispatch, struct_size, 0, uint32_t);
FIELD(virga_dispatch, reserved, 4, uint32_t);
FIELD(virga_dispatch, call, 8,
      int (*)(const struct virga_host *, const struct virga_dispatch_request *,
              struct virga_dispatch_handle **));
FIELD(virga_dispatch, cancel, 16, void (*)(struct virga_dispatch_handle *));
SIZE(virga_dispatch, 24);

/* --- ext/doctor.h, since 1.1 --- */
VALUE(VIRGA_DOCTOR_OK, 0);
VALUE(VIRGA_DOCTOR_NOTE, 1);
VALUE(VIRGA_DOCTOR_WARN, 2);
VALUE(VIRGA_DOCTOR_FAIL, 3);

FIELD(virga_doctor, struct_size, 0, uint32_t);
FIELD(virga_doctor, reserved, 4, uint32_t);
FIELD(virga_doctor, report, 8,
      void (*)(const struct virga_doctor *, enum virga_doctor_verdict, const char *, const char *,
               const char *));
FIELD(virga_doctor, run, 16,
      int (*)(const struct virga_doctor *, const char *const *, char *, size_t));
FIELD(virga_doctor, try_port, 24, int (*)(const struct virga_doctor *, uint16_t));
SIZE(virga_doctor, 32);

/* --- ext/file.h, since 1.1 --- */
TEXT(VIRGA_FILE_ID, "virga.file/1");

FIELD(virga_file_range, struct_size, 0, uint32_t);
FIELD(virga_file_range, fd, 4, int);
FIELD(virga_file_range, path, 8, const char *);
FIELD(virga_file_range, offset, 16, uint64_t);
FIELD(virga_file_range, length, 24, uint64_t);
FIELD(virga_file_range, on_done, 32, void (*)(void *, int));
FIELD(virga_file_range, arg, 40, void *);
SIZE(virga_file_range, 48);

FIELD(virga_file, struct_size, 0, uint32_t);
FIELD(virga_file, reserved, 4, uint32_t);
FIELD(virga_file, respond, 8,
      int (*)(const struct virga_host *, struct virga_request *, const struct virga_response *,
              const struct virga_file_range *));
SIZE(virga_file, 16);

/* --- ext/metrics.h, since 1.1 --- */
TEXT(VIRGA_METRICS_ID, "virga.metrics/1");
VALUE(VIRGA_METRIC_COUNTER, 1);
VALUE(VIRGA_METRIC_GAUGE, 2);
VALUE(VIRGA_METRIC_HISTOGRAM, 3);
VALUE(VIRGA_METRIC_LABELS_MAX, 4);

FIELD(virga_metric_options, struct_size, 0, uint32_t);
FIELD(virga_metric_options, kind, 4, uint32_t);
FIELD(virga_metric_options, name, 8, const char *);
FIELD(virga_metric_options, help, 16, const char *);
FIELD(virga_metric_options, labels, 24, const char *const *);
FIELD(virga_metric_options, buckets, 32, const double *);
FIELD(virga_metric_options, buckets_count, 40, size_t);
SIZE(virga_metric_options, 48);

FIELD(virga_metrics, struct_size, 0, uint32_t);
FIELD(virga_metrics, reserved, 4, uint32_t);
FIELD(virga_metrics, create, 8,
      int (*)(const struct virga_host *, const struct virga_metric_options *,
              struct virga_metric **));
FIELD(virga_metrics, add, 16, void (*)(struct virga_metric *, const char *const *, double));
FIELD(virga_metrics, set, 24, void (*)(struct virga_metric *, const char *const *, double));
SIZE(virga_metrics, 32);

/* --- service/image_resolver.h, since 1.3 --- */
TEXT(VIRGA_IMAGE_RESOLVER_ID, "virga.image-resolver/1");
VALUE(VIRGA_IMAGE_FOUND, 0);
VALUE(VIRGA_IMAGE_INVALID, 1);
VALUE(VIRGA_IMAGE_ELSEWHERE, 2);
VALUE(VIRGA_IMAGE_NOT_FOUND, 3);
VALUE(VIRGA_IMAGE_DENIED, 4);
VALUE(VIRGA_IMAGE_UNAVAILABLE, 5);
VALUE(VIRGA_IMAGE_CANCELLED, 6);
VALUE(VIRGA_IMAGE_TO_PULL, 0x1);

FIELD(virga_image, struct_size, 0, uint32_t);
FIELD(virga_image, outcome, 4, uint32_t);
FIELD(virga_image, message, 8, const char *);
FIELD(virga_image, account, 16, struct virga_str);
FIELD(virga_image, region, 32, struct virga_str);
FIELD(virga_image, repository, 48, struct virga_str);
FIELD(virga_image, digest, 64, struct virga_str);
FIELD(virga_image, resolved_uri, 80, struct virga_str);
FIELD(virga_image, media_type, 96, struct virga_str);
FIELD(virga_image, manifest, 112, struct virga_str);
FIELD(virga_image, config, 128, struct virga_str);
FIELD(virga_image, config_media_type, 144, struct virga_str);
FIELD(virga_image, registry, 160, struct virga_str);
FIELD(virga_image, pull_name, 176, struct virga_str);
FIELD(virga_image, user, 192, struct virga_str);
FIELD(virga_image, password, 208, struct virga_str);
SIZE(virga_image, 224);

FIELD(virga_image_question, struct_size, 0, uint32_t);
FIELD(virga_image_question, flags, 4, uint32_t);
FIELD(virga_image_question, uri, 8, struct virga_str);
FIELD(virga_image_question, account, 24, struct virga_str);
FIELD(virga_image_question, region, 40, struct virga_str);
FIELD(virga_image_question, service, 56, struct virga_str);
FIELD(virga_image_question, source_arn, 72, struct virga_str);
FIELD(virga_image_question, on_done, 88, void (*)(void *, const struct virga_image *));
FIELD(virga_image_question, arg, 96, void *);
SIZE(virga_image_question, 104);

FIELD(virga_image_resolver, struct_size, 0, uint32_t);
FIELD(virga_image_resolver, reserved, 4, uint32_t);
FIELD(virga_image_resolver, self, 8, void *);
FIELD(virga_image_resolver, resolve, 16,
      int (*)(void *, const struct virga_image_question *, struct virga_image_resolve_handle **));
FIELD(virga_image_resolver, cancel, 24, void (*)(void *, struct virga_image_resolve_handle *));
SIZE(virga_image_resolver, 32);

/* --- service/resource_types.h, since 1.3 --- */
TEXT(VIRGA_RESOURCE_TYPES_ID, "virga.resource-types/1");
VALUE(VIRGA_RESOURCE_AGAIN, 0x1);

FIELD(virga_resource_request, struct_size, 0, uint32_t);
FIELD(virga_resource_request, flags, 4, uint32_t);
FIELD(virga_resource_request, type, 8, struct virga_str);
FIELD(virga_resource_request, account, 24, struct virga_str);
FIELD(virga_resource_request, region, 40, struct virga_str);
FIELD(virga_resource_request, stack_id, 56, struct virga_str);
FIELD(virga_resource_request, stack_name, 72, struct virga_str);
FIELD(virga_resource_request, logical_id, 88, struct virga_str);
FIELD(virga_resource_request, physical_id, 104, struct virga_str);
FIELD(virga_resource_request, properties, 120, struct virga_str);
FIELD(virga_resource_request, previous, 136, struct virga_str);
SIZE(virga_resource_request, 152);

FIELD(virga_resource_result, struct_size, 0, uint32_t);
FIELD(virga_resource_result, reserved, 4, uint32_t);
FIELD(virga_resource_result, failure, 8, struct virga_str);
FIELD(virga_resource_result, physical_id, 24, struct virga_str);
FIELD(virga_resource_result, attributes, 40, struct virga_str);
SIZE(virga_resource_result, 56);

FIELD(virga_resource_type, struct_size, 0, uint32_t);
FIELD(virga_resource_type, reserved, 4, uint32_t);
FIELD(virga_resource_type, name, 8, const char *);
FIELD(virga_resource_type, replaced_by, 16, const char *const *);
FIELD(virga_resource_type, attributes, 24, const char *const *);
FIELD(virga_resource_type, create, 32,
      void (*)(void *, struct virga_resource_task *, const struct virga_resource_request *));
FIELD(virga_resource_type, update, 40,
      void (*)(void *, struct virga_resource_task *, const struct virga_resource_request *));
FIELD(virga_resource_type, remove, 48,
      void (*)(void *, struct virga_resource_task *, const struct virga_resource_request *));
FIELD(virga_resource_type, arg, 56, void *);
SIZE(virga_resource_type, 64);

FIELD(virga_resource_types, struct_size, 0, uint32_t);
FIELD(virga_resource_types, reserved, 4, uint32_t);
FIELD(virga_resource_types, self, 8, void *);
FIELD(virga_resource_types, add, 16, int (*)(void *, const struct virga_resource_type *));
FIELD(virga_resource_types, take_back, 24, void (*)(void *, const struct virga_resource_type *));
FIELD(virga_resource_types, done, 32,
      void (*)(void *, struct virga_resource_task *, const struct virga_resource_result *));
SIZE(virga_resource_types, 40);
