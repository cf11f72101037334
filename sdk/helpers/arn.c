/* SPDX-License-Identifier: MIT */
/* Amazon Resource Names. */
#include <errno.h>
#include <virga/helpers/arn.h>

int virga_arn_parse(struct virga_str text, struct virga_arn *ret_arn) {
    struct virga_str parts[5];
    const char *at = text.ptr, *end = text.ptr + text.len;
    if (text.len < 4 || memcmp(at, "arn:", 4) != 0) {
        return -EINVAL;
    }
    at += 4;
    for (size_t i = 0; i < 4; i++) {
        const char *colon = memchr(at, ':', (size_t)(end - at));
        if (colon == NULL) {
            return -EINVAL;
        }
        parts[i] = (struct virga_str){at, (size_t)(colon - at)};
        at = colon + 1;
    }
    parts[4] = (struct virga_str){at, (size_t)(end - at)};
    if (parts[0].len == 0 || parts[1].len == 0 || parts[4].len == 0) {
        return -EINVAL;
    }
    *ret_arn = (struct virga_arn){parts[0], parts[1], parts[2], parts[3], parts[4]};
    return 0;
}

size_t virga_arn_format(const struct virga_arn *arn, char *buffer, size_t size) {
    int len = snprintf(buffer, size, "arn:%.*s:%.*s:%.*s:%.*s:%.*s", (int)arn->partition.len,
                       arn->partition.ptr, (int)arn->service.len, arn->service.ptr,
                       (int)arn->region.len, arn->region.ptr, (int)arn->account.len,
                       arn->account.ptr, (int)arn->resource.len, arn->resource.ptr);
    return len > 0 ? (size_t)len : 0;
}

const char *virga_arn_partition(struct virga_str region) {
    static const struct {
        const char *prefix;
        const char *partition;
    } table[] = {
        {"cn-", "aws-cn"},         {"us-gov-", "aws-us-gov"}, {"us-iso-", "aws-iso"},
        {"us-isob-", "aws-iso-b"}, {"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"},
        {"eusc-", "aws-eusc"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t len = strlen(table[i].prefix);
        if (region.len >= len && memcmp(region.ptr, table[i].prefix, len) == 0) {
            return table[i].partition;
        }
    }
    return "aws";
}
