/* SPDX-License-Identifier: MIT */
/* ListExports and ListImports. */
#include "call.h"

#include <errno.h>

struct exports {
    struct call *call;
    size_t count;
    char last[VIRGA_PAGE_POSITION_MAX + 1];
    bool more;
};

static int on_export(void *arg, const char *name, struct json_object *exported) {
    struct exports *exports = arg;
    struct virga_xml_writer *writer = &exports->call->writer;
    if (exports->count == CALL_PAGE_MAX) {
        exports->more = true;
        return 1;
    }
    exports->count++;
    (void)snprintf(exports->last, sizeof exports->last, "%s", name);
    virga_xml_begin(writer, "member");
    virga_xml_string(writer, "ExportingStackId", value_text(exported, "stackId"));
    virga_xml_string(writer, "Name", name);
    virga_xml_string(writer, "Value", value_text(exported, "value"));
    virga_xml_end(writer, "member");
    return 0;
}

void action_list_exports(struct call *call) {
    char prefix[300];
    char position[VIRGA_PAGE_POSITION_MAX + 1];
    struct exports exports = {.call = call};
    if (!call_page_position(call, position)) {
        return;
    }
    (void)snprintf(prefix, sizeof prefix, "x/%s/%s/", call_account(call), call_region(call));
    call_result(call);
    virga_xml_begin(&call->writer, "Exports");
    int result = record_each(call->cfn, prefix, position, false, on_export, &exports);
    virga_xml_end(&call->writer, "Exports");
    if (exports.more) {
        call_page_token(call, exports.last);
    }
    if (result < 0) {
        call_broken(call, result);
    } else {
        call_answer(call);
    }
}

void action_list_imports(struct call *call) {
    char prefix[RECORD_KEY_SIZE];
    struct virga_store_cursor *cursor;
    struct virga_str key;
    struct virga_str name;
    size_t count = 0;
    struct cfn *cfn = call->cfn;
    const char *export = call_text(call, "ExportName");
    (void)snprintf(prefix, sizeof prefix, "i/%s/%s/%s\001", call_account(call), call_region(call),
                   export);
    int result = cfn->store->scan(cfn->host, virga_str_from(prefix), (struct virga_str){NULL, 0}, 0,
                                  &cursor);
    if (result != 0) {
        call_broken(call, result);
        return;
    }
    call_result(call);
    virga_xml_begin(&call->writer, "Imports");
    while ((result = cfn->store->next(cursor, &key, &name)) == 1) {
        virga_xml_str(&call->writer, "member", name);
        count++;
    }
    virga_xml_end(&call->writer, "Imports");
    cfn->store->close(cursor);
    if (result < 0) {
        call_broken(call, result);
    } else if (count == 0) {
        call_invalid(call, "Export '%s' is not imported by any stack.", export);
    } else {
        call_answer(call);
    }
}
