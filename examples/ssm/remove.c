/* SPDX-License-Identifier: MIT */
/* DeleteParameter and DeleteParameters. */
#include "records.h"

#include <errno.h>

/* Deletes what a reference without a selector leads to. Errors: -ENOENT, and as the store's. */
static int delete_reference(struct call *call, struct virga_str text) {
    struct name_reference reference;
    int result = name_refer(call, text, &reference);
    if (result == 0) {
        result = reference.selector.ptr == NULL ? record_delete(call, reference.name) : -ENOENT;
    }
    return result;
}

void action_delete_parameter(struct call *call) {
    int result = delete_reference(call, virga_awsjson_str(call->input, "Name"));
    if (result == -ENOENT) {
        call_fail(call, "ParameterNotFound", NULL);
    } else if (result != 0) {
        call_fail_internally(call, result);
    } else {
        call_answer_empty(call);
    }
}

static void write_names(struct call *call, struct virga_json_writer *writer, const char *key,
                        const char *deleted, char wanted) {
    size_t count = virga_awsjson_length(call->input, "Names");
    virga_json_begin_array(writer, key);
    for (size_t i = 0; i < count; i++) {
        if (deleted[i] == wanted) {
            virga_json_str(writer, NULL,
                           virga_awsjson_text(virga_awsjson_element(call->input, "Names", i)));
        }
    }
    virga_json_end_array(writer);
}

void action_delete_parameters(struct call *call) {
    char deleted[10]; /* as many as the model lets through */
    size_t count = virga_awsjson_length(call->input, "Names");
    struct virga_json_writer writer = {0};
    for (size_t i = 0; i < count; i++) {
        struct json_object *name = virga_awsjson_element(call->input, "Names", i);
        int result = delete_reference(call, virga_awsjson_text(name));
        deleted[i] = result == 0;
        if (result != 0 && result != -ENOENT) {
            call_fail_internally(call, result);
            return;
        }
    }
    virga_json_begin_object(&writer, NULL);
    write_names(call, &writer, "DeletedParameters", deleted, 1);
    write_names(call, &writer, "InvalidParameters", deleted, 0);
    virga_json_end_object(&writer);
    (void)virga_awsjson_answer(call->req, 200, &writer);
}
