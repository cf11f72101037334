/* SPDX-License-Identifier: MIT */
/* Whether a text is a repository policy. Pure. */
#ifndef ECR_POLICY_TEXT_H
#define ECR_POLICY_TEXT_H

#include <stdbool.h>
#include <virga/abi.h>

/* Whether the text is a policy document in shape, as SetRepositoryPolicy asks for. */
bool policy_text_is_policy(struct virga_str text);

#endif
