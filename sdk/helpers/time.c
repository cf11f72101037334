/* SPDX-License-Identifier: MIT */
/* ISO 8601 timestamps, counted by hand: timegm() and strftime() differ between C libraries. */
#include <errno.h>
#include <virga/helpers/time.h>

#define MS_PER_DAY INT64_C(86400000)

/* Days since 1970-01-01 of a day of the proleptic Gregorian calendar; years begin in March, so that
 * the leap day is the last. */
static int64_t days_from_date(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month,
                           unsigned *ret_day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *ret_day = (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *ret_month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

void virga_time_format(int64_t time_ms, char ret_text[VIRGA_TIME_SIZE]) {
    int64_t days = time_ms / MS_PER_DAY;
    int64_t rest = time_ms % MS_PER_DAY;
    int64_t year;
    unsigned month, day;
    if (rest < 0) {
        rest += MS_PER_DAY;
        days--;
    }
    date_from_days(days, &year, &month, &day);
    /* Years beyond four digits have no form that clients read. */
    year = year > 9999 ? 9999 : year < -9999 ? -9999 : year;
    unsigned seconds = (unsigned)(rest / 1000);
    unsigned ms = (unsigned)(rest % 1000);
    int len = snprintf(ret_text, VIRGA_TIME_SIZE, "%04d-%02u-%02uT%02u:%02u:%02u", (int)year, month,
                       day, seconds / 3600, seconds / 60 % 60, seconds % 60);
    size_t size = VIRGA_TIME_SIZE - (size_t)len;
    if (ms != 0) {
        (void)snprintf(ret_text + len, size, ".%03uZ", ms);
    } else {
        (void)snprintf(ret_text + len, size, "Z");
    }
}

/* Takes `count` digits off the text. */
static int take_number(struct virga_str *text, size_t count, unsigned *ret_number) {
    unsigned number = 0;
    if (text->len < count) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9') {
            return 0;
        }
        number = number * 10 + (unsigned)(text->ptr[i] - '0');
    }
    text->ptr += count;
    text->len -= count;
    *ret_number = number;
    return 1;
}

static int take_char(struct virga_str *text, char c) {
    if (text->len == 0 || text->ptr[0] != c) {
        return 0;
    }
    text->ptr++;
    text->len--;
    return 1;
}

/* Digits behind the point: the first three count. */
static int take_fraction(struct virga_str *text, unsigned *ret_ms) {
    unsigned digit;
    unsigned weight = 100;
    if (!take_char(text, '.')) {
        return 1;
    }
    if (!take_number(text, 1, &digit)) {
        return 0;
    }
    do {
        *ret_ms += digit * weight;
        weight /= 10;
    } while (take_number(text, 1, &digit));
    return 1;
}

static int take_offset(struct virga_str *text, int64_t *ret_ms) {
    unsigned hours, minutes;
    if (take_char(text, 'Z')) {
        return 1;
    }
    int sign = take_char(text, '+') ? 1 : take_char(text, '-') ? -1 : 0;
    if (sign == 0 || !take_number(text, 2, &hours) || !take_char(text, ':') ||
        !take_number(text, 2, &minutes) || hours > 23 || minutes > 59) {
        return 0;
    }
    *ret_ms = (int64_t)sign * ((int64_t)hours * 60 + minutes) * 60000;
    return 1;
}

int virga_time_parse(struct virga_str text, int64_t *ret_time_ms) {
    unsigned year, month, day, hour, minute, second, ms = 0;
    int64_t offset_ms = 0;
    if (!take_number(&text, 4, &year) || !take_char(&text, '-') || !take_number(&text, 2, &month) ||
        !take_char(&text, '-') || !take_number(&text, 2, &day) || !take_char(&text, 'T') ||
        !take_number(&text, 2, &hour) || !take_char(&text, ':') ||
        !take_number(&text, 2, &minute) || !take_char(&text, ':') ||
        !take_number(&text, 2, &second) || !take_fraction(&text, &ms) ||
        !take_offset(&text, &offset_ms) || text.len != 0) {
        return -EINVAL;
    }
    if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) {
        return -EINVAL;
    }
    int64_t days = days_from_date(year, month, day);
    int64_t back_year;
    unsigned back_month, back_day;
    date_from_days(days, &back_year, &back_month, &back_day);
    if (back_month != month || back_day != day) { /* February 30 */
        return -EINVAL;
    }
    *ret_time_ms =
        days * MS_PER_DAY + ((int64_t)hour * 3600 + minute * 60 + second) * 1000 + ms - offset_ms;
    return 0;
}
