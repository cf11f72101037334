/* SPDX-License-Identifier: MIT */
/* GetAuthorizationToken: what docker login is fed with. */
#include "actions.h"
#include "gateway.h"

#include <virga/helpers/base64.h>

/* The registry asks for no password; these are the ones that clients are told. */
#define LOGIN "AWS:floci"
#define LOGIN_VALID_MS (12 * 60 * 60 * 1000)

static void write_entry(const struct call *call, struct virga_json_writer *writer,
                        const struct tenant *tenant) {
    char token[VIRGA_BASE64_SIZE(sizeof LOGIN)], host[256], endpoint[sizeof host + 8];
    virga_base64_encode(virga_str_from(LOGIN), token);
    gateway_registry_host(call->ecr, tenant, host, sizeof host);
    (void)snprintf(endpoint, sizeof endpoint, "http://%s", host);
    virga_json_begin_object(writer, NULL);
    virga_json_string(writer, "authorizationToken", token);
    virga_json_time(writer, "expiresAt",
                    call->ecr->timer->now_ms(call->ecr->host) + LOGIN_VALID_MS);
    virga_json_string(writer, "proxyEndpoint", endpoint);
    virga_json_end_object(writer);
}

void action_get_authorization_token(struct call *call) {
    struct virga_json_writer writer = {0};
    size_t count = virga_awsjson_length(call->input, "registryIds");
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "authorizationData");
    if (count == 0) {
        write_entry(call, &writer, &call->tenant);
    }
    for (size_t i = 0; i < count; i++) {
        struct tenant tenant = call->tenant;
        struct virga_str id =
            virga_awsjson_text(virga_awsjson_element(call->input, "registryIds", i));
        memcpy(tenant.account, id.ptr, ECR_ACCOUNT_LEN);
        write_entry(call, &writer, &tenant);
    }
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}
