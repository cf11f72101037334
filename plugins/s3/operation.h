/* SPDX-License-Identifier: MIT */
/* Which operation a request is: by its method, whether it names a bucket and a key, and by
 * parameters and headers. Source: the S3 API model's URIs. */
#ifndef S3_OPERATION_H
#define S3_OPERATION_H

#include "call.h"

struct operation {
    const char *name;
    const char *method;
    int level;         /* 0 the service, 1 a bucket, 2 an object */
    const char *param; /* must be in the query; NULL: no matter */
    const char *header;
    void (*run)(struct call *call);
};

/* NULL: there is no such operation. */
const struct operation *operation_find(const struct call *call);

#endif
