/* SPDX-License-Identifier: MIT */
/* The question to the resolver. */
#include "resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>

struct question {
    struct ecr *ecr;
    void (*on_done)(void *arg);
    void *arg;
    char name[128];
    int error;          /* of getaddrinfo() */
    char elsewhere[64]; /* an address that is not loopback; empty when there is none */
};

static bool is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static void run(void *arg) {
    struct question *question = arg;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    question->error = getaddrinfo(question->name, NULL, &hints, &list);
    if (question->error != 0) {
        return;
    }
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
        if (!is_loopback(at->ai_addr)) {
            (void)getnameinfo(at->ai_addr, at->ai_addrlen, question->elsewhere,
                              sizeof question->elsewhere, NULL, 0, NI_NUMERICHOST);
        }
    }
    freeaddrinfo(list);
}

#define REMEDIES                                                                                   \
    "; docker and other clients will not reach the registry by its hostname. Install "             \
    "libnss-myhostname (Debian, Ubuntu), or set floci.services.ecr.uri-style: path"

static void done(void *arg, int status) {
    struct question *question = arg;
    struct ecr *ecr = question->ecr;
    if (status == 0 && question->error != 0) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "%s does not resolve on this machine (%s)" REMEDIES,
                question->name, gai_strerror(question->error));
    } else if (status == 0 && question->elsewhere[0] != '\0') {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "%s resolves to %s and not to this machine" REMEDIES,
                question->name, question->elsewhere);
    }
    question->on_done(question->arg);
    free(question);
}

int resolver_ask(struct ecr *ecr, void (*on_done)(void *arg), void *arg) {
    struct question *question = calloc(1, sizeof *question);
    if (question == NULL) {
        return -ENOMEM;
    }
    struct virga_str account = ecr->config->get_string(ecr->host, "floci.default-account-id");
    struct virga_str region = ecr->config->get_string(ecr->host, "floci.default-region");
    question->ecr = ecr;
    question->on_done = on_done;
    question->arg = arg;
    (void)snprintf(question->name, sizeof question->name, "%.*s.dkr.ecr.%.*s.localhost",
                   (int)account.len, account.ptr != NULL ? account.ptr : "", (int)region.len,
                   region.ptr != NULL ? region.ptr : "");
    int result = ecr->work->submit(ecr->host, run, done, question, NULL);
    if (result != 0) {
        free(question);
    }
    return result;
}
