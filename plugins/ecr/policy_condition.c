/* SPDX-License-Identifier: MIT */
/* The operators of conditions. */
#include "policy_condition.h"

#include "policy_pattern.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

enum family { STRING, NUMERIC, DATE, BOOLEAN, ADDRESS, NULLITY };
enum order { EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL };

struct policy_operator {
    const char *name;
    enum family family;
    bool negated; /* true where the values do not match, and where the key is absent */
    unsigned flags;
    enum order order;
};

#define WILD POLICY_PATTERN_WILDCARDS
#define NO_CASE POLICY_PATTERN_NO_CASE
#define ARN (POLICY_PATTERN_WILDCARDS | POLICY_PATTERN_ARN)

static const struct policy_operator operators[] = {
    {"StringEquals", STRING, false, 0, EQUAL},
    {"StringNotEquals", STRING, true, 0, EQUAL},
    {"StringEqualsIgnoreCase", STRING, false, NO_CASE, EQUAL},
    {"StringNotEqualsIgnoreCase", STRING, true, NO_CASE, EQUAL},
    {"StringLike", STRING, false, WILD, EQUAL},
    {"StringNotLike", STRING, true, WILD, EQUAL},
    /* Both compare with wildcards. */
    {"ArnEquals", STRING, false, ARN, EQUAL},
    {"ArnLike", STRING, false, ARN, EQUAL},
    {"ArnNotEquals", STRING, true, ARN, EQUAL},
    {"ArnNotLike", STRING, true, ARN, EQUAL},
    /* No key of a request is binary; one that is a text compares as it is written. */
    {"BinaryEquals", STRING, false, 0, EQUAL},
    {"Bool", BOOLEAN, false, 0, EQUAL},
    {"NumericEquals", NUMERIC, false, 0, EQUAL},
    {"NumericNotEquals", NUMERIC, true, 0, EQUAL},
    {"NumericLessThan", NUMERIC, false, 0, LESS},
    {"NumericLessThanEquals", NUMERIC, false, 0, LESS_EQUAL},
    {"NumericGreaterThan", NUMERIC, false, 0, GREATER},
    {"NumericGreaterThanEquals", NUMERIC, false, 0, GREATER_EQUAL},
    {"DateEquals", DATE, false, 0, EQUAL},
    {"DateNotEquals", DATE, true, 0, EQUAL},
    {"DateLessThan", DATE, false, 0, LESS},
    {"DateLessThanEquals", DATE, false, 0, LESS_EQUAL},
    {"DateGreaterThan", DATE, false, 0, GREATER},
    {"DateGreaterThanEquals", DATE, false, 0, GREATER_EQUAL},
    {"IpAddress", ADDRESS, false, 0, EQUAL},
    {"NotIpAddress", ADDRESS, true, 0, EQUAL},
    {"Null", NULLITY, false, 0, EQUAL},
};

static bool take_prefix(struct virga_str *text, const char *prefix) {
    size_t len = strlen(prefix);
    if (text->len < len || memcmp(text->ptr, prefix, len) != 0) {
        return false;
    }
    text->ptr += len;
    text->len -= len;
    return true;
}

int policy_condition_read(struct virga_str name, struct policy_condition *ret_condition) {
    static const char suffix[] = "IfExists";
    struct policy_condition condition = {0};
    if (take_prefix(&name, "ForAnyValue:")) {
        condition.set = POLICY_SET_ANY;
    } else if (take_prefix(&name, "ForAllValues:")) {
        condition.set = POLICY_SET_ALL;
    }
    if (name.len >= sizeof suffix - 1 &&
        memcmp(name.ptr + name.len - (sizeof suffix - 1), suffix, sizeof suffix - 1) == 0) {
        condition.if_exists = true;
        name.len -= sizeof suffix - 1;
    }
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (virga_str_equal(name, virga_str_from(operators[i].name))) {
            condition.compare = &operators[i];
            /* Whether a key is there cannot depend on whether it is there. */
            if (operators[i].family == NULLITY &&
                (condition.if_exists || condition.set != POLICY_SET_NONE)) {
                return -EINVAL;
            }
            *ret_condition = condition;
            return 0;
        }
    }
    return -EINVAL;
}

/* --- values --- */

/* A copy of a short text, with its NUL; false: it is too long to be anything but a string. */
static bool copy_short(struct virga_str text, char ret_copy[64]) {
    if (text.len == 0 || text.len >= 64) {
        return false;
    }
    memcpy(ret_copy, text.ptr, text.len);
    ret_copy[text.len] = '\0';
    return strlen(ret_copy) == text.len;
}

static bool read_number(struct virga_str text, double *ret_number) {
    char copy[64];
    char *end = NULL;
    if (!copy_short(text, copy) || copy[strspn(copy, "0123456789+-.eE")] != '\0') {
        return false;
    }
    *ret_number = strtod(copy, &end);
    return *end == '\0' && isfinite(*ret_number);
}

/* ISO 8601, whole days and minutes too, or seconds since 1970; as seconds. */
static bool read_date(struct virga_str text, double *ret_seconds) {
    char copy[64];
    char iso[96];
    int64_t ms = 0;
    if (!copy_short(text, copy)) {
        return false;
    }
    size_t time = strcspn(copy, "Tt");
    if (copy[time] == '\0' && text.len == strlen("2026-01-01") && copy[4] == '-') {
        (void)snprintf(iso, sizeof iso, "%sT00:00:00Z", copy);
    } else if (text.len > time + 6 && copy[time + 3] == ':' && copy[time + 6] != ':') {
        (void)snprintf(iso, sizeof iso, "%.*s:00%s", (int)time + 6, copy, copy + time + 6);
    } else {
        (void)snprintf(iso, sizeof iso, "%s", copy);
    }
    if (virga_time_parse(virga_str_from(iso), &ms) == 0) {
        *ret_seconds = (double)ms / 1000;
        return true;
    }
    return read_number(text, ret_seconds);
}

struct network {
    int family;
    unsigned char bytes[16];
    unsigned bits;
};

/* "203.0.113.0/24", "2001:db8::/32", or one address. */
static bool read_network(struct virga_str text, struct network *ret_network) {
    char copy[64];
    char *end = NULL;
    if (!copy_short(text, copy)) {
        return false;
    }
    char *slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    ret_network->family = strchr(copy, ':') != NULL ? AF_INET6 : AF_INET;
    unsigned most = ret_network->family == AF_INET6 ? 128 : 32;
    if (inet_pton(ret_network->family, copy, ret_network->bytes) != 1) {
        return false;
    }
    ret_network->bits = most;
    if (slash != NULL) {
        unsigned long bits = strtoul(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > most) {
            return false;
        }
        ret_network->bits = (unsigned)bits;
    }
    return true;
}

static bool read_bool(struct virga_str text, bool *ret_value) {
    *ret_value = text.len == 4 && strncasecmp(text.ptr, "true", 4) == 0;
    return *ret_value || (text.len == 5 && strncasecmp(text.ptr, "false", 5) == 0);
}

bool policy_condition_takes(const struct policy_condition *condition, struct virga_str value) {
    double number;
    bool truth;
    struct network network;
    switch (condition->compare->family) {
    case STRING:
        return true;
    case NUMERIC:
        return read_number(value, &number);
    case DATE:
        return read_date(value, &number);
    case BOOLEAN:
    case NULLITY:
        return read_bool(value, &truth);
    case ADDRESS:
        return read_network(value, &network);
    }
    return false;
}

/* --- comparing --- */

static bool in_order(enum order order, double have, double wanted) {
    switch (order) {
    case EQUAL:
        return have >= wanted && have <= wanted;
    case LESS:
        return have < wanted;
    case LESS_EQUAL:
        return have <= wanted;
    case GREATER:
        return have > wanted;
    case GREATER_EQUAL:
        return have >= wanted;
    }
    return false;
}

static bool in_network(const struct network *address, const struct network *network) {
    if (address->family != network->family) {
        return false;
    }
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    unsigned mask = 0xffu << (8 - rest) & 0xffu;
    return memcmp(address->bytes, network->bytes, whole) == 0 &&
           (rest == 0 || ((address->bytes[whole] ^ network->bytes[whole]) & mask) == 0);
}

/* Whether one value of the request is what one value of the policy says, negation left aside.
 * Returns 1 or 0; errors: -ENOMEM. */
static int matches_one(const struct policy_operator *compare, bool variables,
                       const struct policy_context *context, struct virga_str have,
                       struct virga_str wanted) {
    double a, b;
    bool x, y;
    struct network address, network;
    switch (compare->family) {
    case STRING:
        return policy_pattern_matches(
            wanted, compare->flags | (variables ? POLICY_PATTERN_VARIABLES : 0), context, have);
    case NUMERIC:
        return read_number(have, &a) && read_number(wanted, &b) && in_order(compare->order, a, b);
    case DATE:
        return read_date(have, &a) && read_date(wanted, &b) && in_order(compare->order, a, b);
    case BOOLEAN:
    case NULLITY:
        return read_bool(have, &x) && read_bool(wanted, &y) && x == y;
    case ADDRESS:
        return read_network(have, &address) && read_network(wanted, &network) &&
               in_network(&address, &network);
    }
    return 0;
}

/* Whether one value of the request is what any value of the policy says; where the operator is
 * negated: what none says. */
static int matches(const struct policy_condition *condition, bool variables,
                   const struct policy_context *context, struct virga_str have) {
    for (size_t i = 0; i < condition->values.count; i++) {
        int result =
            matches_one(condition->compare, variables, context, have, condition->values.items[i]);
        if (result != 0) {
            return result < 0 ? result : !condition->compare->negated;
        }
    }
    return condition->compare->negated;
}

static bool nullity_holds(const struct policy_condition *condition, bool present) {
    for (size_t i = 0; i < condition->values.count; i++) {
        bool absent = false;
        (void)read_bool(condition->values.items[i], &absent);
        if (absent != present) {
            return true;
        }
    }
    return false;
}

int policy_condition_holds(const struct policy_condition *condition, bool variables,
                           const struct policy_context *context) {
    const struct virga_str *values = NULL;
    size_t count = 0;
    bool present = policy_context_find(context, condition->key, &values, &count) && count > 0;
    bool negated = condition->compare->negated;
    if (condition->compare->family == NULLITY) {
        return nullity_holds(condition, present);
    }
    if (!present) {
        /* All of no values match, any of no values does not; without a set it is the operator that
         * says whether what is not there is what was asked for. */
        return condition->if_exists || condition->set == POLICY_SET_ALL ||
               (condition->set == POLICY_SET_NONE && negated);
    }
    /* Without a set: one of the values, and of a negated operator all of them. */
    bool all = condition->set == POLICY_SET_ALL || (condition->set == POLICY_SET_NONE && negated);
    for (size_t i = 0; i < count; i++) {
        int result = matches(condition, variables, context, values[i]);
        if (result < 0 || (result == 1) != all) {
            return result;
        }
    }
    return all;
}
