/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* A number, or a name of /etc/hosts: a static program has no resolver. */
static int find_address(const char *host, struct in_addr *ret_address) {
    char line[512], *rest = NULL;
    if (inet_pton(AF_INET, host, ret_address) == 1) {
        return 0;
    }
    FILE *file = fopen("/etc/hosts", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *number = strtok_r(line, " \t\r\n", &rest), *name = NULL;
        while (number != NULL && (name = strtok_r(NULL, " \t\r\n", &rest)) != NULL) {
            if (strcasecmp(name, host) == 0 && inet_pton(AF_INET, number, ret_address) == 1) {
                (void)fclose(file);
                return 0;
            }
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (strcmp(host, "localhost") == 0) {
        return inet_pton(AF_INET, "127.0.0.1", ret_address) == 1 ? 0 : -1;
    }
    return -1;
}

int http_connect(struct http *http) {
    char host[256];
    struct sockaddr_in to = {.sin_family = AF_INET};
    const char *colon = strrchr(http->address, ':');
    int on = 1;
    if (http->fd >= 0) {
        return 0;
    }
    (void)snprintf(host, sizeof host, "%.*s",
                   (int)(colon != NULL ? (size_t)(colon - http->address) : strlen(http->address)),
                   http->address);
    to.sin_port = htons((unsigned short)(colon != NULL ? atoi(colon + 1) : 80));
    if (find_address(host, &to.sin_addr) != 0) {
        return -1;
    }
    http->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (http->fd < 0) {
        return -1;
    }
    (void)setsockopt(http->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(http->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        http_close(http);
        return -1;
    }
    return 0;
}

void http_close(struct http *http) {
    if (http->fd >= 0) {
        (void)close(http->fd);
    }
    http->fd = -1;
}

int http_send(struct http *http, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t sent = send(http->fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return -1;
        }
        bytes += sent;
        len -= (size_t)sent;
    }
    return 0;
}

/* Appends what comes next, at most `max` bytes. */
static int more(struct http *http, struct text *text, size_t max) {
    char buffer[65536];
    ssize_t count = recv(http->fd, buffer, max < sizeof buffer ? max : sizeof buffer, 0);
    if (count <= 0) {
        return -1;
    }
    text_add(text, buffer, (size_t)count);
    return 0;
}

/* A line without its end, read byte by byte: only chunk sizes are read so. */
static int read_line(struct http *http, struct text *line) {
    text_clear(line);
    while (line->len < 2 || memcmp(line->ptr + line->len - 2, "\r\n", 2) != 0) {
        if (more(http, line, 1) != 0) {
            return -1;
        }
    }
    line->len -= 2;
    line->ptr[line->len] = '\0';
    return 0;
}

static int read_count(struct http *http, struct text *body, size_t count) {
    size_t end = body->len + count;
    while (body->len < end) {
        if (more(http, body, end - body->len) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_chunks(struct http *http, struct text *body) {
    struct text line = {0};
    int result = 0;
    for (;;) {
        size_t size = 0;
        result = read_line(http, &line);
        if (result == 0) {
            size = strtoul(line.ptr, NULL, 16);
            result = read_count(http, body, size);
        }
        if (result == 0) {
            result = read_line(http, &line);
        }
        if (result != 0 || size == 0) {
            break;
        }
    }
    free(line.ptr);
    return result;
}

int http_read(struct http *http, struct answer *answer) {
    char value[64];
    text_clear(&answer->head);
    text_clear(&answer->body);
    do {
        /* Peeks, so that nothing of the body is taken with the head. */
        char buffer[16384];
        ssize_t count = recv(http->fd, buffer, sizeof buffer, MSG_PEEK);
        if (count <= 0) {
            return -1;
        }
        size_t before = answer->head.len;
        text_add(&answer->head, buffer, (size_t)count);
        char *end = strstr(answer->head.ptr, "\r\n\r\n");
        size_t take = end != NULL ? (size_t)(end + 4 - answer->head.ptr) - before : (size_t)count;
        if (recv(http->fd, buffer, take, MSG_WAITALL) != (ssize_t)take) {
            return -1;
        }
        answer->head.len = before + take;
        answer->head.ptr[answer->head.len] = '\0';
    } while (strstr(answer->head.ptr, "\r\n\r\n") == NULL);
    answer->status = answer->head.len > 12 ? atoi(answer->head.ptr + 9) : 0;
    if (http_header(answer, "Transfer-Encoding", value, sizeof value)) {
        return read_chunks(http, &answer->body);
    }
    if (http_header(answer, "Content-Length", value, sizeof value)) {
        return read_count(http, &answer->body, strtoul(value, NULL, 10));
    }
    return 0;
}

int http_call(struct http *http, const char *method, const char *path, const char *headers,
              const char *body, size_t len, struct answer *answer) {
    char value[64];
    struct text request = {0};
    int kept = http->fd >= 0, result = -1;
    text_printf(&request, "%s %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %zu\r\n\r\n", method,
                path, http->address, headers, len);
    text_add(&request, body, len);
    /* A connection that was kept may have gone meanwhile. */
    for (int attempt = 0; attempt < 1 + kept && result != 0; attempt++) {
        result = http_connect(http);
        if (result == 0) {
            result = http_send(http, request.ptr, request.len);
        }
        if (result == 0) {
            result = http_read(http, answer);
        }
        if (result != 0) {
            http_close(http);
        }
    }
    free(request.ptr);
    if (result == 0 && http_header(answer, "Connection", value, sizeof value) &&
        strcasecmp(value, "close") == 0) {
        http_close(http);
    }
    return result;
}

int http_header(const struct answer *answer, const char *name, char *value, size_t size) {
    size_t len = strlen(name);
    for (const char *line = answer->head.ptr; line != NULL; line = strstr(line, "\r\n")) {
        line += line != answer->head.ptr ? 2 : 0;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *from = line + len + 1 + strspn(line + len + 1, " \t");
            size_t count = strcspn(from, "\r\n");
            if (count >= size) {
                return 0;
            }
            memcpy(value, from, count);
            value[count] = '\0';
            return 1;
        }
    }
    return 0;
}
