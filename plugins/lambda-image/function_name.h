/* SPDX-License-Identifier: MIT */
/* Names of functions as the API takes them: "f", "f:q", "<account>:function:f", full ARNs, each
 * with or without a qualifier. Pure functions. */
#ifndef LAMBDA_FUNCTION_NAME_H
#define LAMBDA_FUNCTION_NAME_H

#include "lambda.h"

struct function_name {
    char region[LAMBDA_REGION_MAX + 1];   /* of an ARN, else "" */
    char account[LAMBDA_ACCOUNT_LEN + 1]; /* of an ARN or partial ARN, else "" */
    char name[LAMBDA_ARN_MAX];      /* may be longer than LAMBDA_NAME_MAX: then nobody has it */
    char qualifier[LAMBDA_ARN_MAX]; /* behind the name or as Qualifier; "" = none; may be longer
                                       than LAMBDA_QUALIFIER_MAX too */
    bool is_arn;                    /* a full ARN was given */
};

/* Takes `text` apart. Errors: -EINVAL it does not match FUNCTION_NAME_PATTERN, -EMSGSIZE it is
 * longer than every operation takes (256). */
int function_name_parse(struct virga_str text, struct function_name *ret_name);

/* What messages quote for Get, Invoke, Delete and others. Source: AWS-recorded answers. */
#define FUNCTION_NAME_PATTERN                                                                      \
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?("   \
    "\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
/* The same for CreateFunction. */
#define FUNCTION_NAME_CREATE_PATTERN                                                               \
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?("   \
    "\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?"
#define FUNCTION_QUALIFIER_PATTERN "\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
/* Whether a qualifier matches it. */
bool function_qualifier_matches(struct virga_str qualifier);

#endif
