/* SPDX-License-Identifier: MIT */
/* The kinds of entity and what differs between them: names on the wire and in texts, ids, quotas.
 */
#ifndef IAM_KIND_H
#define IAM_KIND_H

#include "iam.h"

/* An id with its NUL: four letters and 17 characters. Source: IAM User Guide, "IAM identifiers". */
#define ID_SIZE 22
/* An ARN with its NUL: a path of 512, a name of 255 and what stands before them. */
#define ARN_SIZE 900

struct kind {
    char letter;             /* in the store's keys */
    const char *noun;        /* in texts */
    const char *element;     /* in answers: <Role>, <RoleName>, <RoleId> */
    const char *name_member; /* of inputs and answers; of some it is an ARN */
    const char *id_member;   /* of answers; NULL: it has no id */
    const char *id_prefix;
    const char *arn_type; /* "role" of "role/path/name" */
    /* Quotas of what holds policies; 0 and NULL of what does not. Source: IAM User Guide, "IAM and
     * AWS STS quotas". */
    size_t inline_max;
    size_t attached_max;
    const char *attached_quota;
};

extern const struct kind kind_role;
extern const struct kind kind_user;
extern const struct kind kind_group;
extern const struct kind kind_profile;
extern const struct kind kind_policy;
extern const struct kind kind_oidc;
extern const struct kind kind_saml;

/* Makes a new id: its prefix and 80 bits of chance. Errors: -EIO no random numbers. */
int kind_make_id(const char *prefix, char ret_id[ID_SIZE]);

/* Writes an entity's ARN in the account and partition of the call. */
void kind_make_arn(const struct call *call, const struct kind *kind, const char *path,
                   const char *name, char ret_arn[ARN_SIZE]);

/* Answers that there is no such entity, or that there is one already. Gives the request back. */
void kind_fail_missing(struct call *call, const struct kind *kind, const char *name);
void kind_fail_exists(struct call *call, const struct kind *kind, const char *name);

#endif
