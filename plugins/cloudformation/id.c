/* SPDX-License-Identifier: MIT */
/* Names and ids. */
#include "id.h"

#include <ctype.h>
#include <sys/random.h>
#include <virga/helpers/arn.h>

#define RANDOM_LEN 12

static void fill(unsigned char *bytes, size_t len) {
    /* Below 256 bytes getrandom() gives all of them, once the system is up. */
    if (getrandom(bytes, len, 0) != (ssize_t)len) {
        memset(bytes, 0, len);
    }
}

void id_uuid(char ret_uuid[CFN_UUID_SIZE]) {
    unsigned char b[16];
    fill(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    (void)snprintf(ret_uuid, CFN_UUID_SIZE,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                   b[14], b[15]);
}

void id_random(const char *alphabet, char *ret_text, size_t len) {
    size_t letters = strlen(alphabet);
    for (size_t i = 0; i < len; i++) {
        unsigned char byte;
        fill(&byte, 1);
        ret_text[i] = alphabet[byte % letters];
    }
    ret_text[len] = '\0';
}

void id_arn(const char *region, const char *account, const char *kind, const char *name,
            const char *uuid, char ret_arn[CFN_ARN_SIZE]) {
    (void)snprintf(ret_arn, CFN_ARN_SIZE, "arn:%s:cloudformation:%s:%s:%s/%s/%s",
                   virga_arn_partition(virga_str_from(region)), region, account, kind, name, uuid);
}

void id_physical(const struct id_rule *rule, const char *stack_name, const char *logical,
                 char *ret_name, size_t size) {
    char random[RANDOM_LEN + 1];
    const char *separator = rule->separator != NULL ? rule->separator : "-";
    size_t room = rule->max - RANDOM_LEN - 2 * strlen(separator);
    size_t stack_len = strlen(stack_name);
    size_t logical_len = strlen(logical);
    if (stack_len + logical_len > room) {
        size_t least = room / 2;
        logical_len = stack_len < least     ? room - stack_len
                      : logical_len < least ? logical_len
                                            : least;
        stack_len = room - logical_len < stack_len ? room - logical_len : stack_len;
    }
    id_random(rule->lower ? "abcdefghijklmnopqrstuvwxyz0123456789"
                          : "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
              random, RANDOM_LEN);
    (void)snprintf(ret_name, size, "%.*s%s%.*s%s%s", (int)stack_len, stack_name, separator,
                   (int)logical_len, logical, separator, random);
    for (char *c = ret_name; rule->lower && *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
}
