/* SPDX-License-Identifier: MIT */
/* PutObject. */
#include "object.h"
#include "receiver.h"

#include <errno.h>

static void answer(struct call *call, const struct received *received) {
    const struct digests *digests = &received->digests;
    call_add_quoted(call, "ETag", digests->etag);
    if (digests->algorithm != CHECKSUM_NONE) {
        call_addf(call, checksum_header(digests->algorithm), "%s", digests->checksum);
        call_add(call, "x-amz-checksum-type", virga_str_from("FULL_OBJECT"));
    }
    object_add_encryption(call, call->record);
    call_answer(call, 200);
}

static void on_received(struct call *call, const struct received *received) {
    struct s3 *s3 = call->s3;
    const struct digests *digests = &received->digests;
    struct record_writer writer = {0};
    object_write_bytes(&writer, &received->id, received->size, digests->etag,
                       s3->timer->now_ms(s3->host));
    if (digests->algorithm != CHECKSUM_NONE) {
        record_put_string(&writer, OBJECT_ALGORITHM, checksum_name(digests->algorithm));
        record_put_string(&writer, OBJECT_CHECKSUM, digests->checksum);
        record_put_string(&writer, OBJECT_CHECKSUM_TYPE, "FULL_OBJECT");
    }
    object_copy_fields(call->record, OBJECT_GIVEN OBJECT_TAGS OBJECT_KEEPING, &writer);
    int result = object_save(call, &writer, &received->id, s3_str(NULL, 0));
    record_finish(&writer);
    if (result != 0) {
        if (received->id.text[0] != '\0') {
            files_abandon(s3, &received->id);
        }
        object_save_failed(call, result);
        return;
    }
    answer(call, received);
}

void object_put(struct call *call) {
    struct digests_wanted wanted;
    struct record_writer writer = {0};
    if (!digests_read(call, &wanted) || !object_check_write(call)) {
        return;
    }
    if (!object_write_given(call, &writer) || !object_write_tags(call, &writer) ||
        !object_write_keeping(call, &writer)) {
        record_finish(&writer);
        return;
    }
    if (!object_own_record(call, &writer)) {
        return;
    }
    receiver_start(call, &wanted, on_received);
}
