/* SPDX-License-Identifier: MIT */
/* Policy documents: whether their text is one, by the grammar of the IAM User Guide ("Grammar of
 * the IAM JSON policy language"). Nothing is decided by them here. */
#ifndef IAM_DOCUMENT_H
#define IAM_DOCUMENT_H

#include "iam.h"

enum document_use {
    DOCUMENT_MANAGED, /* must say Version 2012-10-17 */
    DOCUMENT_INLINE,
    DOCUMENT_TRUST /* who may assume a role: has principals and no resources */
};

/* Checks a document. Returns 0, or has answered the call with MalformedPolicyDocument. */
int document_check(struct call *call, enum document_use use, struct virga_str text);

/* The size that counts for quotas: without white space. */
size_t document_size(struct virga_str text);

#endif
