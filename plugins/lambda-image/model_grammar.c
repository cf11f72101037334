/* SPDX-License-Identifier: MIT */
/* The API model's patterns of functions' settings, by hand. Source: the API model. */
#include "model_grammar.h"

#include <virga/helpers/arn.h>

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LETTERS LOWER UPPER
#define WORD LETTERS DIGITS "-_"

/* How many characters from the start on are of the set. */
static size_t span(struct virga_str text, const char *set) {
    size_t len = 0;
    while (len < text.len && text.ptr[len] != '\0' && strchr(set, text.ptr[len]) != NULL) {
        len++;
    }
    return len;
}

static int all(struct virga_str text, const char *set) {
    return text.len > 0 && span(text, set) == text.len;
}

/* Takes a literal off the front. */
static int take(struct virga_str *text, const char *literal) {
    size_t len = strlen(literal);
    if (text->len < len || memcmp(text->ptr, literal, len) != 0) {
        return 0;
    }
    text->ptr += len;
    text->len -= len;
    return 1;
}

/* "aws", "aws-cn" ... */
static int is_partition(struct virga_str text) {
    return take(&text, "aws") && span(text, LETTERS "-") == text.len;
}

static int is_account(struct virga_str text) {
    return text.len == 12 && all(text, DIGITS);
}

int model_is_role(struct virga_str text) {
    struct virga_arn arn;
    return virga_arn_parse(text, &arn) == 0 &&
           (arn.partition.len == 0 || is_partition(arn.partition)) &&
           virga_str_equal(arn.service, virga_str_from("iam")) && arn.region.len == 0 &&
           is_account(arn.account) && take(&arn.resource, "role") &&
           all(arn.resource, LETTERS DIGITS "_+=,.@-/") &&
           !virga_str_equal(arn.resource, virga_str_from("/"));
}

int model_is_handler(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (strchr(" \t\n\v\f\r", text.ptr[i]) != NULL) {
            return 0;
        }
    }
    return text.len > 0;
}

int model_is_arn_or_empty(struct virga_str text) {
    if (text.len == 0) {
        return 1;
    }
    if (!take(&text, "arn:")) {
        return 0;
    }
    const char *colon = memchr(text.ptr, ':', text.len);
    if (colon == NULL) {
        return 0;
    }
    struct virga_str partition = {text.ptr, (size_t)(colon - text.ptr)};
    text = (struct virga_str){colon + 1, text.len - partition.len - 1};
    size_t service = span(text, LOWER DIGITS "-.");
    return (partition.len == 0 || is_partition(partition)) && service > 0 && service < text.len &&
           text.ptr[service] == ':';
}

int model_is_bucket(struct virga_str text) {
    return span(text, WORD ".") == text.len && (text.len == 0 || text.ptr[text.len - 1] != '.');
}

int model_is_variable(struct virga_str text) {
    return text.len >= 2 && span(text, LETTERS) > 0 && all(text, LETTERS DIGITS "_");
}

int model_is_log_group(struct virga_str text) {
    return all(text, WORD "./#");
}

int model_is_mount_path(struct virga_str text) {
    return take(&text, "/mnt/") && all(text, WORD ".");
}

int model_is_file_system(struct virga_str text) {
    struct virga_arn arn;
    if (virga_arn_parse(text, &arn) != 0 || !is_partition(arn.partition)) {
        return 0;
    }
    if (virga_str_equal(arn.service, virga_str_from("elasticfilesystem"))) {
        return is_account(arn.account) && take(&arn.resource, "access-point/fsap-") &&
               arn.resource.len == 17 && all(arn.resource, DIGITS "abcdef");
    }
    if (!virga_str_equal(arn.service, virga_str_from("s3files")) ||
        !take(&arn.resource, "file-system/fs-")) {
        return 0;
    }
    size_t id = span(arn.resource, DIGITS "abcdef");
    struct virga_str rest = {arn.resource.ptr + id, arn.resource.len - id};
    return id >= 17 && id <= 40 && take(&rest, "/access-point/fsap-") && rest.len >= 17 &&
           rest.len <= 40 && all(rest, DIGITS "abcdef");
}

/* arn:<partition>:lambda:<region>:<account>:layer:<rest> */
static int take_layer(struct virga_str *text) {
    struct virga_arn arn;
    if (virga_arn_parse(*text, &arn) != 0 || !all(arn.partition, LETTERS DIGITS "-") ||
        !virga_str_equal(arn.service, virga_str_from("lambda")) ||
        !all(arn.region, LETTERS DIGITS "-") || !is_account(arn.account) ||
        !take(&arn.resource, "layer:")) {
        return 0;
    }
    *text = arn.resource;
    return 1;
}

int model_is_layer_version(struct virga_str text) {
    if (!take_layer(&text)) {
        return 0;
    }
    size_t name = span(text, WORD);
    struct virga_str rest = {text.ptr + name, text.len - name};
    return name > 0 && take(&rest, ":") && all(rest, DIGITS);
}

int model_is_layer(struct virga_str text) {
    (void)take_layer(&text);
    return all(text, WORD);
}

int model_is_published(struct virga_str text) {
    return virga_str_equal(text, virga_str_from("$LATEST.PUBLISHED")) || all(text, DIGITS);
}

int model_is_signing_config(struct virga_str text) {
    struct virga_arn arn;
    return virga_arn_parse(text, &arn) == 0 &&
           (arn.partition.len == 0 || is_partition(arn.partition)) &&
           virga_str_equal(arn.service, virga_str_from("lambda")) &&
           all(arn.region, LOWER DIGITS "-") && is_account(arn.account) &&
           take(&arn.resource, "code-signing-config:csc-") && arn.resource.len == 17 &&
           all(arn.resource, LOWER DIGITS);
}

int model_is_master_region(struct virga_str text) {
    if (virga_str_equal(text, virga_str_from("ALL"))) {
        return 1;
    }
    size_t country = span(text, LOWER);
    struct virga_str rest = {text.ptr + country, text.len - country};
    (void)take(&rest, "-gov");
    if (country != 2 || !take(&rest, "-")) {
        return 0;
    }
    size_t part = span(rest, LOWER);
    rest = (struct virga_str){rest.ptr + part, rest.len - part};
    return part > 0 && take(&rest, "-") && rest.len == 1 && all(rest, DIGITS);
}
