/* SPDX-License-Identifier: MIT */
/* A template: a parsed document whose structure was checked. What depends on parameters is left to
 * evaluate.h and order.h. */
#ifndef CFN_TEMPLATE_H
#define CFN_TEMPLATE_H

#include "fault.h"
#include "value.h"

/* AWS's quotas. */
#define TEMPLATE_BODY_MAX 51200  /* bytes of a TemplateBody */
#define TEMPLATE_URL_MAX 1048576 /* bytes behind a TemplateURL */
#define TEMPLATE_RESOURCES_MAX 500
#define TEMPLATE_PARAMETERS_MAX 200
#define TEMPLATE_OUTPUTS_MAX 200
#define TEMPLATE_MAPPINGS_MAX 200

/* Says whether a resource type has an attribute: 1 or 0; negative = not known. */
typedef int (*template_has_attribute)(void *arg, const char *type, struct virga_str attribute);

/* Parses and checks a template. has_attribute may be NULL. Owns: the caller, until
 * json_object_put(). Errors: -EINVAL with what AWS says, -ENOMEM. */
int template_parse(struct virga_str text, template_has_attribute has_attribute, void *arg,
                   struct json_object **ret_root, struct fault *fault);

/* A section ("Resources"); NULL when the template has none. */
struct json_object *template_section(struct json_object *root, const char *section);
/* A resource by its logical id; NULL when there is none. */
struct json_object *template_resource(struct json_object *root, const char *logical);

/* Which capabilities the template takes: bits. */
#define TEMPLATE_NEEDS_IAM 0x1u
#define TEMPLATE_NEEDS_NAMED_IAM 0x2u
/* Finds them. `ret_types` gets the types that cause them as an array; the caller puts it; may be
 * NULL. */
unsigned template_capabilities(struct json_object *root, struct json_object **ret_types);

#endif
