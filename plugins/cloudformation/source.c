/* SPDX-License-Identifier: MIT */
/* Templates and values of parameters. */
#include "source.h"

#include "answer.h"
#include "parameters.h"
#include "template.h"
#include "types.h"

#include <errno.h>

static void parse(struct call *call) {
    int result = template_parse(text_str(&call->text), types_has_attribute, call->cfn, &call->root,
                                &call->fault);
    if (result == -EINVAL) {
        call_invalid(call, "%s", call->fault.text);
    } else if (result != 0) {
        call_broken(call, result);
    } else {
        call->on_ready(call);
    }
}

/* Whether a host is "<bucket>.s3..." and how long the bucket's name in it is. */
static size_t bucket_length(struct virga_str host) {
    for (size_t i = 1; i + 4 <= host.len; i++) {
        if (memcmp(host.ptr + i, ".s3", 3) == 0 && strchr(".-:", host.ptr[i + 3]) != NULL) {
            return i;
        }
    }
    return 0;
}

int source_path(const char *url, struct text *ret_path) {
    const char *host = strstr(url, "://");
    struct text path = {0};
    if (host == NULL || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)) {
        return -EINVAL;
    }
    host += 3;
    const char *slash = strchr(host, '/');
    if (slash == NULL || slash[1] == '\0') {
        return -EINVAL;
    }
    size_t len = bucket_length((struct virga_str){host, (size_t)(slash - host)});
    if (len > 0) {
        text_addf(&path, "/%.*s", (int)len, host);
    }
    text_add(&path, slash, strcspn(slash, "#"));
    if (path.failed) {
        text_finish(&path);
        return -ENOMEM;
    }
    *ret_path = path;
    return 0;
}

static void on_object(void *arg, const struct virga_dispatch_response *response) {
    struct call *call = arg;
    struct answer answer;
    answer_read(response, &answer);
    if (answer_is_ok(&answer)) {
        text_add_str(&call->text, answer.body);
        parse(call);
    } else if (answer.error == -EMSGSIZE) {
        call_invalid(call, "Template may not exceed %d bytes in size.", TEMPLATE_URL_MAX);
    } else {
        call_invalid(call,
                     "S3 error: %s\nFor more information check "
                     "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
                     answer.message);
    }
    answer_finish(&answer);
}

static void fetch(struct call *call, const char *url) {
    struct text path = {0};
    int result = source_path(url, &path);
    if (result == -EINVAL) {
        call_invalid(call, "TemplateURL must be a supported URL.");
        return;
    }
    const struct virga_dispatch_request request = {
        .struct_size = sizeof request,
        .method = "GET",
        .target = text_str(&path),
        .account = call->req->account,
        .region = call->req->region,
        .service = virga_str_from("s3"),
        .body_limit_bytes = TEMPLATE_URL_MAX,
        .on_done = on_object,
        .arg = call,
    };
    if (result == 0) {
        result = call->cfn->dispatch->call(call->cfn->host, &request, NULL);
    }
    text_finish(&path);
    if (result != 0) {
        call_broken(call, result);
    }
}

void source_read_template(struct call *call, bool own) {
    const char *body = call_text(call, "TemplateBody");
    const char *url = call_text(call, "TemplateURL");
    bool previous = value_bool(call->input, "UsePreviousTemplate");
    if (body != NULL && url != NULL) {
        call_invalid(call, "Either Template URL or Template Body must be specified.");
    } else if (body != NULL && !previous) {
        text_add_str(&call->text, value_str(value_member(call->input, "TemplateBody")));
        parse(call);
    } else if (url != NULL && !previous) {
        fetch(call, url);
    } else if (call->stack != NULL && (previous || own) && body == NULL && url == NULL) {
        int result =
            record_get_text(call->cfn, &call->text, "t/%s/c", value_text(call->stack, "uuid"));
        if (result != 0) {
            call_broken(call, result);
        } else {
            parse(call);
        }
    } else {
        call_invalid(call, "Either Template URL or Template Body must be specified.");
    }
}

static void resolve_next(struct call *call);

static void on_parameter(void *arg, const struct virga_dispatch_response *response) {
    struct call *call = arg;
    struct answer answer;
    answer_read(response, &answer);
    struct json_object *record = value_member(call->parameters, call->parameter);
    const char *value = value_text(value_member(answer.json, "Parameter"), "Value");
    if (answer_is_ok(&answer) && value != NULL) {
        int result = value_set_text(record, "resolved", value);
        if (result != 0) {
            call_broken(call, result);
        } else {
            resolve_next(call);
        }
    } else if (answer_is(&answer, "ParameterNotFound")) {
        call_invalid(call, "Unable to fetch parameters [%s] from parameter store for this account.",
                     value_text(record, "value"));
    } else {
        call_invalid(call, "Unable to fetch parameters [%s] from parameter store: %s",
                     value_text(record, "value"), answer.message);
    }
    answer_finish(&answer);
}

/* Asks the parameter store for the next value that is missing. */
static void resolve_next(struct call *call) {
    const char *key = NULL;
    const char *name = parameters_unresolved(call->parameters, &call->at, &key);
    if (name == NULL) {
        call->on_ready(call);
        return;
    }
    (void)snprintf(call->parameter, sizeof call->parameter, "%s", key);
    const struct virga_header headers[] = {
        {virga_str_from("X-Amz-Target"), virga_str_from("AmazonSSM.GetParameter")},
        {virga_str_from("Content-Type"), virga_str_from("application/x-amz-json-1.1")},
    };
    struct json_object *input = json_object_new_object();
    int result = input == NULL ? -ENOMEM : value_set_text(input, "Name", name);
    const struct virga_dispatch_request request = {
        .struct_size = sizeof request,
        .headers = headers,
        .headers_count = 2,
        .body = virga_str_from(result == 0 ? value_json(input) : ""),
        .account = call->req->account,
        .region = call->req->region,
        .service = virga_str_from("ssm"),
        .on_done = on_parameter,
        .arg = call,
    };
    result = result != 0 ? result : call->cfn->dispatch->call(call->cfn->host, &request, NULL);
    json_object_put(input);
    if (result != 0) {
        call_broken(call, result);
    }
}

void source_read_parameters(struct call *call, struct json_object *previous) {
    int result = parameters_make(call->root, value_member(call->input, "Parameters"), previous,
                                 &call->parameters, &call->fault);
    if (result == -EINVAL) {
        call_invalid(call, "%s", call->fault.text);
    } else if (result != 0) {
        call_broken(call, result);
    } else {
        resolve_next(call);
    }
}

bool source_check_capabilities(struct call *call) {
    unsigned needs = template_capabilities(call->root, NULL);
    struct json_object *given = value_member(call->input, "Capabilities");
    bool iam = false;
    bool named = false;
    for (size_t i = 0; i < value_length(given); i++) {
        const char *one = value_scalar(value_element(given, i));
        named = named || strcmp(one, "CAPABILITY_NAMED_IAM") == 0;
        iam = iam || named || strcmp(one, "CAPABILITY_IAM") == 0;
    }
    if (((needs & TEMPLATE_NEEDS_NAMED_IAM) != 0 && !named) ||
        ((needs & TEMPLATE_NEEDS_IAM) != 0 && !iam)) {
        call_fail(call, 400, "InsufficientCapabilitiesException", "Requires capabilities : [%s]",
                  (needs & TEMPLATE_NEEDS_NAMED_IAM) != 0 ? "CAPABILITY_NAMED_IAM"
                                                          : "CAPABILITY_IAM");
        return false;
    }
    return true;
}
