/* SPDX-License-Identifier: MIT */
/* Amazon Resource Names: arn:partition:service:region:account:resource.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html */
#ifndef VIRGA_HELPERS_ARN_H
#define VIRGA_HELPERS_ARN_H

#include "../abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The parts of an ARN. Valid: as long as the text that was parsed. */
struct virga_arn {
    struct virga_str partition;
    struct virga_str service;
    struct virga_str region;  /* may be empty */
    struct virga_str account; /* may be empty */
    struct virga_str resource;
};

/* Cuts an ARN into its parts. Errors: -EINVAL it is none. */
int virga_arn_parse(struct virga_str text, struct virga_arn *ret_arn);
/* Writes an ARN, cut at `size`, and returns the length that it has in full. */
size_t virga_arn_format(const struct virga_arn *arn, char *buffer, size_t size);
/* The partition that a region belongs to: "aws", "aws-cn", "aws-us-gov", ... */
const char *virga_arn_partition(struct virga_str region);

#ifdef __cplusplus
}
#endif
#endif
