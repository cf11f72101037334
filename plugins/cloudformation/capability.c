/* SPDX-License-Identifier: MIT */
/* Which capabilities a template takes.
 * Source: CreateStack, Capabilities, in the API reference. */
#include "template.h"

unsigned template_capabilities(struct json_object *root, struct json_object **ret_types) {
    static const struct {
        const char *type;
        const char *name; /* the property that names it; NULL = none does */
    } types[] = {
        {"AWS::IAM::AccessKey", NULL},
        {"AWS::IAM::Group", "GroupName"},
        {"AWS::IAM::InstanceProfile", "InstanceProfileName"},
        {"AWS::IAM::ManagedPolicy", "ManagedPolicyName"},
        {"AWS::IAM::Policy", NULL},
        {"AWS::IAM::Role", "RoleName"},
        {"AWS::IAM::User", "UserName"},
        {"AWS::IAM::UserToGroupAddition", NULL},
    };
    unsigned needs = 0;
    struct json_object *seen = ret_types != NULL ? json_object_new_array() : NULL;
    struct json_object *resources = template_section(root, "Resources");
    if (resources != NULL) {
        json_object_object_foreach(resources, logical, resource) {
            const char *type = value_text(resource, "Type");
            (void)logical;
            for (size_t i = 0; type != NULL && i < sizeof types / sizeof types[0]; i++) {
                if (strcmp(types[i].type, type) != 0) {
                    continue;
                }
                bool named =
                    types[i].name != NULL &&
                    value_member(value_member(resource, "Properties"), types[i].name) != NULL;
                needs |= named ? TEMPLATE_NEEDS_NAMED_IAM : TEMPLATE_NEEDS_IAM;
                bool known = false;
                for (size_t n = 0; n < value_length(seen); n++) {
                    known = known || strcmp(value_scalar(value_element(seen, n)), type) == 0;
                }
                if (seen != NULL && !known) {
                    (void)value_add_text(seen, type);
                }
            }
        }
    }
    if (ret_types != NULL) {
        *ret_types = seen;
    }
    return needs;
}
