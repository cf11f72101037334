/* SPDX-License-Identifier: MIT */
/* Texts kept for a repository. */
#include "texts.h"

#include <errno.h>

/* Writes the answer's object; `evaluated` as the kind says, for Get and Delete only. */
static void write_text(const struct call *call, const struct text_kind *kind, struct virga_str text,
                       bool evaluated, struct virga_json_writer *writer) {
    virga_json_begin_object(writer, NULL);
    call_write_head(call, writer);
    virga_json_str(writer, kind->member, text);
    if (evaluated) {
        /* Zero is AWS's word for "never". */
        virga_json_time(writer, "lastEvaluatedAt", 0);
    }
    virga_json_end_object(writer);
}

void text_put(struct call *call, const struct text_kind *kind, struct virga_str text) {
    struct virga_json_writer writer = {0};
    if (!call_repository_exists(call)) {
        return;
    }
    int result = meta_text_put(call->ecr, &call->tenant, call->name, kind->kind, text);
    if (result != 0) {
        call_broken(call, "The text could not be recorded", result, NULL);
        return;
    }
    write_text(call, kind, text, false, &writer);
    call_answer(call, &writer);
}

void text_answer(struct call *call, const struct text_kind *kind, bool removes) {
    struct ecr *ecr = call->ecr;
    struct virga_json_writer writer = {0};
    struct virga_store_value text = {0};
    if (!call_repository_exists(call)) {
        return;
    }
    int result = meta_text_get(ecr, &call->tenant, call->name, kind->kind, &text);
    if (result == 0 && removes) {
        result = meta_text_delete(ecr, &call->tenant, call->name, kind->kind);
    }
    if (result == -ENOENT) {
        call_fail(call, kind->missing_code,
                  "%s does not exist for the repository with name '%.*s' in the registry with id "
                  "'%s'",
                  kind->missing_what, (int)call->name.len, call->name.ptr, call->tenant.account);
    } else if (result != 0) {
        call_broken(call, "The text could not be read or deleted", result, NULL);
    } else {
        write_text(call, kind, (struct virga_str){text.ptr, text.len}, kind->evaluated, &writer);
        call_answer(call, &writer);
    }
    ecr->store->release(ecr->host, &text);
}
