/* SPDX-License-Identifier: MIT */
/* Who may do what on the wire, where policies are obeyed. The routes are ECR's API in other words,
 * so that each has the actions of the API that it stands for.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html */
#include "authorize.h"
#include "gateway_impl.h"
#include "login.h"
#include "strict.h"

#include <errno.h>
#include <stdlib.h>

void gateway_fail_login(struct gateway_exchange *exchange) {
    char origin[GATEWAY_ORIGIN_MAX], challenge[sizeof origin + 64];
    static const char body[] =
        "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"Not Authorized\"}]}\n";
    bool text = strict_login_text(exchange->ecr);
    gateway_origin(exchange, origin);
    (void)snprintf(challenge, sizeof challenge,
                   "Basic realm=\"https://%s/\",service=\"ecr.amazonaws.com\"",
                   origin + strlen("http://"));
    const struct gateway_header header = {"Www-Authenticate", challenge};
    gateway_answer(exchange, 401, &header, 1,
                   text ? "text/plain; charset=utf-8" : "application/json; charset=utf-8",
                   virga_str_from(text ? "Not Authorized\n" : body));
}

bool gateway_login(struct gateway_exchange *exchange) {
    struct ecr *ecr = exchange->ecr;
    struct virga_request *req = exchange->req;
    if (!authorize_enforces(ecr)) {
        return true;
    }
    struct principal *principal = calloc(1, sizeof *principal);
    if (principal == NULL) {
        gateway_fail(exchange, 500, "UNKNOWN", "out of memory");
        return false;
    }
    int result = login_read_header(ecr, req->http->header(req, "Authorization"), principal);
    if (result == 0) {
        exchange->principal = principal;
        return true;
    }
    free(principal);
    if (result == -EACCES) {
        gateway_fail_login(exchange);
    } else if (result == -EKEYEXPIRED) {
        gateway_fail(exchange, 403, "DENIED",
                     "Your authorization token has expired. Reauthenticate and try again.");
    } else {
        gateway_fail_store(exchange, result);
    }
    return false;
}

static int ask(const struct gateway_exchange *exchange, const char *action, struct virga_str name,
               char message[AUTHORIZE_MESSAGE_MAX]) {
    const struct authorize_question question = {.principal = exchange->principal,
                                                .owner = &exchange->tenant,
                                                .action = action,
                                                .name = name,
                                                .req = exchange->req};
    return authorize_ask(exchange->ecr, &question, message);
}

bool gateway_may(const struct gateway_exchange *exchange, const char *action,
                 struct virga_str name) {
    char message[AUTHORIZE_MESSAGE_MAX];
    return !authorize_enforces(exchange->ecr) || ask(exchange, action, name, message) == 0;
}

/* The action that the request stands for; NULL: none, only the login counts. */
static const char *action_of(const struct gateway_exchange *exchange) {
    struct virga_str method = exchange->req->method;
    bool puts = virga_str_equal(method, virga_str_from("PUT"));
    switch (exchange->kind) {
    case GATEWAY_BASE:
        return NULL;
    case GATEWAY_CATALOG:
        return "ecr:DescribeRepositories";
    case GATEWAY_TAGS:
        return "ecr:ListImages";
    case GATEWAY_MANIFEST:
        if (virga_str_equal(method, virga_str_from("DELETE"))) {
            return "ecr:BatchDeleteImage";
        }
        return puts ? "ecr:PutImage" : "ecr:BatchGetImage";
    case GATEWAY_BLOB:
        return exchange->head ? "ecr:BatchCheckLayerAvailability" : "ecr:GetDownloadUrlForLayer";
    case GATEWAY_UPLOADS:
        return "ecr:InitiateLayerUpload";
    case GATEWAY_UPLOAD:
        return puts ? "ecr:CompleteLayerUpload" : "ecr:UploadLayerPart";
    case GATEWAY_REFERRERS:
        return "ecr:ListImageReferrers";
    }
    return NULL;
}

/* A pull of what a pull-through cache would fetch first: another account's registry policy speaks
 * of that, and there is no repository yet whose policy could. */
static bool may_import(const struct gateway_exchange *exchange) {
    bool pulls = (exchange->kind == GATEWAY_MANIFEST || exchange->kind == GATEWAY_BLOB) &&
                 (exchange->head || virga_str_equal(exchange->req->method, virga_str_from("GET")));
    return pulls &&
           !meta_repository_exists(exchange->ecr, &exchange->tenant, gateway_name(exchange)) &&
           gateway_may(exchange, "ecr:BatchImportUpstreamImage", gateway_name(exchange));
}

bool gateway_authorize(struct gateway_exchange *exchange) {
    char message[AUTHORIZE_MESSAGE_MAX];
    const char *action = action_of(exchange);
    if (!authorize_enforces(exchange->ecr) || action == NULL) {
        return true;
    }
    struct virga_str name =
        exchange->kind == GATEWAY_CATALOG ? (struct virga_str){0} : gateway_name(exchange);
    int result = ask(exchange, action, name, message);
    /* A blob that comes with the request that ends its upload is a part of it, too. */
    if (result == 0 && exchange->kind == GATEWAY_UPLOAD &&
        (exchange->req->flags & VIRGA_REQUEST_HAS_BODY) != 0) {
        result = ask(exchange, "ecr:UploadLayerPart", name, message);
    }
    if (result == 0 || (result == -EACCES && may_import(exchange))) {
        return true;
    }
    if (result == -EACCES) {
        gateway_fail(exchange, 403, "DENIED", "%s", message);
    } else {
        gateway_fail_store(exchange, result);
    }
    return false;
}

struct virga_str gateway_principal(const struct gateway_exchange *exchange) {
    return exchange->principal != NULL ? virga_str_from(exchange->principal->arn)
                                       : (struct virga_str){0};
}
