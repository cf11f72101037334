/* SPDX-License-Identifier: MIT */
/* The way of one image: readiness, permission, and then for each manifest, children first: gate,
 * repository, manifest, mounts, push. */
#include "replicate_copy.h"
#include "backend_impl.h"
#include "gate.h"
#include "manifest.h"
#include "push.h"
#include "registry_change.h"
#include "replicate_destination.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

/* Manifests that wait for their children, and those children. */
#define STACK_MAX (2 * MANIFEST_MAX_CHILDREN)
/* How often indexes may be found incomplete: more means that somebody deletes what was copied. */
#define EXPANSIONS_MAX 64
#define SESSION_PATH_MAX (BACKEND_PATH_MAX + 1024) /* its state is about 400 bytes */

struct copy {
    struct ecr *ecr;
    struct tenant source;
    struct tenant destination;
    char name[ECR_NAME_MAX + 1];
    char tag[ECR_TAG_MAX + 1];
    bool tagless; /* the destination's tag may not move */
    char (*stack)[ECR_DIGEST_LEN + 1];
    size_t count; /* the first one is the image that was asked for */
    size_t capacity;
    size_t expansions;
    struct gate_pass pass;
    bool inside; /* has a pass, or waits for one */
    /* of the manifest on top */
    struct manifest manifest;
    char *bytes;
    size_t bytes_len;
    size_t blob; /* the next to be mounted */
    void (*on_done)(void *arg, const struct replicate_copy_result *result);
    void *arg;
};

static void step(struct copy *copy);
static void mount(struct copy *copy);

static struct virga_str name_of(const struct copy *copy) {
    return virga_str_from(copy->name);
}

static const char *top(const struct copy *copy) {
    return copy->stack[copy->count - 1];
}

/* Forgets the manifest and lets gc in. */
static void put_down(struct copy *copy) {
    manifest_finish(&copy->manifest);
    free(copy->bytes);
    copy->bytes = NULL;
    if (copy->inside) {
        copy->inside = false;
        gate_leave(copy->ecr->gate, &copy->pass);
    }
}

static void finish(struct copy *copy, int status, const char *code, const char *reason) {
    const struct replicate_copy_result result = {status, code, reason};
    put_down(copy);
    copy->on_done(copy->arg, &result);
    free(copy->stack);
    free(copy);
}

/* Ends it because the store or memory failed. */
static void finish_error(struct copy *copy, int error) {
    finish(copy, error == -ENOMEM ? -ENOMEM : -EIO, "ServerError", strerror(-error));
}

/* Ends it because there was no answer. */
static void finish_unanswered(struct copy *copy, const struct virga_fetch_response *res) {
    finish(copy, res->error == -ENOMEM ? -ENOMEM : -EAGAIN, "ServerError", res->error_text);
}

static int push_digest(struct copy *copy, const char *digest) {
    if (copy->count == STACK_MAX) {
        return -E2BIG;
    }
    if (copy->count == copy->capacity) {
        size_t capacity = copy->capacity > 0 ? copy->capacity * 2 : 4;
        void *grown = realloc(copy->stack, capacity * sizeof *copy->stack);
        if (grown == NULL) {
            return -ENOMEM;
        }
        copy->stack = grown;
        copy->capacity = capacity;
    }
    (void)snprintf(copy->stack[copy->count++], sizeof *copy->stack, "%s", digest);
    return 0;
}

/* --- the push --- */

/* The tag that the manifest on top gets: only the image asked for has one. */
static struct virga_str tag_of(const struct copy *copy) {
    bool tagged = copy->count == 1 && !copy->tagless;
    return virga_str_from(tagged ? copy->tag : "");
}

static void push(struct copy *copy);

static void on_pushed(void *arg, const struct push_result *result) {
    struct copy *copy = arg;
    switch (result->status) {
    case 0:
        copy->count--;
        put_down(copy);
        step(copy);
        return;
    case -EEXIST:
        /* The image comes without the tag, which stays where it is. Source: Amazon ECR user guide,
         * "Considerations for private image replication". */
        ECR_LOG(copy->ecr, VIRGA_LOG_INFO, NULL,
                "replication of %s to %s/%s: tag '%s' is immutable there and stays with another "
                "image",
                copy->name, copy->destination.account, copy->destination.region, copy->tag);
        copy->tagless = true;
        push(copy);
        return;
    case -ECHILD:
        finish(copy, -EPERM, "LayersNotFound", result->message);
        return;
    case -EINVAL:
        finish(copy, -EPERM, "ImageRejected", result->message);
        return;
    case -EAGAIN:
        finish(copy, -EAGAIN, "ServerError", result->message);
        return;
    default: /* the repository was deleted in the same moment, or the registry or store failed */
        finish(copy, result->status == -ENOMEM ? -ENOMEM : -EIO, "ServerError", result->message);
        return;
    }
}

static void push(struct copy *copy) {
    const struct push_request request = {
        .tenant = copy->destination,
        .name = name_of(copy),
        .tag = tag_of(copy),
        .digest = virga_str_from(top(copy)),
        .media_type = virga_str_from(copy->manifest.image.media_type),
        .bytes = {copy->bytes, copy->bytes_len},
        .origin = IMAGE_REPLICATED,
    };
    int result = push_manifest(copy->ecr, &request, on_pushed, copy);
    if (result != 0) {
        finish_error(copy, result);
    }
}

/* --- mounts --- */

static struct virga_str find_header(const struct virga_fetch_response *res, const char *name) {
    for (size_t i = 0; i < res->headers_count; i++) {
        if (res->headers[i].name.len == strlen(name) &&
            strncasecmp(res->headers[i].name.ptr, name, strlen(name)) == 0) {
            return res->headers[i].value;
        }
    }
    return (struct virga_str){"", 0};
}

static void on_cancelled(void *arg, const struct virga_fetch_response *res) {
    (void)res; /* a session that is left is removed by the registry itself */
    mount(arg);
}

/* Ends the upload session that came instead of a mount. False: it is left. */
static bool cancel_session(struct copy *copy, struct virga_str location) {
    char path[SESSION_PATH_MAX];
    const char *at = location.len > 0 ? memmem(location.ptr, location.len, "/v2/", 4) : NULL;
    size_t len = at != NULL ? location.len - (size_t)(at - location.ptr) : 0;
    if (len == 0 || len >= sizeof path) {
        return false;
    }
    memcpy(path, at, len);
    path[len] = '\0';
    return backend_fetch(copy->ecr->backend, "DELETE", path, NULL, 0, (struct virga_str){NULL, 0},
                         on_cancelled, copy) == 0;
}

static void on_mounted(void *arg, const struct virga_fetch_response *res) {
    struct copy *copy = arg;
    if (res->status == 0) {
        finish_unanswered(copy, res);
    } else if (res->status >= 500) {
        finish(copy, -EIO, "ServerError", "the registry could not mount a blob");
    } else {
        /* One that is not there may be one that is not to be there (a foreign layer): whether the
         * manifest can do without it says the registry when it is pushed. */
        copy->blob++;
        if (res->status != 202 || !cancel_session(copy, find_header(res, "Location"))) {
            mount(copy);
        }
    }
}

/* 1 the destination has the image, 0 not. */
static int has_image(struct ecr *ecr, const struct tenant *tenant, const struct copy *copy,
                     const char *digest) {
    struct meta_image image;
    int result = meta_image_get(ecr, tenant, name_of(copy), virga_str_from(digest), &image);
    if (result == 0) {
        meta_image_finish(&image);
        return 1;
    }
    return result == -ENOENT ? 0 : result;
}

/* Mounts the next blob; the manifest follows the last. */
static void mount(struct copy *copy) {
    char from[BACKEND_NAME_MAX + 1], to[BACKEND_NAME_MAX + 1];
    char path[sizeof from + sizeof to + ECR_DIGEST_LEN + 64];
    if (copy->blob >= copy->manifest.blobs_count) {
        push(copy);
        return;
    }
    (void)backend_name(&copy->source, name_of(copy), from);
    (void)backend_name(&copy->destination, name_of(copy), to);
    (void)snprintf(path, sizeof path, "/v2/%s/blobs/uploads/?mount=%s&from=%s", to,
                   copy->manifest.blobs[copy->blob], from);
    int result = backend_fetch(copy->ecr->backend, "POST", path, NULL, 0,
                               (struct virga_str){NULL, 0}, on_mounted, copy);
    if (result != 0) {
        finish_error(copy, result);
    }
}

/* --- the manifest --- */

/* Puts the children that the destination lacks on the stack; *ret_any: there are some. */
static int add_children(struct copy *copy, bool *ret_any) {
    const struct meta_image *image = &copy->manifest.image;
    size_t before = copy->count;
    int result = 0;
    for (size_t i = 0; i < image->children_count && result == 0; i++) {
        int there = has_image(copy->ecr, &copy->destination, copy, image->children[i]);
        result = there < 0 ? there : (there == 0 ? push_digest(copy, image->children[i]) : 0);
    }
    *ret_any = copy->count > before;
    return result;
}

static int take_manifest(struct copy *copy, const struct virga_fetch_response *res) {
    int result = manifest_parse(res->body, find_header(res, "Content-Type"), &copy->manifest, NULL);
    if (result != 0) {
        return result;
    }
    if (strcmp(copy->manifest.image.digest, top(copy)) != 0) {
        return -EINVAL;
    }
    copy->bytes = malloc(res->body.len + 1);
    if (copy->bytes == NULL) {
        return -ENOMEM;
    }
    memcpy(copy->bytes, res->body.ptr, res->body.len);
    copy->bytes_len = res->body.len;
    return 0;
}

static void on_manifest(void *arg, const struct virga_fetch_response *res) {
    struct copy *copy = arg;
    bool children = false;
    if (res->status == 0) {
        finish_unanswered(copy, res);
        return;
    }
    if (res->status != 200) {
        /* Deleted meanwhile, which the next try finds out, or the registry is in trouble. */
        finish(copy, -EIO, "ServerError", "the registry did not give the manifest");
        return;
    }
    int result = take_manifest(copy, res);
    if (result == 0) {
        result = add_children(copy, &children);
    }
    if (result == -EINVAL || result == -E2BIG) {
        finish(copy, -EPERM, "ImageRejected", "the manifest that the registry has is not usable");
    } else if (result != 0) {
        finish_error(copy, result);
    } else if (children && copy->expansions++ == EXPANSIONS_MAX) {
        finish(copy, -EIO, "ServerError", "the images of the index are deleted as they come");
    } else if (children) {
        put_down(copy);
        step(copy);
    } else {
        int there = has_image(copy->ecr, &copy->destination, copy, top(copy));
        copy->blob = there == 1 ? copy->manifest.blobs_count : 0;
        mount(copy);
    }
}

/* Inside the gate: the repository, then the manifest. */
static void place(struct copy *copy) {
    struct ecr *ecr = copy->ecr;
    char path[BACKEND_PATH_MAX];
    int result = make_destination_repository(ecr, &copy->destination, name_of(copy));
    if (result == 0) {
        backend_path(&copy->source, name_of(copy), "manifests", top(copy), path);
        const struct virga_header accept = {virga_str_from("Accept"),
                                            virga_str_from(REGISTRY_ACCEPT_ALL)};
        result = backend_fetch(ecr->backend, "GET", path, &accept, 1, (struct virga_str){NULL, 0},
                               on_manifest, copy);
    }
    if (result != 0) {
        finish_error(copy, result);
    }
}

static void on_open(struct gate_pass *pass) {
    place((struct copy *)(void *)((char *)pass - offsetof(struct copy, pass)));
}

/* 1 the image on top is where it is to be, 0 not. */
static int is_placed(struct copy *copy) {
    char digest[ECR_DIGEST_LEN + 1];
    struct virga_str tag = tag_of(copy);
    int there = has_image(copy->ecr, &copy->destination, copy, top(copy));
    if (there != 1 || tag.len == 0) {
        return there;
    }
    int result = meta_tag_get(copy->ecr, &copy->destination, name_of(copy), tag, digest);
    return result == 0 ? strcmp(digest, top(copy)) == 0 : (result == -ENOENT ? 0 : result);
}

/* Goes on with the manifest on top of the stack. */
static void step(struct copy *copy) {
    while (copy->count > 0) {
        int there = is_placed(copy);
        if (there == 1) {
            copy->count--;
            continue;
        }
        int given = there == 0 ? has_image(copy->ecr, &copy->source, copy, top(copy)) : there;
        if (given < 0) {
            finish_error(copy, given);
        } else if (given == 0 && copy->count == 1) {
            finish(copy, -ENOENT, "ImageNotFound", "the image was deleted");
        } else if (given == 0) {
            finish(copy, -EPERM, "ImageNotFound", "an image that the index lists was deleted");
        } else {
            copy->inside = true;
            if (gate_enter(copy->ecr->gate, &copy->pass, on_open)) {
                place(copy);
            }
        }
        return;
    }
    finish(copy, 0, NULL, "");
}

static void on_ready(void *arg, int status, const char *reason) {
    struct copy *copy = arg;
    if (status != 0) {
        finish(copy, status == -ENOMEM ? -ENOMEM : -EAGAIN, "ServerError", reason);
        return;
    }
    status = replicate_authorize(copy->ecr, &copy->source, &copy->destination, name_of(copy));
    if (status == 0) {
        step(copy);
    } else if (status == -EACCES) {
        finish(copy, -EPERM, "AccessDenied",
               "the registry policy of the destination does not allow it");
    } else {
        finish_error(copy, status);
    }
}

int replicate_copy(struct ecr *ecr, const struct replicate_copy_request *request,
                   void (*on_done)(void *arg, const struct replicate_copy_result *result),
                   void *arg) {
    char digest[ECR_DIGEST_LEN + 1];
    struct copy *copy = calloc(1, sizeof *copy);
    if (copy == NULL) {
        return -ENOMEM;
    }
    copy->ecr = ecr;
    copy->source = request->source;
    copy->destination = request->destination;
    copy->on_done = on_done;
    copy->arg = arg;
    (void)snprintf(copy->name, sizeof copy->name, "%.*s", (int)request->name.len,
                   request->name.ptr);
    (void)snprintf(copy->tag, sizeof copy->tag, "%.*s", (int)request->tag.len,
                   request->tag.len > 0 ? request->tag.ptr : "");
    (void)snprintf(digest, sizeof digest, "%.*s", (int)request->digest.len, request->digest.ptr);
    if (push_digest(copy, digest) != 0) {
        free(copy);
        return -ENOMEM;
    }
    /* Nothing is looked at before recovery has ended. */
    backend_ready(ecr->backend, on_ready, copy);
    return 0;
}
