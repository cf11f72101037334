/* SPDX-License-Identifier: MIT */
/* From a template's text to its value: JSON or YAML. */
#ifndef CFN_DOCUMENT_H
#define CFN_DOCUMENT_H

#include "fault.h"
#include "value.h"

/* The most values of a YAML document, those that aliases repeat included. */
#define DOCUMENT_VALUES_MAX 200000
/* The most anchors of a YAML document. */
#define DOCUMENT_ANCHORS_MAX 1000

/* Parses a template's text: JSON when it begins with a brace, else YAML. Owns: the caller, until
 * json_object_put(). Errors: -EINVAL with what AWS says, -ENOMEM. */
int document_parse(struct virga_str text, struct json_object **ret_root, struct fault *fault);

/* The same for YAML, its short forms of functions (!Ref, !GetAtt, !Sub ...) made long. */
int document_parse_yaml(struct virga_str text, struct json_object **ret_root, struct fault *fault);

#endif
