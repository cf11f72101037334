/* SPDX-License-Identifier: MIT */
/* Rewrites a Java expression as a POSIX one: classes such as \d, escapes inside brackets, groups
 * that are not captured. */
#include "pattern.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>

/* Why: regcomp() unrolls {n,m}, so that a few of them inside each other take all memory. */
#define REPETITIONS_MAX 20000
/* One character becomes at most so many: "\w" in brackets is "[:alnum:]_". */
#define GROWTH 12

struct rewrite {
    const char *from;
    char *to;
    int in_brackets;
    unsigned long repetitions; /* of all {n,m}, multiplied */
    int bad;
};

static void put(struct rewrite *rewrite, const char *text) {
    size_t len = strlen(text);
    memcpy(rewrite->to, text, len);
    rewrite->to += len;
}

static void put_char(struct rewrite *rewrite, char c) {
    *rewrite->to++ = c;
}

/* An escape outside of brackets. */
static void escape_outside(struct rewrite *rewrite, char c) {
    switch (c) {
    case 'd':
        put(rewrite, "[0-9]");
        break;
    case 'D':
        put(rewrite, "[^0-9]");
        break;
    case 'w':
        put(rewrite, "[[:alnum:]_]");
        break;
    case 'W':
        put(rewrite, "[^[:alnum:]_]");
        break;
    case 's':
        put(rewrite, "[[:space:]]");
        break;
    case 'S':
        put(rewrite, "[^[:space:]]");
        break;
    case 'n':
        put_char(rewrite, '\n');
        break;
    case 't':
        put_char(rewrite, '\t');
        break;
    default:
        if (isalnum((unsigned char)c) || c == '\0') {
            rewrite->bad = 1;
            return;
        }
        if (strchr(".[]()*+?{}|^$\\", c) != NULL) {
            put_char(rewrite, '\\');
        }
        put_char(rewrite, c);
        break;
    }
}

/* An escape in brackets, where POSIX has none. */
static void escape_inside(struct rewrite *rewrite, char c) {
    switch (c) {
    case 'd':
        put(rewrite, "0-9");
        break;
    case 'w':
        put(rewrite, "[:alnum:]_");
        break;
    case 's':
        put(rewrite, "[:space:]");
        break;
    case 'n':
        put_char(rewrite, '\n');
        break;
    case 't':
        put_char(rewrite, '\t');
        break;
    case ']':
    case '[':
    case '-':
    case '^':
        put(rewrite, "[.");
        put_char(rewrite, c);
        put(rewrite, ".]");
        break;
    default:
        if (isalnum((unsigned char)c) || c == '\0') {
            rewrite->bad = 1;
            return;
        }
        put_char(rewrite, c);
        break;
    }
}

/* Multiplies by the greater number of "{n,m}". */
static void count_repetitions(struct rewrite *rewrite) {
    char *end;
    unsigned long most = strtoul(rewrite->from + 1, &end, 10);
    if (*end == ',') {
        unsigned long last = strtoul(end + 1, &end, 10);
        most = last > most ? last : most;
    }
    most = most > 0 ? most : 1;
    rewrite->repetitions *= most < REPETITIONS_MAX ? most : REPETITIONS_MAX;
    rewrite->bad |= rewrite->repetitions > REPETITIONS_MAX;
}

static void outside(struct rewrite *rewrite, char c) {
    if (c == '[') {
        rewrite->in_brackets = 1;
        put_char(rewrite, c);
        if (rewrite->from[1] == '^') {
            put_char(rewrite, *++rewrite->from);
        }
    } else if (c == '(' && rewrite->from[1] == '?') {
        rewrite->bad |= rewrite->from[2] != ':';
        put_char(rewrite, c);
        rewrite->from += rewrite->bad ? 0 : 2;
    } else {
        if (c == '{') {
            count_repetitions(rewrite);
        }
        /* A second quantifier makes the first lazy or possessive. */
        rewrite->bad |= strchr("*+?}", c) != NULL && strchr("*+?", rewrite->from[1]) != NULL &&
                        rewrite->from[1] != '\0';
        put_char(rewrite, c);
    }
}

static void rewrite_all(struct rewrite *rewrite) {
    for (; *rewrite->from != '\0' && !rewrite->bad; rewrite->from++) {
        char c = *rewrite->from;
        if (c == '\\') {
            c = *++rewrite->from;
            if (c == '\0') {
                rewrite->bad = 1;
                return;
            }
            if (rewrite->in_brackets) {
                escape_inside(rewrite, c);
            } else {
                escape_outside(rewrite, c);
            }
        } else if (rewrite->in_brackets) {
            rewrite->in_brackets = c != ']';
            put_char(rewrite, c);
        } else {
            outside(rewrite, c);
        }
    }
}

int pattern_matches(const char *pattern, const char *value) {
    char *posix = malloc(strlen(pattern) * GROWTH + sizeof "^()$");
    if (posix == NULL) {
        return -ENOMEM;
    }
    struct rewrite rewrite = {.from = pattern, .to = posix, .repetitions = 1};
    put(&rewrite, "^(");
    rewrite_all(&rewrite);
    put(&rewrite, ")$");
    *rewrite.to = '\0';
    regex_t regex;
    int failed = rewrite.bad ? REG_BADPAT : regcomp(&regex, posix, REG_EXTENDED | REG_NOSUB);
    free(posix);
    if (failed != 0) {
        return failed == REG_ESPACE ? -ENOMEM : -EINVAL;
    }
    failed = regexec(&regex, value, 0, NULL, 0);
    regfree(&regex);
    return failed == 0;
}
