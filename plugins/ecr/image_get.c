/* SPDX-License-Identifier: MIT */
/* BatchGetImage: manifests from the registry, each digest once, a few at a time.
 * A manifest is answered as it is stored, whatever acceptedMediaTypes says. Why: AWS does so for a
 * digest, and the conversions that it makes for a tag change the bytes and so the digest
 * (aws/containers-roadmap#1075). */
#include "actions.h"
#include "backend.h"
#include "cache_call.h"
#include "image_events.h"
#include "image_id.h"
#include "principal.h"
#include "storage_class.h"

#include <errno.h>
#include <virga/helpers/sha256.h>

#define MANIFESTS_MAX_BYTES (64u << 20) /* in one answer */
#define FETCHES_MAX 8                   /* manifests under way for one call */
#define MEDIA_TYPE_MAX 255 /* longer ones are no media types (RFC 6838 allows 127 + 1 + 127) */
#define ACCEPT_MAX 4096    /* the Accept header; what does not fit is left out */

/* One digest that the call needs. */
struct fetched {
    struct batch *batch;
    struct meta_image image;
    char *manifest; /* in the request's memory; NULL until it is there */
    size_t manifest_len;
};

/* One id of the call. */
struct wanted {
    struct image_id id;
    struct image_failure failure; /* code NULL: an image */
    size_t fetched;               /* index */
    bool repeats;
};

struct batch {
    struct call *call;
    size_t wanted_count;
    size_t fetched_count;
    size_t next;   /* the first one that was not asked for */
    size_t flying; /* requests under way */
    size_t bytes;  /* of the manifests so far */
    int error;     /* of the first that failed; nothing more is asked for */
    char reason[256];
    struct wanted wanted[IMAGE_ID_MAX];
    struct fetched fetched[IMAGE_ID_MAX];
};

static void free_images(struct batch *batch) {
    for (size_t i = 0; i < batch->fetched_count; i++) {
        meta_image_finish(&batch->fetched[i].image);
    }
}

static void write_image(const struct call *call, const struct fetched *fetched,
                        struct virga_str tag, struct virga_json_writer *writer) {
    virga_json_begin_object(writer, NULL);
    call_write_head(call, writer);
    image_id_write(writer, "imageId", virga_str_from(fetched->image.digest), tag);
    virga_json_str(writer, "imageManifest",
                   (struct virga_str){fetched->manifest, fetched->manifest_len});
    virga_json_string(writer, "imageManifestMediaType", fetched->image.media_type);
    virga_json_end_object(writer);
}

/* Whether an earlier id of the call shows the same digest and tag already. */
static bool shown_before(const struct batch *batch, size_t index, struct virga_str tag) {
    const struct wanted *wanted = &batch->wanted[index];
    for (size_t i = 0; i < index; i++) {
        const struct wanted *earlier = &batch->wanted[i];
        if (earlier->failure.code == NULL && !earlier->repeats &&
            earlier->fetched == wanted->fetched &&
            (earlier->id.tag.ptr == NULL || virga_str_equal(earlier->id.tag, tag))) {
            return true;
        }
    }
    return false;
}

/* Writes what one id brings: by digest alone an image for each of its tags. */
static void write_wanted(const struct batch *batch, size_t index,
                         struct virga_json_writer *writer) {
    const struct wanted *wanted = &batch->wanted[index];
    const struct fetched *fetched = &batch->fetched[wanted->fetched];
    const struct meta_image *image = &fetched->image;
    if (wanted->id.tag.ptr != NULL || image->tags_count == 0) {
        if (!shown_before(batch, index, wanted->id.tag)) {
            write_image(batch->call, fetched, wanted->id.tag, writer);
        }
        return;
    }
    for (size_t i = 0; i < image->tags_count; i++) {
        if (!shown_before(batch, index, virga_str_from(image->tags[i]))) {
            write_image(batch->call, fetched, virga_str_from(image->tags[i]), writer);
        }
    }
}

static void answer(struct batch *batch) {
    struct virga_json_writer writer = {0};
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "images");
    for (size_t i = 0; i < batch->wanted_count; i++) {
        if (batch->wanted[i].failure.code == NULL && !batch->wanted[i].repeats) {
            write_wanted(batch, i, &writer);
        }
    }
    virga_json_end_array(&writer);
    virga_json_begin_array(&writer, "failures");
    for (size_t i = 0; i < batch->wanted_count; i++) {
        if (batch->wanted[i].failure.code != NULL && !batch->wanted[i].repeats) {
            image_failure_write(&writer, batch->wanted[i].id, &batch->wanted[i].failure);
        }
    }
    virga_json_end_array(&writer);
    virga_json_end_object(&writer);
    free_images(batch);
    call_answer(batch->call, &writer);
}

static void end(struct batch *batch) {
    if (batch->error == 0) {
        answer(batch);
        return;
    }
    free_images(batch);
    if (batch->error == -EMSGSIZE) {
        call_fail(batch->call, "LimitExceededException",
                  "The manifests asked for are longer than %u bytes together", MANIFESTS_MAX_BYTES);
        return;
    }
    call_broken(batch->call, "The registry did not give the image", batch->error, batch->reason);
}

static void note_error(struct batch *batch, int error, const char *reason) {
    if (batch->error == 0) {
        batch->error = error;
        (void)snprintf(batch->reason, sizeof batch->reason, "%s", reason);
    }
}

/* Marks every id that means this digest as not found: it was deleted meanwhile. */
static void note_gone(struct batch *batch, const struct fetched *fetched) {
    for (size_t i = 0; i < batch->wanted_count; i++) {
        if (batch->wanted[i].failure.code == NULL &&
            &batch->fetched[batch->wanted[i].fetched] == fetched) {
            image_failure_not_found(&batch->wanted[i].failure);
        }
    }
}

/* Takes a manifest over if it is the one that was asked for. */
static void take_manifest(struct fetched *fetched, struct virga_str body) {
    struct batch *batch = fetched->batch;
    struct call *call = batch->call;
    char hex[VIRGA_SHA256_HEX_LEN + 1];
    if (body.len > MANIFESTS_MAX_BYTES - batch->bytes) {
        note_error(batch, -EMSGSIZE, "");
        return;
    }
    batch->bytes += body.len;
    int result = virga_sha256_hex(body, hex);
    if (result == 0 && strcmp(fetched->image.digest + strlen("sha256:"), hex) != 0) {
        note_error(batch, -EIO, "the manifest that it has does not match its digest");
        return;
    }
    fetched->manifest = result == 0 ? call->req->http->alloc(call->req, body.len + 1) : NULL;
    if (fetched->manifest == NULL) {
        note_error(batch, -ENOMEM, strerror(ENOMEM));
        return;
    }
    memcpy(fetched->manifest, body.ptr, body.len);
    fetched->manifest_len = body.len;
    image_pulled(call->ecr, &call->tenant, call->name, virga_str_from(fetched->image.digest),
                 call->principal != NULL ? virga_str_from(call->principal->arn)
                                         : (struct virga_str){0});
}

static void go_on(struct batch *batch);

static void on_fetched(void *arg, const struct virga_fetch_response *res) {
    struct fetched *fetched = arg;
    struct batch *batch = fetched->batch;
    struct call *call = batch->call;
    struct meta_image still = {0};
    char text[64];
    batch->flying--;
    if (res->status == 200) {
        take_manifest(fetched, res->body);
    } else if (res->status == 404 &&
               meta_image_get(call->ecr, &call->tenant, call->name,
                              virga_str_from(fetched->image.digest), &still) == -ENOENT) {
        note_gone(batch, fetched);
    } else if (res->status == 404) {
        meta_image_finish(&still);
        note_error(batch, -EIO, "it no longer has the manifest");
    } else if (res->status != 0) {
        (void)snprintf(text, sizeof text, "it answered with status %d", res->status);
        note_error(batch, -EIO, text);
    } else {
        note_error(batch, res->error, res->error_text);
    }
    go_on(batch);
}

/* Adds one media type to an Accept header, unless it is none or does not fit. */
static size_t add_accept(char *accept, size_t len, struct virga_str type) {
    if (type.len == 0 || type.len > MEDIA_TYPE_MAX || len + type.len + 3 > ACCEPT_MAX) {
        return len;
    }
    for (size_t i = 0; i < type.len; i++) {
        if (type.ptr[i] <= ' ' || type.ptr[i] >= 0x7f || type.ptr[i] == ',') {
            return len;
        }
    }
    int more = snprintf(accept + len, ACCEPT_MAX - len, "%s%.*s", len > 0 ? ", " : "",
                        (int)type.len, type.ptr);
    return len + (size_t)more;
}

static int ask(struct fetched *fetched) {
    struct call *call = fetched->batch->call;
    char name[BACKEND_NAME_MAX + 1], accept[ACCEPT_MAX];
    char path[sizeof name + ECR_DIGEST_LEN + sizeof "/v2//manifests/"];
    size_t len = 0, count = virga_awsjson_length(call->input, "acceptedMediaTypes");
    /* First the stored type, without which the registry would say that there is no such manifest.
     */
    len = add_accept(accept, len, virga_str_from(fetched->image.media_type));
    for (size_t i = 0; i < count; i++) {
        len = add_accept(
            accept, len,
            virga_awsjson_text(virga_awsjson_element(call->input, "acceptedMediaTypes", i)));
    }
    backend_name(&call->tenant, call->name, name);
    (void)snprintf(path, sizeof path, "/v2/%s/manifests/%s", name, fetched->image.digest);
    struct virga_header header = {virga_str_from("Accept"), {accept, len}};
    return backend_fetch(call->ecr->backend, "GET", path, &header, 1, virga_str_from(""),
                         on_fetched, fetched);
}

/* Asks for more manifests, or ends the call when all are there. */
static void go_on(struct batch *batch) {
    while (batch->error == 0 && batch->flying < FETCHES_MAX && batch->next < batch->fetched_count) {
        int result = ask(&batch->fetched[batch->next]);
        if (result != 0) {
            note_error(batch, result, strerror(-result));
            break;
        }
        batch->next++;
        batch->flying++;
    }
    if (batch->flying == 0) {
        end(batch);
    }
}

/* Finds or adds the digest among those to fetch. An image in the archive is told in ret_failure. */
static int need(struct batch *batch, const char *digest, size_t *ret_index,
                struct image_failure *ret_failure) {
    for (size_t i = 0; i < batch->fetched_count; i++) {
        if (strcmp(batch->fetched[i].image.digest, digest) == 0) {
            *ret_index = i;
            return 0;
        }
    }
    struct call *call = batch->call;
    struct fetched *fetched = &batch->fetched[batch->fetched_count];
    int result = meta_image_get(call->ecr, &call->tenant, call->name, virga_str_from(digest),
                                &fetched->image);
    if (result == 0 && fetched->image.status != META_ACTIVE) {
        ret_failure->code = "ImageInaccessible";
        (void)snprintf(ret_failure->reason, sizeof ret_failure->reason, STORAGE_CLASS_NO_PULL,
                       storage_class_word(&fetched->image));
        meta_image_finish(&fetched->image);
        return 0;
    }
    if (result == 0) {
        fetched->batch = batch;
        *ret_index = batch->fetched_count++;
    }
    return result;
}

static void get_images(struct call *call) {
    if (!call_repository_exists(call)) {
        return;
    }
    struct batch *batch = call->req->http->alloc(call->req, sizeof *batch);
    if (batch == NULL) {
        call_broken(call, "The images could not be fetched", -ENOMEM, NULL);
        return;
    }
    memset(batch, 0, sizeof *batch);
    batch->call = call;
    batch->wanted_count = virga_awsjson_length(call->input, "imageIds");
    for (size_t i = 0; i < batch->wanted_count; i++) {
        struct wanted *wanted = &batch->wanted[i];
        char digest[ECR_DIGEST_LEN + 1];
        wanted->id = image_id_get(call, i);
        wanted->repeats = image_id_repeats(call, i);
        int result = image_id_resolve(call, wanted->id, digest, &wanted->failure);
        if (result == 0 && wanted->failure.code != NULL) {
            /* Why it is not here, where that is known. */
            (void)cache_call_failure(call, i, &wanted->failure);
        }
        if (result == 0 && wanted->failure.code == NULL) {
            result = need(batch, digest, &wanted->fetched, &wanted->failure);
        }
        if (result != 0) {
            free_images(batch);
            call_broken(call, "The image could not be read", result, NULL);
            return;
        }
    }
    go_on(batch);
}

void action_batch_get_image(struct call *call) {
    if (!cache_call_fetch(call, get_images)) {
        get_images(call);
    }
}
