/* SPDX-License-Identifier: MIT */
/* Rows "o account region name id", where account and region are the destination's. */
#include "replicate_queue.h"
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define TABLE "o\0"
/* An id is the clock above and a count below: rows of one lane stay in order when all earlier ones
 * are gone. */
#define ID_COUNT_BITS 20
#define ID_DIGITS 16

static void lane_key(struct record_key *key, const struct replicate_row *row) {
    record_key_in(key, 'o', &row->destination, virga_str_from(row->name));
}

static void row_key(struct record_key *key, const struct replicate_row *row) {
    char digits[ID_DIGITS + 1];
    (void)snprintf(digits, sizeof digits, "%016" PRIx64, row->id);
    lane_key(key, row);
    record_key_add(key, virga_str_from(digits));
}

static uint64_t id_of(struct virga_str key) {
    char digits[ID_DIGITS + 1] = "";
    if (key.len > ID_DIGITS) {
        memcpy(digits, key.ptr + key.len - ID_DIGITS, ID_DIGITS);
    }
    return strtoull(digits, NULL, 16);
}

int replicate_queue_update(struct ecr *ecr, const struct replicate_row *row) {
    struct record_key key;
    struct record_writer writer = {0};
    row_key(&key, row);
    if (key.bad) {
        return -EINVAL;
    }
    record_put_string(&writer, 'a', row->source.account);
    record_put_string(&writer, 'r', row->source.region);
    record_put_string(&writer, 'A', row->destination.account);
    record_put_string(&writer, 'R', row->destination.region);
    record_put_string(&writer, 'n', row->name);
    record_put_string(&writer, 'd', row->digest);
    record_put_string(&writer, 't', row->tag);
    record_put_int(&writer, 'c', row->tries);
    record_put_int(&writer, 'w', row->not_before_ms);
    int result = writer.failed ? -ENOMEM
                               : ecr->store->put(ecr->host, record_key_str(&key),
                                                 (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

/* The id of the lane's last row; 0 when it has none. */
static int last_id(struct ecr *ecr, const struct replicate_row *row, uint64_t *ret_id) {
    struct record_key lane;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    lane_key(&lane, row);
    record_key_add(&lane, virga_str_from(""));
    if (lane.bad) {
        return -EINVAL;
    }
    int result = ecr->store->scan(ecr->host, record_key_str(&lane), (struct virga_str){0},
                                  VIRGA_STORE_REVERSE | VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    result = ecr->store->next(cursor, &key, &value);
    *ret_id = result == 1 ? id_of(key) : 0;
    ecr->store->close(cursor);
    return result < 0 ? result : 0;
}

int replicate_queue_add(struct ecr *ecr, struct replicate_row *row) {
    uint64_t last = 0;
    int result = last_id(ecr, row, &last);
    if (result != 0) {
        return result;
    }
    uint64_t id = (uint64_t)ecr->timer->now_ms(ecr->host) << ID_COUNT_BITS;
    row->id = id > last ? id : last + 1;
    return replicate_queue_update(ecr, row);
}

int replicate_queue_delete(struct ecr *ecr, const struct replicate_row *row) {
    struct record_key key;
    row_key(&key, row);
    return key.bad ? -ENOENT : ecr->store->del(ecr->host, record_key_str(&key));
}

static void copy_text(char *buffer, size_t size, struct virga_str text) {
    size_t len = text.len < size ? text.len : size - 1;
    memcpy(buffer, text.ptr, len);
    buffer[len] = '\0';
}

static void decode(struct virga_str record, struct replicate_row *row) {
    char letter;
    struct virga_str value;
    while (record_next(&record, &letter, &value)) {
        switch (letter) {
        case 'a':
            copy_text(row->source.account, sizeof row->source.account, value);
            break;
        case 'r':
            copy_text(row->source.region, sizeof row->source.region, value);
            break;
        case 'A':
            copy_text(row->destination.account, sizeof row->destination.account, value);
            break;
        case 'R':
            copy_text(row->destination.region, sizeof row->destination.region, value);
            break;
        case 'n':
            copy_text(row->name, sizeof row->name, value);
            break;
        case 'd':
            copy_text(row->digest, sizeof row->digest, value);
            break;
        case 't':
            copy_text(row->tag, sizeof row->tag, value);
            break;
        case 'c':
            row->tries = (unsigned)record_int(value);
            break;
        case 'w':
            row->not_before_ms = record_int(value);
            break;
        default:
            break;
        }
    }
}

int replicate_queue_next(struct ecr *ecr, const struct replicate_row *after,
                         struct replicate_row *ret_row) {
    struct record_key behind;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value, position = {0};
    if (after != NULL) {
        lane_key(&behind, after);
        record_key_add(&behind, virga_str_from("\xff")); /* above every digit of an id */
        if (behind.bad) {
            return -EINVAL;
        }
        position = record_key_str(&behind);
    }
    int result = ecr->store->scan(ecr->host, (struct virga_str){TABLE, 2}, position, 0, &cursor);
    if (result != 0) {
        return result;
    }
    result = ecr->store->next(cursor, &key, &value);
    if (result == 1) {
        struct replicate_row row = {.id = id_of(key)};
        decode(value, &row);
        *ret_row = row;
    }
    ecr->store->close(cursor);
    return result;
}

int replicate_queue_count(struct ecr *ecr, size_t *ret_count) {
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    size_t count = 0;
    int result = ecr->store->scan(ecr->host, (struct virga_str){TABLE, 2}, (struct virga_str){0},
                                  VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = ecr->store->next(cursor, &key, &value)) == 1) {
        count++;
    }
    ecr->store->close(cursor);
    *ret_count = count;
    return result;
}

bool replicate_queue_same_lane(const struct replicate_row *a, const struct replicate_row *b) {
    return strcmp(a->name, b->name) == 0 &&
           strcmp(a->destination.account, b->destination.account) == 0 &&
           strcmp(a->destination.region, b->destination.region) == 0;
}
