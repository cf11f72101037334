/* SPDX-License-Identifier: MIT */
/* Names of parameters: what a new one may be called, and how an existing one is referred to. */
#ifndef SSM_NAMES_H
#define SSM_NAMES_H

#include "ssm.h"

/* Of a name together with the ARN before it. */
#define NAME_ARN_MAX 1011
#define NAME_LEVELS_MAX 15
#define NAME_ARN_SIZE (NAME_ARN_MAX + 1)

/* Checks the name of a parameter to be written; 0, or it has answered the call with the error. */
int name_check(struct call *call, struct virga_str name);

/* Checks a path to search below; 0, or it has answered the call with the error. */
int name_check_path(struct call *call, struct virga_str path);

/* A reference: "name", "name:3", "name:label", or an ARN in the place of the name. */
struct name_reference {
    struct virga_str name; /* len 0: of another account or region, or no name: nothing is there */
    struct virga_str selector; /* "3"; ptr NULL when there is none */
};

/* Takes a reference apart. Valid: as long as the text and the request. Errors: -ENOMEM. */
int name_refer(const struct call *call, struct virga_str text, struct name_reference *ret);

/* Writes the ARN of a parameter; returns its length in full. */
size_t name_arn(const struct call *call, struct virga_str name, char arn[NAME_ARN_SIZE]);

#endif
