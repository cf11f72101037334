/* SPDX-License-Identifier: MIT */
/* GetAccountSettings. */
#include "actions.h"
#include "side.h"

/* Source: the developer guide, "Lambda quotas". */
#define CODE_UNZIPPED_BYTES 262144000
#define CODE_ZIPPED_BYTES 52428800
#define CODE_TOTAL_BYTES 80530636800

struct usage {
    int64_t functions;
    int64_t code_bytes;
};

static bool on_function(void *arg, struct function *function) {
    struct usage *usage = arg;
    usage->functions++;
    usage->code_bytes += virga_awsjson_int(function->document, "CodeSize", 0);
    return true;
}

void action_get_account_settings(struct call *call) {
    struct lambda *lambda = call->lambda;
    struct virga_json_writer writer = {0};
    struct usage usage = {0};
    int64_t unreserved = 0;
    int result = functions_each(lambda, &call->tenant, NULL, NULL, on_function, &usage);
    if (result == 0) {
        result = side_unreserved(lambda, &call->tenant, NULL, &unreserved);
    }
    if (result != 0) {
        call_broken(call, "The functions could not be counted", result);
        return;
    }
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_object(&writer, "AccountLimit");
    virga_json_int(&writer, "TotalCodeSize", CODE_TOTAL_BYTES);
    virga_json_int(&writer, "CodeSizeUnzipped", CODE_UNZIPPED_BYTES);
    virga_json_int(&writer, "CodeSizeZipped", CODE_ZIPPED_BYTES);
    virga_json_int(&writer, "ConcurrentExecutions", lambda->concurrency_max);
    virga_json_int(&writer, "UnreservedConcurrentExecutions", unreserved);
    virga_json_end_object(&writer);
    virga_json_begin_object(&writer, "AccountUsage");
    virga_json_int(&writer, "TotalCodeSize", usage.code_bytes);
    virga_json_int(&writer, "FunctionCount", usage.functions);
    virga_json_end_object(&writer);
    virga_json_end_object(&writer);
    call_answer(call, 200, &writer);
}
