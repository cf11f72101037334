/* SPDX-License-Identifier: MIT */
/* ListImageReferrers, from the records. */
#include "actions.h"
#include "cache_call.h"
#include "referrer_index.h"
#include "storage_class.h"

#include <errno.h>
#include <stdlib.h>
#include <virga/helpers/sha256.h>

#define PAGE_DEFAULT 20     /* by the model; the other listings have 100 */
#define LOOKED_AT_MAX 10000 /* for one page, however few a filter leaves; the token goes on */

struct listing {
    struct call *call;
    struct call_page page;
    struct virga_json_writer writer;
    struct json_object *filter;
    struct virga_str status; /* that is asked for */
    size_t looked_at;
};

/* The call while it waits for the index. */
struct waiting {
    struct referrer_wait wait;
    struct call *call;
};

/* Whether the artifact is in the archive: "ACTIVE", "ARCHIVED" or "ACTIVATING". */
static const char *status_of(const struct call *call, const struct meta_referrer *referrer) {
    struct meta_image image;
    const char *status = "ACTIVE";
    if (meta_image_find(call->ecr, &call->tenant, call->name, virga_str_from(referrer->digest),
                        &image) == 0) {
        status = storage_class_status(&image);
        meta_image_finish(&image);
    }
    return status;
}

static bool is_wanted_type(const struct listing *listing, const struct meta_referrer *referrer) {
    size_t types = virga_awsjson_length(listing->filter, "artifactTypes");
    bool wanted = types == 0;
    for (size_t i = 0; i < types && !wanted; i++) {
        struct virga_str type =
            virga_awsjson_text(virga_awsjson_element(listing->filter, "artifactTypes", i));
        wanted = referrer->artifact_type != NULL &&
                 virga_str_equal(type, virga_str_from(referrer->artifact_type));
    }
    return wanted;
}

/* Leaves one out; the next page begins behind it unless this one is full already. */
static int skip(struct call_page *page, const struct meta_referrer *referrer) {
    if (page->count < page->max) {
        page->last_len = strlen(referrer->digest);
        memcpy(page->last, referrer->digest, page->last_len);
    }
    return 0;
}

static int on_referrer(void *arg, const struct meta_referrer *referrer) {
    struct listing *listing = arg;
    struct virga_json_writer *writer = &listing->writer;
    struct call_page *page = &listing->page;
    if (++listing->looked_at > LOOKED_AT_MAX) {
        page->more = true;
        return 1;
    }
    if (!is_wanted_type(listing, referrer)) {
        return skip(page, referrer);
    }
    const char *status = status_of(listing->call, referrer);
    if (!virga_str_equal(listing->status, virga_str_from("ANY")) &&
        !virga_str_equal(listing->status, virga_str_from(status))) {
        return skip(page, referrer);
    }
    if (!call_page_take(page, virga_str_from(referrer->digest))) {
        return 1;
    }
    virga_json_begin_object(writer, NULL);
    virga_json_string(writer, "digest", referrer->digest);
    virga_json_string(writer, "mediaType", referrer->media_type);
    virga_json_string(writer, "artifactType", referrer->artifact_type);
    virga_json_int(writer, "size", (int64_t)referrer->manifest_bytes);
    if (referrer->annotations != NULL) {
        virga_json_raw(writer, "annotations", virga_str_from(referrer->annotations));
    }
    virga_json_string(writer, "artifactStatus", status);
    virga_json_end_object(writer);
    return 0;
}

/* What a page token of this call depends on besides the repository, in short. */
static int write_detail(struct virga_str subject, struct json_object *filter,
                        char ret_detail[VIRGA_SHA256_HEX_LEN + 1]) {
    char *text = NULL;
    int len = asprintf(
        &text, "%.*s %s", (int)subject.len, subject.ptr,
        filter != NULL ? json_object_to_json_string_ext(filter, JSON_C_TO_STRING_PLAIN) : "");
    if (len < 0) {
        return -ENOMEM;
    }
    int result = virga_sha256_hex((struct virga_str){text, (size_t)len}, ret_detail);
    free(text);
    return result;
}

static struct virga_str subject_of(const struct call *call) {
    return virga_awsjson_str(virga_awsjson_member(call->input, "subjectId"), "imageDigest");
}

static void list(struct call *call) {
    struct listing listing = {.call = call, .filter = virga_awsjson_member(call->input, "filter")};
    struct virga_str subject = subject_of(call);
    char detail[VIRGA_SHA256_HEX_LEN + 1];
    if (!call_repository_exists(call)) {
        return;
    }
    int result = write_detail(subject, listing.filter, detail);
    if (result != 0) {
        call_broken(call, "The referrers could not be listed", result, NULL);
        return;
    }
    if (!call_page_start(call, detail, &listing.page)) {
        return;
    }
    listing.page.max = (size_t)virga_awsjson_int(call->input, "maxResults", PAGE_DEFAULT);
    listing.status = virga_awsjson_str(listing.filter, "artifactStatus");
    if (listing.status.ptr == NULL) {
        listing.status = virga_str_from("ACTIVE");
    }
    struct virga_str after = {listing.page.begun ? listing.page.position : NULL,
                              listing.page.position_len};
    virga_json_begin_object(&listing.writer, NULL);
    virga_json_begin_array(&listing.writer, "referrers");
    result = meta_referrer_each(call->ecr, &call->tenant, call->name, subject, after, on_referrer,
                                &listing);
    virga_json_end_array(&listing.writer);
    if (result >= 0) {
        result = call_page_end(call, &listing.page, &listing.writer);
    }
    virga_json_end_object(&listing.writer);
    if (result < 0) {
        virga_json_finish(&listing.writer);
        call_broken(call, "The referrers could not be listed", result, NULL);
        return;
    }
    call_answer(call, &listing.writer);
}

static void on_ready(struct referrer_wait *wait, int status) {
    struct waiting *waiting = (struct waiting *)(void *)wait;
    if (status != 0) {
        call_broken(waiting->call, "The referrers are not known yet", status, NULL);
    } else {
        list(waiting->call);
    }
}

/* Lists once all that were pushed are known. */
static void list_known(struct call *call) {
    struct referrer_index *index = call->ecr->referrer_index;
    if (referrer_index_is_done(index)) {
        list(call);
        return;
    }
    struct waiting *waiting = call->req->http->alloc(call->req, sizeof *waiting);
    int result = -ENOMEM;
    if (waiting != NULL) {
        waiting->call = call;
        result = referrer_index_wait(index, &waiting->wait, on_ready);
    }
    if (result != 0) {
        call_broken(call, "The referrers are not known yet", result, NULL);
    }
}

void action_list_image_referrers(struct call *call) {
    if (call_repository_exists(call) && !cache_call_referrers(call, subject_of(call), list_known)) {
        list_known(call);
    }
}
