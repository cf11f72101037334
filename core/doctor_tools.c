/* SPDX-License-Identifier: MIT */
/* What checks are made of: programs that are run, ports that are tried, pages that are got. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "doctor.h"

#define RUN_TIMEOUT_MS 5000
#define GET_CONNECT_TIMEOUT_MS 1000
#define GET_TIMEOUT_MS 3000

extern char **environ;

/* --- programs --- */

static int spawn(const char *const *argv, int output, pid_t *ret_pid) {
    posix_spawn_file_actions_t actions;
    char **arguments = (char **)(uintptr_t)argv;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0) {
        return -rc;
    }
    rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    rc = rc == 0 ? posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) : rc;
    rc = rc == 0 ? posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO) : rc;
    rc = rc == 0 ? posix_spawnp(ret_pid, argv[0], &actions, NULL, arguments, environ) : rc;
    (void)posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

/* Reads until nobody writes any more, or the time has passed; keeps what fits. */
static bool drain(int fd, uint64_t deadline_ms, char *output, size_t size) {
    char spare[512];
    size_t len = 0;
    for (;;) {
        uint64_t now_ms = uv_hrtime() / 1000000;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (now_ms >= deadline_ms) {
            output[len] = '\0';
            return false;
        }
        if (poll(&wait, 1, (int)(deadline_ms - now_ms)) <= 0) {
            continue;
        }
        bool room = len + 1 < size;
        ssize_t got = read(fd, room ? output + len : spare, room ? size - 1 - len : sizeof spare);
        if (got == 0) {
            output[len] = '\0';
            return true;
        }
        len += room && got > 0 ? (size_t)got : 0;
    }
}

/* Leaves the first line that is not empty. */
static void keep_first_line(char *text) {
    const char *from = text + strspn(text, " \t\r\n");
    size_t len = strcspn(from, "\r\n");
    memmove(text, from, len);
    text[len] = '\0';
}

int doctor_run(const char *const *argv, char *output, size_t size) {
    int ends[2];
    int status = 0;
    pid_t pid;
    if (size == 0) {
        return -EINVAL;
    }
    output[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -errno;
    }
    int rc = spawn(argv, ends[1], &pid);
    (void)close(ends[1]);
    if (rc != 0) {
        (void)close(ends[0]);
        return rc;
    }
    bool ended = drain(ends[0], uv_hrtime() / 1000000 + RUN_TIMEOUT_MS, output, size);
    (void)close(ends[0]);
    if (!ended) {
        (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    keep_first_line(output);
    if (!ended) {
        return -ETIMEDOUT;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- ports --- */

static int try_address(const char *address, uint16_t port) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const int on = 1;
    bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
    if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1) {
        return -EINVAL;
    }
    int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    /* As the listener does: connections that linger from an earlier run do not count. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (!is_v4) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    int rc = is_v4 ? bind(fd, (const struct sockaddr *)&v4, sizeof v4)
                   : bind(fd, (const struct sockaddr *)&v6, sizeof v6);
    rc = rc == 0 ? listen(fd, 1) : rc;
    rc = rc == 0 ? 0 : -errno;
    (void)close(fd);
    return rc;
}

int doctor_try_port(const char *addresses, uint16_t port) {
    int result = -EADDRNOTAVAIL;
    while (addresses != NULL && *addresses != '\0') {
        char address[INET6_ADDRSTRLEN + 2];
        addresses += strspn(addresses, " ,");
        size_t len = strcspn(addresses, " ,");
        if (len == 0) {
            break;
        }
        (void)snprintf(address, sizeof address, "%.*s", (int)len, addresses);
        addresses += len;
        int rc = try_address(address, port);
        /* A family that this machine does not have is left out, if another address works. */
        if (rc != -EAFNOSUPPORT && rc != -EADDRNOTAVAIL) {
            if (rc != 0) {
                return rc;
            }
            result = 0;
        }
    }
    return result;
}

/* --- pages --- */

struct page {
    char *body;
    size_t size;
    size_t len;
};

static size_t on_body(char *bytes, size_t one, size_t count, void *arg) {
    struct page *page = arg;
    size_t room = page->size - 1 - page->len;
    size_t take = one * count < room ? one * count : room;
    memcpy(page->body + page->len, bytes, take);
    page->len += take;
    return one * count;
}

static int code_of(CURLcode code, long os_error) {
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return -ETIMEDOUT;
    }
    return os_error > 0 ? -(int)os_error : -EIO;
}

static CURLcode ask(CURL *curl, const char *unix_path, const char *url, struct page *page,
                    char *words) {
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, unix_path);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)GET_CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)GET_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, page);
    return curl_easy_perform(curl);
}

int doctor_get(const char *unix_path, const char *url, char *body, size_t size, struct error *err) {
    char words[CURL_ERROR_SIZE] = "";
    struct page page = {.body = body, .size = size};
    long status = 0;
    long os_error = 0;
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return error_set(err, -ENOMEM, "out of memory");
    }
    CURLcode code = ask(curl, unix_path, url, &page, words);
    body[page.len] = '\0';
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_error);
    curl_easy_cleanup(curl);
    if (code == CURLE_OK) {
        return (int)status;
    }
    return error_set(err, code_of(code, os_error), "%s",
                     os_error > 0       ? strerror((int)os_error)
                     : words[0] != '\0' ? words
                                        : curl_easy_strerror(code));
}

const char *doctor_json_text(struct json_object *object, const char *key) {
    struct json_object *value = NULL;
    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string)) {
        return NULL;
    }
    return json_object_get_string(value);
}
