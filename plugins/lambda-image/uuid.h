/* SPDX-License-Identifier: MIT */
/* Random UUIDs (version 4), as request and revision ids are. */
#ifndef LAMBDA_UUID_H
#define LAMBDA_UUID_H

#include "lambda.h"

void uuid_make(char ret_uuid[LAMBDA_ID_LEN + 1]);

#endif
