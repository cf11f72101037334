/* SPDX-License-Identifier: MIT */
/* A bucket's settings: from a template's property to the XML of the S3 API. */
#ifndef CFN_TYPES_S3_H
#define CFN_TYPES_S3_H

#include "types.h"

struct s3_setting {
    const char *property;    /* "VersioningConfiguration" */
    const char *subresource; /* "versioning" */
    bool write_absent;       /* it has no DELETE: what is absent is written with value NULL */
    void (*write)(struct json_object *value, struct text *xml);
};

/* Ended by one without a property. */
extern const struct s3_setting s3_settings[];

#endif
