/* SPDX-License-Identifier: MIT */
/* The plugin: what all its files share. */
#ifndef CFN_H
#define CFN_H

#include "value.h"

#include <virga/helpers/page_token.h>
#include <virga/virga.h>

struct operation;
struct added_type;

#define CFN_UUID_SIZE 37
/* Room for an ARN of a stack or change set. */
#define CFN_ARN_SIZE 512
#define CFN_NAME_MAX 128 /* of a stack or change set */

struct cfn {
    const struct virga_host *host;
    const struct virga_log *log;
    const struct virga_store *store;
    const struct virga_timer *timer;
    const struct virga_dispatch *dispatch;
    struct virga_page_key page_key;
    struct operation *operations; /* under way */
    struct added_type *types;     /* of other plugins */
    struct virga_timer_handle
        *resume_timer; /* what an earlier run left is taken up when it fires */
    bool stopping;
    bool stop_pending; /* stop() waits for the operations */
};

#define CFN_LOG(cfn, level, req, ...)                                                              \
    virga_log_printf((cfn)->log, (cfn)->host, level, req, __VA_ARGS__)

/* Wall clock, milliseconds since 1970. */
static inline int64_t cfn_now_ms(const struct cfn *cfn) {
    return cfn->timer->now_ms(cfn->host);
}

#endif
