/* SPDX-License-Identifier: MIT */
#include "executor_fixture.h"

#include <virga/helpers/sha256.h>

#include "../scripted_server.h"

/* "AWS:secret" */
#define AUTHORIZATION "Authorization: Basic QVdTOnNlY3JldA==\r\n"
#define BLOBS_MAX 8

struct blob {
    char digest[72];
    char *bytes;
    size_t len;
};

enum mode { SERVE, DENY, CORRUPT, LONG, SHORT, HANG };

struct setup {
    struct machine machine;
    struct tree *tree;
    struct server server;
    char registry[32];
    struct blob blobs[BLOBS_MAX];
    size_t blobs_count;
    enum mode mode;
    atomic_int requests;
    atomic_int at_once, most_at_once;
    atomic_int unauthorized;
};

struct pulled {
    int done;
    int error;
    char reason[600];
    int *stop_too; /* stopped inside on_done */
};

static void answer(struct setup *setup, struct peer *peer) {
    char head[200];
    char *at = strstr(peer->head, "/blobs/");
    (void)atomic_fetch_add(&setup->requests, 1);
    if (strncmp(peer->head, "GET /v2/000000000000/us-east-1/app/blobs/", 41) != 0 || at == NULL) {
        (void)peer_say(peer, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    if (strstr(peer->head, AUTHORIZATION) == NULL) {
        (void)atomic_fetch_add(&setup->unauthorized, 1);
    }
    if (setup->mode == DENY) {
        (void)peer_say(peer, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nno\n");
        return;
    }
    for (size_t i = 0; i < setup->blobs_count; i++) {
        const struct blob *blob = &setup->blobs[i];
        if (strncmp(at + 7, blob->digest, 71) != 0) {
            continue;
        }
        size_t len = blob->len + (setup->mode == LONG ? 1 : 0) - (setup->mode == SHORT ? 1 : 0);
        (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
        (void)peer_say(peer, head);
        if (setup->mode == HANG) {
            (void)peer_send(peer, blob->bytes, blob->len / 2);
            peer_await_end(peer);
            return;
        }
        if (setup->mode == CORRUPT) {
            (void)peer_say(peer, "!");
            (void)peer_send(peer, blob->bytes + 1, blob->len - 1);
        } else if (setup->mode == SHORT) {
            (void)peer_send(peer, blob->bytes, blob->len - 1);
        } else {
            (void)peer_send(peer, blob->bytes, blob->len);
        }
        if (setup->mode == LONG) {
            (void)peer_say(peer, "+");
        }
        return;
    }
    (void)peer_say(peer, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

static void serve(struct peer *peer) {
    struct setup *setup = peer->server->arg;
    while (peer_read_head(peer)) {
        int now = atomic_fetch_add(&setup->at_once, 1) + 1;
        if (now > atomic_load(&setup->most_at_once)) {
            atomic_store(&setup->most_at_once, now);
        }
        usleep(20000);
        answer(setup, peer);
        (void)atomic_fetch_sub(&setup->at_once, 1);
    }
}

static int setup_begin(void **state) {
    struct setup *setup = calloc(1, sizeof *setup);
    char base[64] = "/tmp/virga-oci-XXXXXX", path[128];
    void *tree;
    assert_non_null(setup);
    assert_int_equal(tree_setup(&tree), 0);
    setup->tree = tree;
    assert_non_null(mkdtemp(base));
    machine_begin(&setup->machine, base);
    (void)snprintf(path, sizeof path, "%s/images", base);
    assert_int_equal(mkdir(path, 0700), 0);
    server_start(&setup->server, false, serve, setup);
    (void)snprintf(setup->registry, sizeof setup->registry, "127.0.0.1:%u",
                   (unsigned)setup->server.port);
    *state = setup;
    return 0;
}

static int setup_end(void **state) {
    struct setup *setup = *state;
    void *tree = setup->tree;
    machine_end(&setup->machine);
    server_stop(&setup->server);
    assert_int_equal(oci_path_remove_all(setup->machine.base), 0);
    assert_int_equal(tree_teardown(&tree), 0);
    for (size_t i = 0; i < setup->blobs_count; i++) {
        free(setup->blobs[i].bytes);
    }
    free(setup);
    return 0;
}

/* Takes the layer that was written last. */
static const struct blob *add_blob(struct setup *setup) {
    struct blob *blob = &setup->blobs[setup->blobs_count++];
    struct stat info;
    char hex[VIRGA_SHA256_HEX_LEN + 1];
    FILE *file = fopen(setup->tree->layer, "r");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    blob->len = (size_t)info.st_size;
    blob->bytes = malloc(blob->len);
    assert_int_equal(fread(blob->bytes, 1, blob->len, file), blob->len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(virga_sha256_hex((struct virga_str){blob->bytes, blob->len}, hex), 0);
    (void)snprintf(blob->digest, sizeof blob->digest, "sha256:%s", hex);
    return blob;
}

static void add_layer(struct setup *setup, const char *name, const char *text) {
    layer_begin(setup->tree);
    layer_file(setup->tree, name, text);
    layer_end(setup->tree);
    (void)add_blob(setup);
}

static char manifest[4096];

static void write_manifest(const struct setup *setup) {
    size_t at = (size_t)snprintf(manifest, sizeof manifest, "{\"schemaVersion\":2,\"layers\":[");
    for (size_t i = 0; i < setup->blobs_count; i++) {
        at += (size_t)snprintf(manifest + at, sizeof manifest - at,
                               "%s{\"digest\":\"%s\",\"size\":%zu}", i > 0 ? "," : "",
                               setup->blobs[i].digest, setup->blobs[i].len);
    }
    (void)snprintf(manifest + at, sizeof manifest - at, "]}");
}

static void on_stopped(void *arg) {
    (*(int *)arg)++;
}

static struct machine *stopping;

static void on_pulled(void *arg, int error, const char *reason) {
    struct pulled *pulled = arg;
    pulled->done++;
    pulled->error = error;
    (void)snprintf(pulled->reason, sizeof pulled->reason, "%s", reason);
    if (pulled->stop_too != NULL) {
        stopping->executor->stop(stopping->executor, on_stopped, pulled->stop_too);
    }
}

static void pull(struct setup *setup, struct pulled *pulled) {
    *pulled = (struct pulled){.done = 0};
    const struct executor_image image = {.digest = DIGEST,
                                         .registry = setup->registry,
                                         .pull_name = "000000000000/us-east-1/app",
                                         .user = "AWS",
                                         .password = "secret",
                                         .manifest = virga_str_from(manifest)};
    setup->machine.executor->pull(setup->machine.executor, &image, on_pulled, pulled);
    assert_int_equal(pulled->done, 0);
}

static void pull_to_end(struct setup *setup, struct pulled *pulled) {
    pull(setup, pulled);
    machine_wait(&setup->machine, &pulled->done);
    assert_int_equal(pulled->done, 1);
}

static const char *image_text(const struct setup *setup, const char *name) {
    char folder[256];
    (void)snprintf(folder, sizeof folder, "%s/images/%s", setup->machine.base, DIGEST + 7);
    return tree_read(folder, name);
}

static void assert_no_image(const struct setup *setup) {
    char path[256], found[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/images", setup->machine.base);
    assert_false(oci_path_find(path, "tmp-", found));
    assert_false(oci_path_find(path, DIGEST + 7, found));
}

/* --- tests --- */

static void layers_are_laid_over_each_other(void **state) {
    struct setup *setup = *state;
    struct pulled pulled;
    add_layer(setup, "a", "first");
    layer_begin(setup->tree);
    layer_file(setup->tree, ".wh.a", "");
    layer_file(setup->tree, "b", "second");
    layer_end(setup->tree);
    (void)add_blob(setup);
    add_layer(setup, "b", "third");
    write_manifest(setup);
    pull_to_end(setup, &pulled);
    assert_string_equal(pulled.reason, "");
    assert_int_equal(pulled.error, 0);
    assert_string_equal(image_text(setup, "rootfs/a"), "<none>");
    assert_string_equal(image_text(setup, "rootfs/b"), "third");
    assert_string_equal(image_text(setup, "rootfs/etc/hosts"), "");
    assert_non_null(strstr(image_text(setup, "image.json"), "\"digest\":\"" DIGEST "\""));
    assert_string_equal(image_text(setup, "layer-0"), "<none>");
    assert_int_equal(atomic_load(&setup->unauthorized), 0);
}

static void calls_for_one_image_pull_it_once(void **state) {
    struct setup *setup = *state;
    struct pulled one, two;
    add_layer(setup, "a", "first");
    write_manifest(setup);
    pull(setup, &one);
    pull(setup, &two);
    machine_wait(&setup->machine, &one.done);
    machine_wait(&setup->machine, &two.done);
    assert_int_equal(one.error, 0);
    assert_int_equal(two.error, 0);
    assert_int_equal(atomic_load(&setup->requests), 1);
    /* Again, though it is here: as good. */
    pull_to_end(setup, &one);
    assert_int_equal(one.error, 0);
    assert_string_equal(image_text(setup, "rootfs/a"), "first");
}

static void several_layers_come_at_once_but_not_all(void **state) {
    struct setup *setup = *state;
    struct pulled pulled;
    for (int i = 0; i < BLOBS_MAX; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        add_layer(setup, name, name);
    }
    write_manifest(setup);
    pull_to_end(setup, &pulled);
    assert_int_equal(pulled.error, 0);
    assert_true(atomic_load(&setup->most_at_once) <= 3);
    assert_string_equal(image_text(setup, "rootfs/h"), "h");
}

static void a_big_layer_comes_whole(void **state) {
    struct setup *setup = *state;
    struct pulled pulled;
    size_t len = 5 * 1000 * 1000;
    char *text = malloc(len + 1), path[PATH_MAX];
    assert_non_null(text);
    server_pattern_fill(0, text, len);
    for (size_t i = 0; i < len; i++) {
        text[i] = text[i] == '\0' ? '0' : text[i];
    }
    text[len] = '\0';
    layer_begin_as(setup->tree, PACK_PLAIN);
    layer_file(setup->tree, "big", text);
    layer_end(setup->tree);
    (void)add_blob(setup);
    write_manifest(setup);
    pull_to_end(setup, &pulled);
    assert_string_equal(pulled.reason, "");
    (void)snprintf(path, sizeof path, "%s/images/%s/rootfs/big", setup->machine.base, DIGEST + 7);
    FILE *file = fopen(path, "r");
    char *seen = malloc(len + 1);
    assert_non_null(file);
    assert_int_equal(fread(seen, 1, len + 1, file), len);
    assert_memory_equal(seen, text, len);
    (void)fclose(file);
    free(seen);
    free(text);
}

static void faults_of_the_registry_have_their_errors(void **state) {
    struct setup *setup = *state;
    static const struct {
        enum mode mode;
        int error;
        const char *words;
    } cases[] = {
        {DENY, -EACCES, "status 401"},
        {CORRUPT, -EBADMSG, "another digest"},
        {LONG, -EBADMSG, "more than the manifest says"},
        {SHORT, -EBADMSG, "another size"},
    };
    add_layer(setup, "a", "first");
    add_layer(setup, "b", "second");
    write_manifest(setup);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pulled pulled;
        setup->mode = cases[i].mode;
        pull_to_end(setup, &pulled);
        assert_int_equal(pulled.error, cases[i].error);
        assert_non_null(strstr(pulled.reason, cases[i].words));
        assert_no_image(setup);
    }
    /* And then all is well again. */
    struct pulled pulled;
    setup->mode = SERVE;
    pull_to_end(setup, &pulled);
    assert_int_equal(pulled.error, 0);
}

static void a_missing_layer_is_told(void **state) {
    struct setup *setup = *state;
    struct pulled pulled;
    add_layer(setup, "a", "first");
    write_manifest(setup);
    setup->blobs[0].digest[10] = 'x';
    pull_to_end(setup, &pulled);
    assert_int_equal(pulled.error, -ENOENT);
    assert_no_image(setup);
}

static void a_registry_that_is_gone_is_told(void **state) {
    struct setup *setup = *state;
    struct pulled pulled;
    add_layer(setup, "a", "first");
    write_manifest(setup);
    (void)snprintf(setup->registry, sizeof setup->registry, "127.0.0.1:1");
    pull_to_end(setup, &pulled);
    assert_int_equal(pulled.error, -ECONNREFUSED);
    assert_no_image(setup);
}

static void a_layer_that_breaks_out_makes_no_image(void **state) {
    struct setup *setup = *state;
    struct pulled pulled;
    add_layer(setup, "a", "first");
    layer_begin(setup->tree);
    layer_file(setup->tree, "../../escaped", "x");
    layer_end(setup->tree);
    (void)add_blob(setup);
    write_manifest(setup);
    pull_to_end(setup, &pulled);
    assert_int_equal(pulled.error, -EBADMSG);
    assert_non_null(strstr(pulled.reason, "leads out of the image"));
    assert_no_image(setup);
}

static void manifests_without_layers_are_refused(void **state) {
    struct setup *setup = *state;
    static const char *const texts[] = {"",
                                        "[]",
                                        "{}",
                                        "{\"layers\":{}}",
                                        "{\"layers\":[{\"digest\":\"sha256:1\",\"size\":1}]}",
                                        "{\"layers\":[{\"digest\":\"" DIGEST "\",\"size\":-1}]}",
                                        "{\"layers\":[{\"digest\":\"../../" DIGEST
                                        "\",\"size\":1}]}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct pulled pulled;
        (void)snprintf(manifest, sizeof manifest, "%s", texts[i]);
        pull_to_end(setup, &pulled);
        assert_int_equal(pulled.error, -EBADMSG);
        assert_non_null(strstr(pulled.reason, "no layers"));
    }
    assert_int_equal(atomic_load(&setup->requests), 0);
    assert_no_image(setup);
}

static void stop_breaks_pulls_off(void **state) {
    struct setup *setup = *state;
    struct pulled pulled;
    int stopped = 0;
    add_layer(setup, "a", "first");
    add_layer(setup, "b", "second");
    write_manifest(setup);
    setup->mode = HANG;
    pull(setup, &pulled);
    for (int i = 0; i < 2000 && atomic_load(&setup->requests) < 2; i++) {
        (void)uv_run(&setup->machine.fixture.loop, UV_RUN_NOWAIT);
        uv_sleep(1);
    }
    setup->machine.executor->stop(setup->machine.executor, on_stopped, &stopped);
    machine_wait(&setup->machine, &stopped);
    assert_int_equal(stopped, 1);
    assert_int_equal(pulled.done, 1);
    assert_int_equal(pulled.error, -ECANCELED);
    assert_no_image(setup);
}

static void it_may_be_stopped_inside_on_done(void **state) {
    struct setup *setup = *state;
    struct pulled pulled;
    int stopped = 0;
    add_layer(setup, "a", "first");
    write_manifest(setup);
    stopping = &setup->machine;
    pull(setup, &pulled);
    pulled.stop_too = &stopped;
    machine_wait(&setup->machine, &stopped);
    assert_int_equal(pulled.done, 1);
    assert_int_equal(pulled.error, 0);
}

#define SETUP(test) cmocka_unit_test_setup_teardown(test, setup_begin, setup_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        SETUP(layers_are_laid_over_each_other),
        SETUP(calls_for_one_image_pull_it_once),
        SETUP(several_layers_come_at_once_but_not_all),
        SETUP(a_big_layer_comes_whole),
        SETUP(faults_of_the_registry_have_their_errors),
        SETUP(a_missing_layer_is_told),
        SETUP(a_registry_that_is_gone_is_told),
        SETUP(a_layer_that_breaks_out_makes_no_image),
        SETUP(manifests_without_layers_are_refused),
        SETUP(stop_breaks_pulls_off),
        SETUP(it_may_be_stopped_inside_on_done),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
