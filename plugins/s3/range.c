/* SPDX-License-Identifier: MIT */
/* Ranges, dates and conditions. */
#include "range.h"

#include <errno.h>
#include <strings.h>
#include <time.h>
#include <virga/helpers/time.h>

static bool read_number(const char **at, const char *end, uint64_t *ret) {
    const char *start = *at;
    uint64_t value = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        if (value > (UINT64_MAX - 9) / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(**at - '0');
    }
    *ret = value;
    return *at > start;
}

enum range_result range_parse(struct virga_str header, uint64_t size, uint64_t *ret_offset,
                              uint64_t *ret_length) {
    static const char unit[] = "bytes=";
    uint64_t first = 0, last = 0;
    *ret_offset = 0;
    *ret_length = size;
    if (header.len <= sizeof unit - 1 || strncasecmp(header.ptr, unit, sizeof unit - 1) != 0) {
        return RANGE_WHOLE;
    }
    const char *at = header.ptr + sizeof unit - 1;
    const char *end = header.ptr + header.len;
    bool has_first = read_number(&at, end, &first);
    if (at == end || *at != '-') {
        return RANGE_WHOLE;
    }
    at++;
    bool has_last = read_number(&at, end, &last);
    if (at != end || (!has_first && !has_last) || (has_first && has_last && last < first)) {
        return RANGE_WHOLE;
    }
    if (!has_first) {
        if (last == 0 || size == 0) {
            return RANGE_OUTSIDE;
        }
        *ret_length = last < size ? last : size;
        *ret_offset = size - *ret_length;
        return RANGE_PART;
    }
    if (first >= size) {
        return RANGE_OUTSIDE;
    }
    if (!has_last || last >= size) {
        last = size - 1;
    }
    *ret_offset = first;
    *ret_length = last - first + 1;
    return RANGE_PART;
}

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void http_date_format(int64_t time_ms, char ret_text[HTTP_DATE_SIZE]) {
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year < 0 || tm.tm_year > 8099) {
        memset(&tm, 0, sizeof tm);
    }
    (void)snprintf(ret_text, HTTP_DATE_SIZE, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
                   days + 3 * tm.tm_wday, (unsigned)tm.tm_mday % 100, months + 3 * tm.tm_mon,
                   (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

int http_date_parse(struct virga_str text, int64_t *ret_time_ms) {
    char copy[64], month[4];
    int day, year, hour, minute, second;
    if (text.len >= sizeof copy || text.len == 0) {
        return -EINVAL;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    const char *comma = strchr(copy, ',');
    if (comma == NULL) {
        return virga_time_parse(text, ret_time_ms);
    }
    if (sscanf(comma + 1, "%d %3s %d %d:%d:%d", &day, month, &year, &hour, &minute, &second) != 6) {
        return -EINVAL;
    }
    const char *at = strlen(month) == 3 ? strstr(months, month) : NULL;
    if (at == NULL || (at - months) % 3 != 0 || year < 1970 || year > 9999 || day < 1 || day > 31 ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
        return -EINVAL;
    }
    struct tm tm = {.tm_mday = day,
                    .tm_mon = (int)(at - months) / 3,
                    .tm_year = year - 1900,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_sec = second};
    *ret_time_ms = (int64_t)timegm(&tm) * 1000;
    return 0;
}

/* Whether a list of entity tags has this one, or is "*". */
static bool lists_etag(struct virga_str list, const char *etag) {
    size_t etag_len = strlen(etag);
    const char *at = list.ptr;
    const char *end = list.ptr + list.len;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        while (at < stop && (*at == ' ' || *at == '\t')) {
            at++;
        }
        size_t len = (size_t)(stop - at);
        while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t')) {
            len--;
        }
        if (len > 2 && at[0] == 'W' && at[1] == '/') {
            at += 2;
            len -= 2;
        }
        if (len == 1 && *at == '*') {
            return true;
        }
        if (len >= 2 && at[0] == '"' && at[len - 1] == '"') {
            at++;
            len -= 2;
        }
        if (len == etag_len && memcmp(at, etag, len) == 0) {
            return true;
        }
        at = stop + 1;
    }
    return false;
}

/* Source: S3 API Reference, GetObject: If-Match true overrides If-Unmodified-Since false, and
 * If-None-Match false overrides If-Modified-Since true. */
int conditions_check(const struct conditions *conditions, const char *etag, int64_t modified_ms) {
    int64_t when_ms;
    int64_t modified_s = modified_ms / 1000;
    if (conditions->if_match.ptr != NULL) {
        if (!lists_etag(conditions->if_match, etag)) {
            return 412;
        }
    } else if (conditions->if_unmodified_since.ptr != NULL &&
               http_date_parse(conditions->if_unmodified_since, &when_ms) == 0 &&
               modified_s > when_ms / 1000) {
        return 412;
    }
    if (conditions->if_none_match.ptr != NULL) {
        return lists_etag(conditions->if_none_match, etag) ? 304 : 0;
    }
    if (conditions->if_modified_since.ptr != NULL &&
        http_date_parse(conditions->if_modified_since, &when_ms) == 0 &&
        modified_s <= when_ms / 1000) {
        return 304;
    }
    return 0;
}
