/* SPDX-License-Identifier: MIT */
/* Texts kept for a repository. */
#include "texts.h"

#include "meta_preview.h"
#include "strict.h"

#include <errno.h>

void text_write(const struct call *call, const char *member, enum json_format format,
                struct virga_str text, struct virga_json_writer *writer) {
    struct strbuf formatted = {0};
    if (strict_formats_policies(call->ecr)) {
        json_format(text, format, &formatted);
        text = strbuf_str(&formatted);
        writer->failed = writer->failed || formatted.failed;
    }
    virga_json_str(writer, member, text);
    strbuf_finish(&formatted);
}

/* Writes the answer's object; `evaluated` as the kind says, for Get and Delete only. */
static void write_text(const struct call *call, const struct text_kind *kind, struct virga_str text,
                       bool evaluated, int64_t evaluated_ms, struct virga_json_writer *writer) {
    virga_json_begin_object(writer, NULL);
    call_write_head(call, writer);
    text_write(call, kind->member, kind->format, text, writer);
    if (evaluated) {
        /* Zero is AWS's word for "never". */
        virga_json_time(writer, "lastEvaluatedAt", evaluated_ms);
    }
    virga_json_end_object(writer);
}

void text_put(struct call *call, const struct text_kind *kind, struct virga_str text) {
    struct virga_json_writer writer = {0};
    if (!call_repository_exists(call)) {
        return;
    }
    bool own = false;
    int result = meta_begin(call->ecr, &own);
    if (result == 0) {
        result = meta_text_put(call->ecr, &call->tenant, call->name, kind->kind, text);
        if (result == 0 && kind->evaluated) {
            /* What was evaluated was another text. */
            result = meta_policy_set_evaluated(call->ecr, &call->tenant, call->name, 0);
        }
        result = meta_end(call->ecr, own, result);
    }
    if (result != 0) {
        call_broken(call, "The text could not be recorded", result, NULL);
        return;
    }
    write_text(call, kind, text, false, 0, &writer);
    call_answer(call, &writer);
}

static int remove_text(struct call *call, const struct text_kind *kind) {
    bool own = false;
    int result = meta_begin(call->ecr, &own);
    if (result != 0) {
        return result;
    }
    result = meta_text_delete(call->ecr, &call->tenant, call->name, kind->kind);
    if (result == 0 && kind->evaluated) {
        result = meta_policy_set_evaluated(call->ecr, &call->tenant, call->name, 0);
    }
    return meta_end(call->ecr, own, result);
}

void text_answer(struct call *call, const struct text_kind *kind, bool removes) {
    struct ecr *ecr = call->ecr;
    struct virga_json_writer writer = {0};
    struct virga_store_value text = {0};
    if (!call_repository_exists(call)) {
        return;
    }
    int64_t evaluated_ms = 0;
    int result = meta_text_get(ecr, &call->tenant, call->name, kind->kind, &text);
    if (result == 0 && kind->evaluated) {
        evaluated_ms = meta_policy_evaluated(ecr, &call->tenant, call->name);
    }
    if (result == 0 && removes) {
        result = remove_text(call, kind);
    }
    if (result == -ENOENT) {
        call_fail(call, kind->missing_code,
                  "%s does not exist for the repository with name '%.*s' in the registry with id "
                  "'%s'",
                  kind->missing_what, (int)call->name.len, call->name.ptr, call->tenant.account);
    } else if (result != 0) {
        call_broken(call, "The text could not be read or deleted", result, NULL);
    } else {
        write_text(call, kind, (struct virga_str){text.ptr, text.len}, kind->evaluated,
                   evaluated_ms, &writer);
        call_answer(call, &writer);
    }
    ecr->store->release(ecr->host, &text);
}
