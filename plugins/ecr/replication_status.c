/* SPDX-License-Identifier: MIT */
/* A text of fields, a group for each destination that begins with `a`:
 *   a account   r region   n rows of the queue that are left   f the failure's code */
#include "replication_status.h"
#include "record.h"

#include <errno.h>
#include <stdlib.h>

#define KIND "replication"
#define FAILURE_MAX 63

struct entry {
    struct tenant destination;
    int64_t left;
    char failure[FAILURE_MAX + 1]; /* "" = none */
};

struct statuses {
    struct entry *entries; /* REPLICATION_STATUSES_MAX of them */
    size_t count;
};

static void copy_text(char *buffer, size_t size, struct virga_str text) {
    size_t len = text.len < size ? text.len : size - 1;
    memcpy(buffer, text.ptr, len);
    buffer[len] = '\0';
}

static void decode(struct virga_str record, struct statuses *statuses) {
    char letter;
    struct virga_str value;
    struct entry *entry = NULL;
    while (record_next(&record, &letter, &value)) {
        if (letter == 'a' && statuses->count < REPLICATION_STATUSES_MAX) {
            entry = &statuses->entries[statuses->count++];
            copy_text(entry->destination.account, sizeof entry->destination.account, value);
        } else if (entry != NULL && letter == 'r') {
            copy_text(entry->destination.region, sizeof entry->destination.region, value);
        } else if (entry != NULL && letter == 'n') {
            entry->left = record_int(value);
        } else if (entry != NULL && letter == 'f') {
            copy_text(entry->failure, sizeof entry->failure, value);
        }
    }
}

/* Reads what is kept; nothing kept is no error. On success the caller frees the entries. */
static int load(struct ecr *ecr, const struct replication_subject *subject,
                struct statuses *ret_statuses) {
    struct virga_store_value text = {0};
    struct statuses statuses = {.entries =
                                    calloc(REPLICATION_STATUSES_MAX, sizeof *statuses.entries)};
    if (statuses.entries == NULL) {
        return -ENOMEM;
    }
    int result =
        meta_image_text_get(ecr, subject->tenant, subject->name, subject->digest, KIND, &text);
    if (result == 0) {
        decode((struct virga_str){text.ptr, text.len}, &statuses);
        ecr->store->release(ecr->host, &text);
    } else if (result != -ENOENT) {
        free(statuses.entries);
        return result;
    }
    *ret_statuses = statuses;
    return 0;
}

static int save(struct ecr *ecr, const struct replication_subject *subject,
                const struct statuses *statuses) {
    struct record_writer writer = {0};
    for (size_t i = 0; i < statuses->count; i++) {
        const struct entry *entry = &statuses->entries[i];
        record_put_string(&writer, 'a', entry->destination.account);
        record_put_string(&writer, 'r', entry->destination.region);
        record_put_int(&writer, 'n', entry->left);
        if (entry->failure[0] != '\0') {
            record_put_string(&writer, 'f', entry->failure);
        }
    }
    int result = writer.failed
                     ? -ENOMEM
                     : meta_image_text_put(ecr, subject->tenant, subject->name, subject->digest,
                                           KIND, (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

/* The entry of a destination; made where there is none. */
static struct entry *find(struct statuses *statuses, const struct tenant *destination) {
    for (size_t i = 0; i < statuses->count; i++) {
        struct entry *entry = &statuses->entries[i];
        if (strcmp(entry->destination.account, destination->account) == 0 &&
            strcmp(entry->destination.region, destination->region) == 0) {
            return entry;
        }
    }
    if (statuses->count == REPLICATION_STATUSES_MAX) {
        statuses->count--;
        memmove(statuses->entries, statuses->entries + 1,
                statuses->count * sizeof *statuses->entries);
    }
    struct entry *entry = &statuses->entries[statuses->count++];
    *entry = (struct entry){.destination = *destination};
    return entry;
}

int replication_status_begin(struct ecr *ecr, const struct replication_subject *subject,
                             const struct tenant *destination) {
    struct statuses statuses;
    int result = load(ecr, subject, &statuses);
    if (result != 0) {
        return result;
    }
    struct entry *entry = find(&statuses, destination);
    entry->left++;
    entry->failure[0] = '\0';
    result = save(ecr, subject, &statuses);
    free(statuses.entries);
    return result;
}

int replication_status_end(struct ecr *ecr, const struct replication_subject *subject,
                           const struct tenant *destination, const char *failure) {
    struct meta_image image;
    struct statuses statuses;
    /* A text without its image would never be deleted. */
    int result = meta_image_get(ecr, subject->tenant, subject->name, subject->digest, &image);
    if (result != 0) {
        return result == -ENOENT ? 0 : result;
    }
    meta_image_finish(&image);
    result = load(ecr, subject, &statuses);
    if (result != 0) {
        return result;
    }
    struct entry *entry = find(&statuses, destination);
    entry->left -= entry->left > 0;
    copy_text(entry->failure, sizeof entry->failure,
              virga_str_from(failure != NULL ? failure : ""));
    result = save(ecr, subject, &statuses);
    free(statuses.entries);
    return result;
}

int replication_status_write(struct ecr *ecr, const struct replication_subject *subject,
                             struct virga_json_writer *writer) {
    struct statuses statuses;
    int result = load(ecr, subject, &statuses);
    if (result != 0) {
        return result;
    }
    virga_json_begin_array(writer, "replicationStatuses");
    for (size_t i = 0; i < statuses.count; i++) {
        const struct entry *entry = &statuses.entries[i];
        bool failed = entry->left == 0 && entry->failure[0] != '\0';
        virga_json_begin_object(writer, NULL);
        virga_json_string(writer, "region", entry->destination.region);
        virga_json_string(writer, "registryId", entry->destination.account);
        virga_json_string(writer, "status",
                          entry->left > 0 ? "IN_PROGRESS" : (failed ? "FAILED" : "COMPLETE"));
        virga_json_string(writer, "failureCode", failed ? entry->failure : NULL);
        virga_json_end_object(writer);
    }
    virga_json_end_array(writer);
    free(statuses.entries);
    return 0;
}
