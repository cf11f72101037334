/* SPDX-License-Identifier: MIT */
/* From a request to its action, and from there to an answer. */
#include "call.h"

#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/awsjson.h>

static const struct action {
    const char *name;
    const struct virga_model_shape *input;
    void (*run)(struct call *call);
} actions[] = {
    {"CancelUpdateStack", &model_named_stack, action_cancel_update_stack},
    {"ContinueUpdateRollback", &model_named_stack, action_continue_update_rollback},
    {"CreateChangeSet", &model_create_change_set, action_create_change_set},
    {"CreateStack", &model_stack_input, action_create_stack},
    {"DeleteChangeSet", &model_change_set, action_delete_change_set},
    {"DeleteStack", &model_named_stack, action_delete_stack},
    {"DescribeChangeSet", &model_change_set, action_describe_change_set},
    {"DescribeStackEvents", &model_named_stack, action_describe_stack_events},
    {"DescribeStackResource", &model_resource, action_describe_stack_resource},
    {"DescribeStackResources", &model_any_stack, action_describe_stack_resources},
    {"DescribeStacks", &model_any_stack, action_describe_stacks},
    {"ExecuteChangeSet", &model_change_set, action_execute_change_set},
    {"GetStackPolicy", &model_named_stack, action_get_stack_policy},
    {"GetTemplate", &model_any_stack, action_get_template},
    {"GetTemplateSummary", &model_template, action_get_template_summary},
    {"ListChangeSets", &model_named_stack, action_list_change_sets},
    {"ListExports", &model_list, action_list_exports},
    {"ListImports", &model_list_imports, action_list_imports},
    {"ListStackResources", &model_named_stack, action_list_stack_resources},
    {"ListStacks", &model_list, action_list_stacks},
    {"RollbackStack", &model_named_stack, action_rollback_stack},
    {"SetStackPolicy", &model_named_stack, action_set_stack_policy},
    {"UpdateStack", &model_stack_input, action_update_stack},
    {"UpdateTerminationProtection", &model_protection, action_update_termination_protection},
    {"ValidateTemplate", &model_template, action_validate_template},
};

const char *call_account(const struct call *call) {
    return call->req->account.ptr;
}

const char *call_region(const struct call *call) {
    return call->req->region.ptr;
}

const char *call_text(const struct call *call, const char *name) {
    return value_text(call->input, name);
}

static struct virga_request *finish(struct call *call) {
    struct virga_request *req = call->req;
    virga_xml_finish(&call->writer);
    json_object_put(call->input);
    json_object_put(call->stack);
    json_object_put(call->root);
    json_object_put(call->parameters);
    text_finish(&call->text);
    free(call);
    return req;
}

void call_result(struct call *call) {
    virga_query_begin(&call->writer, call->action, CALL_XMLNS);
}

void call_answer(struct call *call) {
    const char *action = call->action;
    struct virga_xml_writer writer = call->writer;
    call->writer = (struct virga_xml_writer){0};
    (void)virga_query_answer(finish(call), &writer, action);
}

void call_empty(struct call *call) {
    call_result(call);
    call_answer(call);
}

void call_fail(struct call *call, int status, const char *code, const char *format, ...) {
    char message[VIRGA_QUERY_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    (void)virga_query_error(finish(call), status, CALL_XMLNS, code, "%s", message);
}

void call_broken(struct call *call, int error) {
    CFN_LOG(call->cfn, VIRGA_LOG_ERROR, call->req, "%s: %s", call->action, strerror(-error));
    call_fail(call, 500, "InternalFailure",
              "The request processing has failed because of an unknown error, exception or "
              "failure.");
}

bool call_find_stack(struct call *call, const char *missing) {
    const char *name = call_text(call, "StackName");
    int result = stack_find(call->cfn, call_account(call), call_region(call), name, &call->stack);
    if (result == -ENOENT) {
        char message[2000];
        const char *at = strstr(missing, "%s");
        (void)snprintf(message, sizeof message, "%.*s%s%s", (int)(at - missing), missing, name,
                       at + 2);
        call_invalid(call, "%s", message);
    } else if (result != 0) {
        call_broken(call, result);
    }
    return result == 0;
}

static struct virga_str question(const struct call *call, char buffer[600]) {
    const char *stack = call_text(call, "StackName");
    int len = snprintf(buffer, 600, "%s %s %s %.400s", call->action, call_account(call),
                       call_region(call), stack != NULL ? stack : "");
    return (struct virga_str){buffer, (size_t)len < 600 ? (size_t)len : 599};
}

void call_page_token(struct call *call, const char *position) {
    char buffer[600];
    char token[VIRGA_PAGE_TOKEN_SIZE];
    if (virga_page_token_make(&call->cfn->page_key, question(call, buffer),
                              virga_str_from(position), token) == 0) {
        virga_xml_string(&call->writer, "NextToken", token);
    }
}

bool call_page_position(struct call *call, char ret_position[VIRGA_PAGE_POSITION_MAX + 1]) {
    char buffer[600];
    size_t len = 0;
    const char *token = call_text(call, "NextToken");
    ret_position[0] = '\0';
    if (token == NULL) {
        return true;
    }
    if (virga_page_token_open(&call->cfn->page_key, question(call, buffer), virga_str_from(token),
                              ret_position, &len) != 0) {
        call_invalid(call, "NextToken is invalid");
        return false;
    }
    ret_position[len] = '\0';
    return true;
}

void call_write_texts(struct call *call, const char *name, struct json_object *texts) {
    virga_xml_begin(&call->writer, name);
    for (size_t i = 0; i < value_length(texts); i++) {
        virga_xml_string(&call->writer, "member", value_scalar(value_element(texts, i)));
    }
    virga_xml_end(&call->writer, name);
}

void call_write_tags(struct call *call, struct json_object *tags) {
    virga_xml_begin(&call->writer, "Tags");
    for (size_t i = 0; i < value_length(tags); i++) {
        virga_xml_begin(&call->writer, "member");
        virga_xml_string(&call->writer, "Key", value_text(value_element(tags, i), "Key"));
        virga_xml_string(&call->writer, "Value", value_text(value_element(tags, i), "Value"));
        virga_xml_end(&call->writer, "member");
    }
    virga_xml_end(&call->writer, "Tags");
}

void call_write_parameters(struct call *call, struct json_object *set) {
    virga_xml_begin(&call->writer, "Parameters");
    if (set != NULL) {
        json_object_object_foreach(set, key, parameter) {
            bool hidden = value_bool(parameter, "noEcho");
            virga_xml_begin(&call->writer, "member");
            virga_xml_string(&call->writer, "ParameterKey", key);
            virga_xml_string(&call->writer, "ParameterValue",
                             hidden ? "****" : value_text(parameter, "value"));
            virga_xml_string(&call->writer, "ResolvedValue",
                             hidden ? NULL : value_text(parameter, "resolved"));
            virga_xml_end(&call->writer, "member");
        }
    }
    virga_xml_end(&call->writer, "Parameters");
}

/* Checks the input and runs the action on it. */
static void run(struct call *call, const struct action *action) {
    struct virga_model_fault fault;
    char message[2048];
    int result = virga_model_check(action->input, call->input, &fault);
    if (result == 0) {
        action->run(call);
    } else if (result != -EINVAL) {
        call_broken(call, result);
    } else if (fault.kind == VIRGA_MODEL_FAULT_TYPE) {
        call_fail(call, 400, "MalformedInput", "%s", fault.constraint);
    } else {
        virga_model_message_validation(&fault, message, sizeof message);
        call_invalid(call, "%s", message);
    }
}

void call_begin(struct cfn *cfn, struct virga_request *req) {
    struct call *call = calloc(1, sizeof *call);
    const struct action *action = NULL;
    struct virga_query query;
    if (call == NULL) {
        req->http->abort(req);
        return;
    }
    call->cfn = cfn;
    call->req = req;
    for (size_t i = 0; action == NULL && i < sizeof actions / sizeof actions[0]; i++) {
        if (virga_str_equal(virga_str_from(actions[i].name), req->action)) {
            action = &actions[i];
        }
    }
    if (action == NULL) {
        call_fail(call, 400, "InvalidAction", "Could not find operation %.*s for version %s",
                  (int)req->action.len, req->action.ptr, CALL_VERSION);
        return;
    }
    call->action = action->name;
    int result = virga_query_parse(req, &query);
    if (result == 0) {
        result = virga_query_object(&query, action->input, &call->input);
    }
    if (result == -ENOMEM) {
        call_broken(call, result);
    } else if (result != 0) {
        call_fail(call, 400, "MalformedQueryString",
                  "The query string contains a syntax error, or too many parameters.");
    } else {
        run(call, action);
    }
}
