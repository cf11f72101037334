/* SPDX-License-Identifier: MIT */
/* The records of scans. The findings are in table v (v account region name digest position); how a
 * scan stands is a text about the image. */
#include "scan_record.h"
#include "record.h"

#include <errno.h>
#include <stdlib.h>

#define TEXT_KIND "scan"
#define POSITION_DIGITS 6

static const char *const words[] = {"IN_PROGRESS", "PENDING", "COMPLETE",
                                    "ACTIVE",      "FAILED",  "UNSUPPORTED_IMAGE"};

const char *scan_status_word(enum scan_status status) {
    return words[status];
}

bool scan_record_open(const struct scan_record *record) {
    return record->status == SCAN_STATUS_IN_PROGRESS || record->status == SCAN_STATUS_PENDING;
}

bool scan_record_has_findings(const struct scan_record *record) {
    return record->status == SCAN_STATUS_COMPLETE || record->status == SCAN_STATUS_ACTIVE;
}

/* --- how a scan stands --- */

static int write_record(struct ecr *ecr, const struct image_order *order,
                        const struct scan_record *record) {
    struct record_writer writer = {0};
    record_put_int(&writer, 'i', (int64_t)order->id);
    record_put_int(&writer, 's', record->status);
    record_put_int(&writer, 'e', record->enhanced);
    record_put_int(&writer, 'n', record->continuous);
    record_put_int(&writer, 'b', record->started_ms);
    record_put_int(&writer, 'c', record->completed_ms);
    record_put_int(&writer, 'v', record->source_ms);
    for (size_t i = 0; i < SCAN_SEVERITIES; i++) {
        record_put_int(&writer, (char)('0' + i), (int64_t)record->severities[i]);
    }
    record_put_string(&writer, 'd', record->description);
    int result = writer.failed
                     ? -ENOMEM
                     : meta_image_text_put(ecr, &order->tenant, virga_str_from(order->name),
                                           virga_str_from(order->digest), TEXT_KIND,
                                           (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

static void read_field(struct scan_record *record, char letter, struct virga_str value) {
    switch (letter) {
    case 'i':
        record->id = (uint64_t)record_int(value);
        break;
    case 's':
        record->status = (enum scan_status)record_int(value);
        break;
    case 'e':
        record->enhanced = record_int(value) != 0;
        break;
    case 'n':
        record->continuous = record_int(value) != 0;
        break;
    case 'b':
        record->started_ms = record_int(value);
        break;
    case 'c':
        record->completed_ms = record_int(value);
        break;
    case 'v':
        record->source_ms = record_int(value);
        break;
    case 'd':
        (void)snprintf(record->description, sizeof record->description, "%.*s", (int)value.len,
                       value.ptr);
        break;
    default:
        if (letter >= '0' && letter < '0' + SCAN_SEVERITIES) {
            record->severities[letter - '0'] = (uint64_t)record_int(value);
        }
    }
}

int scan_record_get(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                    struct virga_str digest, struct scan_record *ret_record) {
    struct virga_store_value text = {0};
    struct scan_record record = {0};
    char letter;
    struct virga_str value;
    int result = meta_image_text_get(ecr, tenant, name, digest, TEXT_KIND, &text);
    if (result != 0) {
        return result;
    }
    struct virga_str rest = {text.ptr, text.len};
    while (record_next(&rest, &letter, &value)) {
        read_field(&record, letter, value);
    }
    ecr->store->release(ecr->host, &text);
    if ((size_t)record.status >= sizeof words / sizeof words[0]) {
        return -EIO;
    }
    *ret_record = record;
    return 0;
}

int scan_record_begin(struct ecr *ecr, const struct image_order *order,
                      const struct scan_record *record) {
    bool own = false;
    int result = meta_begin(ecr, &own);
    if (result != 0) {
        return result;
    }
    result = image_order_put(ecr, IMAGE_ORDER_SCAN, order);
    if (result == 0) {
        result = write_record(ecr, order, record);
    }
    return meta_end(ecr, own, result);
}

/* --- the outcome --- */

/* --- since when a finding is known --- */

struct known {
    char id[SCAN_FINDING_ID_LEN + 1];
    int64_t first_ms;
};

struct known_list {
    struct known *list;
    size_t count;
};

static int compare_known(const void *a, const void *b) {
    return strcmp(((const struct known *)a)->id, ((const struct known *)b)->id);
}

static int on_known(void *arg, const struct scan_shown *shown) {
    struct known_list *known = arg;
    if (shown->id.len != SCAN_FINDING_ID_LEN || known->count == SCAN_FINDINGS_MAX) {
        return 0;
    }
    struct known *one = &known->list[known->count++];
    memcpy(one->id, shown->id.ptr, SCAN_FINDING_ID_LEN);
    one->id[SCAN_FINDING_ID_LEN] = '\0';
    one->first_ms = shown->first_ms;
    return 0;
}

/* Reads the findings of the scan before, where there are such that come again. */
static int read_known(struct ecr *ecr, const struct image_order *order,
                      const struct scan_report *report, struct known_list *known) {
    if (report == NULL || report->count == 0 || report->findings[0].id[0] == '\0') {
        return 0;
    }
    known->list = calloc(SCAN_FINDINGS_MAX, sizeof *known->list);
    if (known->list == NULL) {
        return -ENOMEM;
    }
    int result =
        scan_findings_each(ecr, &order->tenant, virga_str_from(order->name),
                           virga_str_from(order->digest), (struct virga_str){0}, on_known, known);
    if (result == 0) {
        qsort(known->list, known->count, sizeof *known->list, compare_known);
    }
    return result;
}

static int64_t first_of(const struct known_list *known, const char *id, int64_t now_ms) {
    struct known key;
    memcpy(key.id, id, sizeof key.id);
    const struct known *found = known->count > 0 ? bsearch(&key, known->list, known->count,
                                                           sizeof *known->list, compare_known)
                                                 : NULL;
    return found != NULL ? found->first_ms : now_ms;
}

static int write_finding(struct ecr *ecr, const struct record_key *prefix, size_t index,
                         const struct scan_finding *finding, int64_t first_ms) {
    char position[POSITION_DIGITS + 1];
    struct record_key key = *prefix;
    struct record_writer writer = {0};
    (void)snprintf(position, sizeof position, "%0*u", POSITION_DIGITS, (unsigned)index % 1000000u);
    record_key_add(&key, virga_str_from(position));
    if (finding->id[0] != '\0') {
        record_put_string(&writer, 'i', finding->id);
        record_put_int(&writer, 'o', first_ms);
    }
    record_put_text(&writer, 'm', (struct virga_str){finding->members, finding->len});
    int result = writer.failed ? -ENOMEM
                               : ecr->store->put(ecr->host, record_key_str(&key),
                                                 (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

static int write_findings(struct ecr *ecr, const struct image_order *order, int64_t now_ms,
                          const struct scan_report *report) {
    struct record_key prefix;
    struct known_list known = {0};
    record_key_in(&prefix, 'v', &order->tenant, virga_str_from(order->name));
    record_key_add(&prefix, virga_str_from(order->digest));
    struct record_key rows = prefix;
    record_key_add(&rows, virga_str_from(""));
    if (rows.bad) {
        return -EINVAL;
    }
    int result = read_known(ecr, order, report, &known);
    if (result == 0) {
        result = ecr->store->del_prefix(ecr->host, record_key_str(&rows), NULL);
    }
    for (size_t i = 0; result == 0 && report != NULL && i < report->count; i++) {
        const struct scan_finding *finding = &report->findings[i];
        result = write_finding(ecr, &prefix, i, finding, first_of(&known, finding->id, now_ms));
    }
    free(known.list);
    return result;
}

static int finish_in_transaction(struct ecr *ecr, const struct image_order *order,
                                 const struct scan_record *record,
                                 const struct scan_report *report) {
    struct scan_record now;
    int result = scan_record_get(ecr, &order->tenant, virga_str_from(order->name),
                                 virga_str_from(order->digest), &now);
    if (result == 0 && now.id == order->id) {
        result = write_findings(ecr, order, record->completed_ms, report);
        if (result == 0) {
            result = write_record(ecr, order, record);
        }
    } else if (result == -ENOENT) {
        result = 0;
    }
    return result == 0 ? image_order_delete(ecr, IMAGE_ORDER_SCAN, order->id) : result;
}

int scan_record_finish(struct ecr *ecr, const struct image_order *order,
                       const struct scan_record *record, const struct scan_report *report) {
    bool own = false;
    int result = meta_begin(ecr, &own);
    return result != 0 ? result
                       : meta_end(ecr, own, finish_in_transaction(ecr, order, record, report));
}

static struct scan_shown read_finding(struct virga_str position, struct virga_str record) {
    struct scan_shown shown = {.position = position};
    char letter;
    struct virga_str value;
    while (record_next(&record, &letter, &value)) {
        if (letter == 'm') {
            shown.members = value;
        } else if (letter == 'i') {
            shown.id = value;
        } else if (letter == 'o') {
            shown.first_ms = record_int(value);
        }
    }
    return shown;
}

int scan_findings_each(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       struct virga_str digest, struct virga_str after,
                       int (*on_each)(void *arg, const struct scan_shown *shown), void *arg) {
    struct record_key prefix, from;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    record_key_in(&from, 'v', tenant, name);
    record_key_add(&from, digest);
    prefix = from;
    record_key_add(&prefix, virga_str_from(""));
    if (after.ptr != NULL) {
        record_key_add(&from, after);
    }
    if (prefix.bad || from.bad) {
        return -EINVAL;
    }
    int result = ecr->store->scan(ecr->host, record_key_str(&prefix),
                                  after.ptr != NULL ? record_key_str(&from) : (struct virga_str){0},
                                  0, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = ecr->store->next(cursor, &key, &value)) == 1) {
        struct scan_shown shown =
            read_finding((struct virga_str){key.ptr + prefix.len, key.len - prefix.len}, value);
        if ((result = on_each(arg, &shown)) != 0) {
            break;
        }
    }
    ecr->store->close(cursor);
    return result;
}

/* --- as answers show it --- */

void scan_record_write_status(const struct scan_record *record, struct virga_json_writer *writer) {
    virga_json_begin_object(writer, "imageScanStatus");
    virga_json_string(writer, "status", scan_status_word(record->status));
    virga_json_string(writer, "description",
                      record->description[0] != '\0' ? record->description : NULL);
    virga_json_end_object(writer);
}

void scan_record_write_summary(const struct scan_record *record, struct virga_json_writer *writer) {
    virga_json_time(writer, "imageScanCompletedAt", record->completed_ms);
    virga_json_time(writer, "vulnerabilitySourceUpdatedAt", record->source_ms);
    virga_json_begin_object(writer, "findingSeverityCounts");
    for (int i = 0; i < SCAN_SEVERITIES; i++) {
        if (record->severities[i] > 0) {
            virga_json_int(writer, scan_severity_word((enum scan_severity)i, record->enhanced),
                           (int64_t)record->severities[i]);
        }
    }
    virga_json_end_object(writer);
}

int scan_record_write_detail(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                             struct virga_str digest, struct virga_json_writer *writer) {
    struct scan_record record;
    int result = scan_record_get(ecr, tenant, name, digest, &record);
    if (result != 0) {
        return result == -ENOENT ? 0 : result;
    }
    scan_record_write_status(&record, writer);
    if (scan_record_has_findings(&record)) {
        virga_json_begin_object(writer, "imageScanFindingsSummary");
        scan_record_write_summary(&record, writer);
        virga_json_end_object(writer);
    }
    return 0;
}
