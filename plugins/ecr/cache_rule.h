/* SPDX-License-Identifier: MIT */
/* What the actions on pull-through cache rules have in common. */
#ifndef ECR_CACHE_RULE_H
#define ECR_CACHE_RULE_H

#include "call.h"

/* Which members an answer has besides those that all have, as the model lists them. */
#define CACHE_RULE_URL 0x1u
#define CACHE_RULE_REGISTRY 0x2u
#define CACHE_RULE_CREATED 0x4u
#define CACHE_RULE_UPDATED 0x8u

/* Writes a rule's members into the object at hand. */
void cache_rule_write(const struct call *call, struct json_object *rule, unsigned show,
                      struct virga_json_writer *writer);

/* Reads the rule of this prefix; false: the call has ended. */
bool cache_rule_take(struct call *call, struct virga_str prefix, struct json_object **ret_rule);

#endif
