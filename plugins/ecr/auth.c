/* SPDX-License-Identifier: MIT */
/* GetAuthorizationToken: what docker login is fed with. */
#include "actions.h"
#include "gateway.h"
#include "login.h"

#include <virga/helpers/base64.h>

static void write_entry(const struct call *call, struct virga_json_writer *writer,
                        const struct tenant *tenant, const char *token, int64_t expires_ms) {
    char host[256], endpoint[sizeof host + 8];
    gateway_registry_host(call->ecr, tenant, host, sizeof host);
    (void)snprintf(endpoint, sizeof endpoint, "http://%s", host);
    virga_json_begin_object(writer, NULL);
    virga_json_string(writer, "authorizationToken", token);
    virga_json_time(writer, "expiresAt", expires_ms);
    virga_json_string(writer, "proxyEndpoint", endpoint);
    virga_json_end_object(writer);
}

/* One token is good for every registry that its principal may use, as the API's documentation says
 * of registryIds: the list adds entries, and no permissions. */
void action_get_authorization_token(struct call *call) {
    struct ecr *ecr = call->ecr;
    struct virga_json_writer writer = {0};
    char login[sizeof LOGIN_USER + LOGIN_PASSWORD_SIZE] = LOGIN_USER ":";
    char token[VIRGA_BASE64_SIZE(sizeof login)];
    int64_t expires_ms = ecr->timer->now_ms(ecr->host) + LOGIN_VALID_MS;
    int result = login_make(ecr, call->principal, expires_ms, login + sizeof LOGIN_USER);
    if (result != 0) {
        call_broken(call, "The token could not be made", result, NULL);
        return;
    }
    virga_base64_encode(virga_str_from(login), token);
    size_t count = virga_awsjson_length(call->input, "registryIds");
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "authorizationData");
    if (count == 0) {
        write_entry(call, &writer, &call->tenant, token, expires_ms);
    }
    for (size_t i = 0; i < count; i++) {
        struct tenant tenant = call->tenant;
        struct virga_str id =
            virga_awsjson_text(virga_awsjson_element(call->input, "registryIds", i));
        memcpy(tenant.account, id.ptr, ECR_ACCOUNT_LEN);
        write_entry(call, &writer, &tenant, token, expires_ms);
    }
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    call_answer(call, &writer);
}
