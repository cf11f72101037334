/* SPDX-License-Identifier: MIT */
/* Images from the registry: blobs by digest, several at once, checked as they come, then unpacked
 * on the thread pool. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor_oci.h"
#include "oci_blob.h"
#include "oci_path.h"
#include "oci_unpack.h"

/* Source: the OCI image specification has no limit, Docker has 125. */
#define LAYERS_MAX 128
#define AT_ONCE_MAX 3

struct waiter {
    struct waiter *next;
    void (*on_done)(void *arg, int error, const char *reason);
    void *arg;
};

struct layer {
    char digest[LAMBDA_DIGEST_LEN + 1];
    int64_t size;
    struct oci_blob *blob; /* on its way */
    struct pull *pull;
};

struct pull {
    struct oci_pulls *pulls;
    struct pull *next;
    struct waiter *waiters;
    char digest[LAMBDA_DIGEST_LEN + 1];
    char folder[PATH_MAX], becomes[PATH_MAX];
    char *registry, *pull_name, *user, *password;
    struct layer *layers;
    size_t layers_count, next_layer, under_way;
    struct oci_unpack unpack;
    atomic_bool cancelled;
    bool over; /* its waiters are being told */
    int result;
    struct virga_error err;
};

struct oci_pulls {
    struct oci *oci;
    struct pull *list;
    bool stopping;
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
};

int oci_pulls_create(struct oci *oci, struct oci_pulls **ret_pulls) {
    struct oci_pulls *pulls = calloc(1, sizeof *pulls);
    if (pulls == NULL) {
        return -ENOMEM;
    }
    pulls->oci = oci;
    *ret_pulls = pulls;
    return 0;
}

void oci_pulls_destroy(struct oci_pulls *pulls) {
    free(pulls);
}

static void destroy(struct pull *pull) {
    while (pull->waiters != NULL) {
        struct waiter *waiter = pull->waiters;
        pull->waiters = waiter->next;
        free(waiter);
    }
    free(pull->registry);
    free(pull->pull_name);
    free(pull->user);
    free(pull->password);
    free(pull->layers);
    free(pull);
}

static void check_stopped(struct oci_pulls *pulls) {
    void (*on_stopped)(void *) = pulls->on_stopped;
    if (on_stopped != NULL && pulls->list == NULL) {
        pulls->on_stopped = NULL;
        on_stopped(pulls->on_stopped_arg);
    }
}

static void finish(struct pull *pull) {
    struct oci_pulls *pulls = pull->pulls;
    struct pull **at = &pulls->list;
    if (pull->result != 0 && pull->err.text[0] == '\0') {
        virga_error_set(&pull->err, "%s", strerror(-pull->result));
    }
    pull->over = true;
    for (const struct waiter *waiter = pull->waiters; waiter != NULL; waiter = waiter->next) {
        waiter->on_done(waiter->arg, pull->result, pull->err.text);
    }
    while (*at != pull) {
        at = &(*at)->next;
    }
    *at = pull->next;
    destroy(pull);
    check_stopped(pulls);
}

/* --- on the thread pool --- */

static void submit(struct pull *pull, void (*run)(void *arg),
                   void (*on_done)(void *arg, int status)) {
    const struct lambda *lambda = pull->pulls->oci->executor.lambda;
    if (lambda->work->submit(lambda->host, run, on_done, pull, NULL) != 0) {
        run(pull);
        on_done(pull, 0);
    }
}

static void run_remove(void *arg) {
    const struct pull *pull = arg;
    (void)oci_path_remove_all(pull->folder);
}

static void on_removed(void *arg, int status) {
    struct pull *pull = arg;
    (void)status; /* what is left is removed by the next start's sweep */
    finish(pull);
}

static void fail(struct pull *pull, int result) {
    pull->result = result;
    submit(pull, run_remove, on_removed);
}

static void run_unpack(void *arg) {
    struct pull *pull = arg;
    pull->result = oci_unpack_image(&pull->unpack, &pull->err);
}

static void on_unpacked(void *arg, int status) {
    struct pull *pull = arg;
    const struct lambda *lambda = pull->pulls->oci->executor.lambda;
    int result = status != 0 ? status : pull->result;
    if (result == -EFBIG) {
        result = -EBADMSG;
    }
    if (result != 0) {
        fail(pull, result);
        return;
    }
    if (pull->unpack.budget.skipped > 0) {
        LAMBDA_LOG(lambda, VIRGA_LOG_INFO, NULL, "%s: %lld devices of the image were left out",
                   pull->digest, (long long)pull->unpack.budget.skipped);
    }
    finish(pull);
}

/* --- blobs --- */

static void proceed(struct pull *pull);

static void on_blob(void *arg, int error, const char *reason) {
    struct layer *layer = arg;
    struct pull *pull = layer->pull;
    layer->blob = NULL;
    pull->under_way--;
    if (error != 0 && pull->result == 0) {
        pull->result = error;
        virga_error_set(&pull->err, "layer %s: %s", layer->digest, reason);
        for (size_t i = 0; i < pull->layers_count; i++) {
            oci_blob_cancel(pull->layers[i].blob);
        }
    }
    proceed(pull);
}

static void proceed(struct pull *pull) {
    const struct lambda *lambda = pull->pulls->oci->executor.lambda;
    while (pull->result == 0 && pull->next_layer < pull->layers_count &&
           pull->under_way < AT_ONCE_MAX) {
        struct layer *layer = &pull->layers[pull->next_layer];
        char path[PATH_MAX];
        (void)snprintf(path, sizeof path, "%.4000s/layer-%zu", pull->folder, pull->next_layer);
        const struct oci_blob_options options = {
            .registry = pull->registry,
            .pull_name = pull->pull_name,
            .user = pull->user,
            .password = pull->password,
            .digest = layer->digest,
            .size = layer->size,
            .path = path,
            .on_done = on_blob,
            .arg = layer,
        };
        pull->next_layer++;
        pull->under_way++;
        int result = oci_blob_start(lambda, &options, &layer->blob);
        if (result != 0) {
            pull->under_way--;
            pull->result = result;
        }
    }
    if (pull->under_way > 0) {
        return;
    }
    if (pull->result != 0) {
        fail(pull, pull->result);
        return;
    }
    pull->unpack = (struct oci_unpack){
        .folder = pull->folder,
        .becomes = pull->becomes,
        .digest = pull->digest,
        .layers = pull->layers_count,
        .budget = {.bytes = OCI_UNPACK_BYTES_MAX,
                   .entries = OCI_UNPACK_ENTRIES_MAX,
                   .cancel = &pull->cancelled},
    };
    submit(pull, run_unpack, on_unpacked);
}

static void run_make_folder(void *arg) {
    struct pull *pull = arg;
    (void)oci_path_remove_all(pull->folder);
    pull->result = mkdir(pull->folder, 0700) == 0 ? 0 : -errno;
}

static void on_folder_made(void *arg, int status) {
    struct pull *pull = arg;
    if (pull->result == 0 && (status != 0 || atomic_load(&pull->cancelled))) {
        pull->result = -ECANCELED;
    }
    /* An error of the manifest was found before, and waits for this to be told. */
    if (pull->result == 0 && pull->err.text[0] != '\0') {
        pull->result = -EBADMSG;
    }
    if (pull->result != 0) {
        fail(pull, pull->result);
        return;
    }
    proceed(pull);
}

/* --- the manifest --- */

static bool read_layer(struct json_object *json, struct layer *layer) {
    struct json_object *digest, *size;
    if (!json_object_object_get_ex(json, "digest", &digest) ||
        !json_object_is_type(digest, json_type_string) ||
        !json_object_object_get_ex(json, "size", &size) ||
        !json_object_is_type(size, json_type_int)) {
        return false;
    }
    layer->size = json_object_get_int64(size);
    (void)snprintf(layer->digest, sizeof layer->digest, "%s", json_object_get_string(digest));
    return oci_digest_hex(layer->digest) != NULL && layer->size >= 0 &&
           layer->size <= OCI_UNPACK_BYTES_MAX &&
           (size_t)json_object_get_string_len(digest) == LAMBDA_DIGEST_LEN;
}

static int read_manifest(struct pull *pull, struct virga_str manifest) {
    struct json_object *layers;
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *json = tokener != NULL && manifest.len <= INT_MAX
                                   ? json_tokener_parse_ex(tokener, manifest.ptr, (int)manifest.len)
                                   : NULL;
    if (tokener != NULL) {
        json_tokener_free(tokener);
    }
    int result = -EBADMSG;
    if (json_object_object_get_ex(json, "layers", &layers) &&
        json_object_is_type(layers, json_type_array) &&
        json_object_array_length(layers) <= LAYERS_MAX) {
        size_t count = json_object_array_length(layers);
        pull->layers = calloc(count + 1, sizeof *pull->layers);
        result = pull->layers != NULL ? 0 : -ENOMEM;
        for (size_t i = 0; result == 0 && i < count; i++) {
            pull->layers[i].pull = pull;
            result =
                read_layer(json_object_array_get_idx(layers, i), &pull->layers[i]) ? 0 : -EBADMSG;
        }
        pull->layers_count = count;
    }
    json_object_put(json);
    if (result == -EBADMSG) {
        virga_error_set(&pull->err, "the manifest has no layers that can be used");
    }
    return result == -EBADMSG ? 0 : result;
}

static int create(struct oci_pulls *pulls, const struct executor_image *image,
                  struct pull **ret_pull) {
    const char *hex = oci_digest_hex(image->digest);
    struct pull *pull = calloc(1, sizeof *pull);
    if (pull == NULL) {
        return -ENOMEM;
    }
    pull->pulls = pulls;
    pull->err.struct_size = sizeof pull->err;
    pull->registry = strdup(image->registry);
    pull->pull_name = strdup(image->pull_name);
    pull->user = strdup(image->user != NULL ? image->user : "");
    pull->password = strdup(image->password != NULL ? image->password : "");
    int result = -ENOMEM;
    if (pull->registry != NULL && pull->pull_name != NULL && pull->user != NULL &&
        pull->password != NULL) {
        (void)snprintf(pull->digest, sizeof pull->digest, "%s", image->digest);
        result = !oci_image_path(pulls->oci, "tmp-", hex, pull->folder) ||
                         !oci_image_path(pulls->oci, "", hex, pull->becomes)
                     ? -ENAMETOOLONG
                     : read_manifest(pull, image->manifest);
    }
    if (result != 0) {
        destroy(pull);
        return result;
    }
    *ret_pull = pull;
    return 0;
}

/* --- asked from outside --- */

static struct pull *find(const struct oci_pulls *pulls, const char *digest) {
    struct pull *pull = pulls->list;
    while (pull != NULL && (pull->over || strcmp(pull->digest, digest) != 0)) {
        pull = pull->next;
    }
    return pull;
}

bool oci_pulls_have(const struct oci_pulls *pulls, const char *digest) {
    return find(pulls, digest) != NULL;
}

void oci_pulls_pull(struct oci_pulls *pulls, const struct executor_image *image,
                    void (*on_done)(void *arg, int error, const char *reason), void *arg) {
    struct lambda *lambda = pulls->oci->executor.lambda;
    struct waiter *waiter = malloc(sizeof *waiter);
    struct pull *pull = NULL;
    int result = waiter == NULL ? -ENOMEM : pulls->stopping ? -ECANCELED : 0;
    if (result == 0 && oci_digest_hex(image->digest) == NULL) {
        result = -EINVAL;
    }
    if (result == 0) {
        pull = find(pulls, image->digest);
    }
    bool is_new = result == 0 && pull == NULL;
    if (is_new) {
        result = create(pulls, image, &pull);
    }
    if (is_new && result == 0) {
        result = lambda->work->submit(lambda->host, run_make_folder, on_folder_made, pull, NULL);
        if (result != 0) {
            destroy(pull);
        } else {
            pull->next = pulls->list;
            pulls->list = pull;
        }
    }
    if (result != 0) {
        free(waiter);
        oci_tell_later(pulls->oci, result, on_done, arg);
        return;
    }
    *waiter = (struct waiter){.next = pull->waiters, .on_done = on_done, .arg = arg};
    pull->waiters = waiter;
}

void oci_pulls_stop(struct oci_pulls *pulls, void (*on_stopped)(void *arg), void *arg) {
    pulls->stopping = true;
    pulls->on_stopped = on_stopped;
    pulls->on_stopped_arg = arg;
    for (struct pull *pull = pulls->list; pull != NULL; pull = pull->next) {
        atomic_store(&pull->cancelled, true);
        for (size_t i = 0; i < pull->layers_count; i++) {
            oci_blob_cancel(pull->layers[i].blob);
        }
    }
    check_stopped(pulls);
}
