/* SPDX-License-Identifier: MIT */
/* Orders: v "orders" kind id. The second part stands where an account stands in the table's other
 * keys: no account is called so. */
#include "image_order.h"
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define ID_DIGITS 16
#define ID_CLOCK_SHIFT 16 /* ids of one millisecond */

int image_order_init(struct image_order *order, struct ecr *ecr, uint64_t last_id,
                     const struct tenant *tenant, struct virga_str name, struct virga_str digest) {
    uint64_t now = (uint64_t)ecr->timer->now_ms(ecr->host) << ID_CLOCK_SHIFT;
    if (name.len > ECR_NAME_MAX || digest.len > ECR_DIGEST_LEN) {
        return -EINVAL;
    }
    *order = (struct image_order){.id = now > last_id ? now : last_id + 1, .tenant = *tenant};
    memcpy(order->name, name.ptr, name.len);
    memcpy(order->digest, digest.ptr, digest.len);
    return 0;
}

static void kind_key(struct record_key *key, const char *kind, const char *id) {
    record_key_start(key, 'v');
    record_key_add(key, virga_str_from("orders"));
    record_key_add(key, virga_str_from(kind));
    record_key_add(key, virga_str_from(id));
}

static void order_key(struct record_key *key, const char *kind, uint64_t id) {
    char text[ID_DIGITS + 1];
    (void)snprintf(text, sizeof text, "%0*" PRIx64, ID_DIGITS, id);
    kind_key(key, kind, text);
}

int image_order_put(struct ecr *ecr, const char *kind, const struct image_order *order) {
    struct record_key key;
    struct record_writer writer = {0};
    order_key(&key, kind, order->id);
    record_put_string(&writer, 'a', order->tenant.account);
    record_put_string(&writer, 'r', order->tenant.region);
    record_put_string(&writer, 'n', order->name);
    record_put_string(&writer, 'd', order->digest);
    record_put_string(&writer, 'x', order->detail);
    int result = writer.failed ? -ENOMEM
                               : ecr->store->put(ecr->host, record_key_str(&key),
                                                 (struct virga_str){writer.ptr, writer.len});
    record_finish(&writer);
    return result;
}

int image_order_delete(struct ecr *ecr, const char *kind, uint64_t id) {
    struct record_key key;
    order_key(&key, kind, id);
    int result = ecr->store->del(ecr->host, record_key_str(&key));
    return result == -ENOENT ? 0 : result;
}

static bool decode(struct virga_str id, struct virga_str record, struct image_order *ret_order) {
    struct image_order order = {0};
    char letter;
    struct virga_str value;
    const struct {
        char letter;
        char *text;
        size_t size;
    } fields[] = {{'a', order.tenant.account, sizeof order.tenant.account},
                  {'r', order.tenant.region, sizeof order.tenant.region},
                  {'n', order.name, sizeof order.name},
                  {'d', order.digest, sizeof order.digest},
                  {'x', order.detail, sizeof order.detail}};
    char digits[ID_DIGITS + 1];
    (void)snprintf(digits, sizeof digits, "%.*s", (int)id.len, id.ptr);
    order.id = strtoull(digits, NULL, 16);
    while (record_next(&record, &letter, &value)) {
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
            if (fields[i].letter == letter && value.len < fields[i].size) {
                memcpy(fields[i].text, value.ptr, value.len);
            }
        }
    }
    *ret_order = order;
    return order.id != 0 && order.name[0] != '\0' && order.digest[0] != '\0';
}

int image_order_each(struct ecr *ecr, const char *kind,
                     int (*on_each)(void *arg, const struct image_order *order), void *arg) {
    struct record_key prefix;
    struct virga_store_cursor *cursor = NULL;
    struct virga_str key, value;
    kind_key(&prefix, kind, "");
    int result =
        ecr->store->scan(ecr->host, record_key_str(&prefix), (struct virga_str){0}, 0, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = ecr->store->next(cursor, &key, &value)) == 1) {
        struct image_order order;
        struct virga_str id = {key.ptr + prefix.len, key.len - prefix.len};
        if (decode(id, value, &order) && (result = on_each(arg, &order)) != 0) {
            break;
        }
    }
    ecr->store->close(cursor);
    return result;
}
