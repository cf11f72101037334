/* SPDX-License-Identifier: MIT */
/* Checks of what plugins and people commonly use beside the host: engines, runtimes, clients. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "process_id.h"

#define SOCKETS_MAX 6
#define SOCKET_PATH_MAX 256
#define PAGE_MAX 65536
#define UNIX_PREFIX "unix://"
#define TCP_PREFIX "tcp://"

/* --- engines --- */

/* Where an engine may answer, in the order in which its clients ask. */
struct engine_place {
    const char *why;                /* "DOCKER_HOST" or NULL: a customary path */
    char path[SOCKET_PATH_MAX];     /* of a unix socket; "" = TCP */
    char base_url[SOCKET_PATH_MAX]; /* "http://localhost", "http://10.0.0.2:2375" */
};

static void add_path(struct engine_place *places, size_t *count, const char *why,
                     const char *format, const char *arg) {
    struct engine_place place = {.why = why, .base_url = "http://localhost"};
    (void)snprintf(place.path, sizeof place.path, "%s%s", arg, format);
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(places[i].path, place.path) == 0) {
            return;
        }
    }
    places[(*count)++] = place;
}

static size_t list_places(struct engine_place places[SOCKETS_MAX]) {
    size_t count = 0;
    const char *given = getenv("DOCKER_HOST");
    const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
    if (given != NULL && strncmp(given, UNIX_PREFIX, sizeof UNIX_PREFIX - 1) == 0) {
        add_path(places, &count, "DOCKER_HOST", "", given + sizeof UNIX_PREFIX - 1);
    } else if (given != NULL && strncmp(given, TCP_PREFIX, sizeof TCP_PREFIX - 1) == 0) {
        places[count].why = "DOCKER_HOST";
        places[count].path[0] = '\0';
        (void)snprintf(places[count].base_url, sizeof places[count].base_url, "http://%s",
                       given + sizeof TCP_PREFIX - 1);
        count++;
    }
    add_path(places, &count, NULL, "/var/run/docker.sock", "");
    if (runtime_dir != NULL && runtime_dir[0] != '\0') {
        add_path(places, &count, NULL, "/docker.sock", runtime_dir);
        add_path(places, &count, NULL, "/podman/podman.sock", runtime_dir);
    }
    add_path(places, &count, NULL, "/run/podman/podman.sock", "");
    return count;
}

static void read_version(const struct engine_place *place, char *version, size_t size) {
    char url[SOCKET_PATH_MAX + 16];
    char *body = malloc(PAGE_MAX);
    const char *unix_path = place->path[0] != '\0' ? place->path : NULL;
    struct json_object *parts = NULL;
    const char *name = NULL;
    (void)snprintf(url, sizeof url, "%s/version", place->base_url);
    if (body == NULL || doctor_get(unix_path, url, body, PAGE_MAX, NULL) != 200) {
        free(body);
        return;
    }
    /* Source: Docker Engine API, GET /version; Podman names itself in the first component. */
    struct json_object *root = json_tokener_parse(body);
    if (json_object_is_type(root, json_type_object) &&
        json_object_object_get_ex(root, "Components", &parts) &&
        json_object_is_type(parts, json_type_array) && json_object_array_length(parts) > 0) {
        name = doctor_json_text(json_object_array_get_idx(parts, 0), "Name");
    }
    const char *number = doctor_json_text(root, "Version");
    (void)snprintf(version, size, "%s %s", name != NULL ? name : "an engine",
                   number != NULL ? number : "of an unknown version");
    json_object_put(root);
    free(body);
}

/* Whether there is an engine that answers. */
static bool check_place(struct doctor *doctor, const struct engine_place *place) {
    char url[SOCKET_PATH_MAX + 16];
    char body[256];
    char version[256] = "an engine";
    struct error err = {0};
    struct stat info;
    const char *where = place->path[0] != '\0' ? place->path : place->base_url;
    const char *unix_path = place->path[0] != '\0' ? place->path : NULL;
    if (unix_path != NULL && place->why == NULL && stat(unix_path, &info) != 0 && errno == ENOENT) {
        return false;
    }
    (void)snprintf(url, sizeof url, "%s/_ping", place->base_url);
    int status = doctor_get(unix_path, url, body, sizeof body, &err);
    if (status == 200) {
        read_version(place, version, sizeof version);
        doctor_say(doctor, VIRGA_DOCTOR_OK, "container engine", NULL, "%s at %s%s", version, where,
                   place->why != NULL ? " (DOCKER_HOST)" : "");
        return true;
    }
    if (status > 0) {
        (void)error_set(&err, -EPROTO, "GET /_ping is answered with %d", status);
    }
    const char *remedy = place->why != NULL ? "Start that engine, or unset DOCKER_HOST."
                         : status == -EACCES
                             ? "Add this user to the group that owns the socket (docker: usermod "
                               "-aG docker <user>), and log in again."
                             : "Start the engine, or remove the stale socket.";
    doctor_say(doctor, VIRGA_DOCTOR_WARN, "container engine", remedy, "%s%s does not answer: %s",
               where, place->why != NULL ? " (DOCKER_HOST)" : "", err.text);
    return false;
}

void doctor_check_engines(struct doctor *doctor) {
    struct engine_place places[SOCKETS_MAX];
    size_t count = list_places(places);
    size_t before = doctor->count;
    for (size_t i = 0; i < count; i++) {
        (void)check_place(doctor, &places[i]);
    }
    if (doctor->count == before) {
        doctor_say(doctor, VIRGA_DOCTOR_NOTE, "container engine", NULL,
                   "none: no socket of Docker or Podman is there, and DOCKER_HOST is unset");
    }
}

/* --- programs --- */

static const char *search_path(void) {
    const char *path = getenv("PATH");
    return path != NULL ? path : "/usr/local/bin:/usr/bin:/bin";
}

/* Whether it is there; says its version. */
static bool check_program(struct doctor *doctor, const char *check, const char *name,
                          enum virga_doctor_verdict when_found) {
    const char *const argv[] = {name, "--version", NULL};
    char version[160];
    char *program = NULL;
    if (process_id_find_program(name, search_path(), NULL, &program) != 0) {
        return false;
    }
    int rc = doctor_run(argv, version, sizeof version);
    if (rc == 0) {
        doctor_say(doctor, when_found, check, NULL, "%s at %s", version, program);
    } else if (rc > 0) {
        doctor_say(doctor, VIRGA_DOCTOR_WARN, check, NULL, "%s --version ends with status %d: %s",
                   program, rc, version);
    } else {
        doctor_say(doctor, VIRGA_DOCTOR_WARN, check, NULL, "%s cannot be run: %s", program,
                   error_text(rc));
    }
    free(program);
    return true;
}

void doctor_check_programs(struct doctor *doctor) {
    static const char *const runtimes[] = {"crun", "runc"};
    static const char *const clients[] = {"aws", "docker", "podman", "skopeo"};
    bool found = false;
    for (size_t i = 0; i < sizeof runtimes / sizeof runtimes[0]; i++) {
        found = check_program(doctor, "OCI runtime", runtimes[i], VIRGA_DOCTOR_OK) || found;
    }
    if (!found) {
        doctor_say(doctor, VIRGA_DOCTOR_NOTE, "OCI runtime",
                   "To run containers without an engine: apt-get install crun.",
                   "none: neither crun nor runc is in PATH");
    }
    found = false;
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        found = check_program(doctor, "client", clients[i], VIRGA_DOCTOR_NOTE) || found;
    }
    if (!found) {
        doctor_say(doctor, VIRGA_DOCTOR_NOTE, "client", NULL,
                   "none of aws, docker, podman and skopeo is in PATH");
    }
}
