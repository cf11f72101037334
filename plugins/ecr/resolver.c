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
    struct resolver_answer answer;
};

static bool is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

void resolver_look_up(struct resolver_answer *answer) {
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    answer->error = getaddrinfo(answer->name, NULL, &hints, &list);
    answer->elsewhere[0] = '\0';
    if (answer->error != 0) {
        return;
    }
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
        if (!is_loopback(at->ai_addr)) {
            (void)getnameinfo(at->ai_addr, at->ai_addrlen, answer->elsewhere,
                              sizeof answer->elsewhere, NULL, 0, NI_NUMERICHOST);
        }
    }
    freeaddrinfo(list);
}

void resolver_name(const struct ecr *ecr, char *name, size_t size) {
    struct virga_str account = ecr->config->get_string(ecr->host, "floci.default-account-id");
    struct virga_str region = ecr->config->get_string(ecr->host, "floci.default-region");
    (void)snprintf(name, size, "%.*s.dkr.ecr.%.*s.localhost", (int)account.len,
                   account.ptr != NULL ? account.ptr : "", (int)region.len,
                   region.ptr != NULL ? region.ptr : "");
}

static void run(void *arg) {
    struct question *question = arg;
    resolver_look_up(&question->answer);
}

#define REMEDIES                                                                                   \
    "; docker and other clients will not reach the registry by its hostname. " RESOLVER_REMEDY

static void done(void *arg, int status) {
    struct question *question = arg;
    struct ecr *ecr = question->ecr;
    if (status == 0 && question->answer.error != 0) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "%s does not resolve on this machine (%s)" REMEDIES,
                question->answer.name, gai_strerror(question->answer.error));
    } else if (status == 0 && question->answer.elsewhere[0] != '\0') {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "%s resolves to %s and not to this machine" REMEDIES,
                question->answer.name, question->answer.elsewhere);
    }
    question->on_done(question->arg);
    free(question);
}

int resolver_ask(struct ecr *ecr, void (*on_done)(void *arg), void *arg) {
    struct question *question = calloc(1, sizeof *question);
    if (question == NULL) {
        return -ENOMEM;
    }
    question->ecr = ecr;
    question->on_done = on_done;
    question->arg = arg;
    resolver_name(ecr, question->answer.name, sizeof question->answer.name);
    int result = ecr->work->submit(ecr->host, run, done, question, NULL);
    if (result != 0) {
        free(question);
    }
    return result;
}
