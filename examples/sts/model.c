/* SPDX-License-Identifier: MIT */
/* The API model's facts about the inputs. Patterns with \w or \p{..} are no POSIX expressions, so
 * they are tried by functions. */
#include "model.h"

#include <ctype.h>

#define MEMBER(wire, in_messages, member_shape)                                                    \
    { .name = (wire), .shape = &(member_shape), .shown = (in_messages) }
#define REQUIRED(wire, in_messages, member_shape)                                                  \
    { .name = (wire), .shape = &(member_shape), .required = 1, .shown = (in_messages) }
#define END                                                                                        \
    { .name = NULL }

static int all_word_or(struct virga_str text, const char *others) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!(isascii(c) && isalnum(c)) && c != '_' && strchr(others, c) == NULL) {
            return 0;
        }
    }
    return 1;
}

static int is_word(struct virga_str text) {
    return all_word_or(text, "");
}

static int is_name(struct virga_str text) {
    return all_word_or(text, "+=,.@-");
}

static int is_external_id(struct virga_str text) {
    return all_word_or(text, "+=,.@:/-");
}

static int is_serial_number(struct virga_str text) {
    return all_word_or(text, "+=/:,.@-");
}

static int is_token_code(struct virga_str text) {
    return strspn(text.ptr, "0123456789") == text.len;
}

/* Tab, line feed, carriage return, and from the space up: as many control characters as XML takes.
 */
static int is_printable(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == 0x7f || (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) {
            return 0;
        }
    }
    return text.len > 0;
}

/* Latin-1: in UTF-8 that is one byte, or two that begin with C2 or C3. */
static int is_policy(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0xc4) {
            return 0;
        }
    }
    return is_printable(text);
}

/* Letters, separators and numbers of any script: beyond ASCII everything is let through. */
static int is_tag(struct virga_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (isascii(c) && !isalnum(c) && strchr(" _.:/=+-@", c) == NULL) {
            return 0;
        }
    }
    return 1;
}

#define NAME_PATTERN "[\\w+=,.@-]*"

static const struct virga_model_shape arn = {
    .type = VIRGA_MODEL_STRING,
    .min = 20,
    .max = 2048,
    .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u10000-"
               "\\u10FFFF]+",
    .matches = is_printable,
};
static const struct virga_model_shape session_name = {
    .type = VIRGA_MODEL_STRING, .min = 2, .max = 64, .pattern = NAME_PATTERN, .matches = is_name};
static const struct virga_model_shape user_name = {
    .type = VIRGA_MODEL_STRING, .min = 2, .max = 32, .pattern = NAME_PATTERN, .matches = is_name};
static const struct virga_model_shape policy = {
    .type = VIRGA_MODEL_STRING,
    .min = 1,
    .max = 2048,
    .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
    .matches = is_policy,
};
static const struct virga_model_shape policy_of_any_length = {
    .type = VIRGA_MODEL_STRING,
    .min = 1,
    .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
    .matches = is_policy,
};
static const struct virga_model_shape role_duration = {
    .type = VIRGA_MODEL_INTEGER, .min = 900, .max = 43200};
static const struct virga_model_shape session_duration = {
    .type = VIRGA_MODEL_INTEGER, .min = 900, .max = 129600};
static const struct virga_model_shape external_id = {
    .type = VIRGA_MODEL_STRING,
    .min = 2,
    .max = 1224,
    .pattern = "[\\w+=,.@:\\/-]*",
    .matches = is_external_id,
};
static const struct virga_model_shape serial_number = {
    .type = VIRGA_MODEL_STRING,
    .min = 9,
    .max = 256,
    .pattern = "[\\w+=/:,.@-]*",
    .matches = is_serial_number,
};
static const struct virga_model_shape token_code = {
    .type = VIRGA_MODEL_STRING, .min = 6, .max = 6, .pattern = "[\\d]*", .matches = is_token_code};
static const struct virga_model_shape access_key_id = {
    .type = VIRGA_MODEL_STRING, .min = 16, .max = 128, .pattern = "[\\w]*", .matches = is_word};
static const struct virga_model_shape web_identity_token = {
    .type = VIRGA_MODEL_STRING, .min = 4, .max = 20000};
static const struct virga_model_shape encoded_message = {
    .type = VIRGA_MODEL_STRING, .min = 1, .max = 10240};
static const struct virga_model_shape url = {.type = VIRGA_MODEL_STRING, .min = 4, .max = 2048};
static const struct virga_model_shape context_assertion = {
    .type = VIRGA_MODEL_STRING, .min = 4, .max = 2048};

static const struct virga_model_shape tag_key = {
    .type = VIRGA_MODEL_STRING,
    .min = 1,
    .max = 128,
    .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+",
    .matches = is_tag,
};
static const struct virga_model_shape tag_value = {
    .type = VIRGA_MODEL_STRING,
    .max = 256,
    .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*",
    .matches = is_tag,
};
static const struct virga_model_member tag_members[] = {REQUIRED("Key", "key", tag_key),
                                                        REQUIRED("Value", "value", tag_value), END};
static const struct virga_model_shape tag = {.type = VIRGA_MODEL_STRUCTURE, .members = tag_members};
static const struct virga_model_shape tags = {.type = VIRGA_MODEL_LIST, .max = 50, .element = &tag};
static const struct virga_model_shape tag_keys = {
    .type = VIRGA_MODEL_LIST, .max = 50, .element = &tag_key};

static const struct virga_model_member policy_arn_members[] = {MEMBER("arn", "arn", arn), END};
static const struct virga_model_shape policy_arn = {.type = VIRGA_MODEL_STRUCTURE,
                                                    .members = policy_arn_members};
/* The bound is not in the model, but in its documentation. */
static const struct virga_model_shape policy_arns = {
    .type = VIRGA_MODEL_LIST, .max = 10, .element = &policy_arn};

static const struct virga_model_member context_members[] = {
    MEMBER("ProviderArn", "providerArn", arn),
    MEMBER("ContextAssertion", "contextAssertion", context_assertion),
    END,
};
static const struct virga_model_shape context = {.type = VIRGA_MODEL_STRUCTURE,
                                                 .members = context_members};
static const struct virga_model_shape contexts = {
    .type = VIRGA_MODEL_LIST, .min = 1, .max = 5, .element = &context};

#define INPUT(name, ...)                                                                           \
    static const struct virga_model_member name##_members[] = {__VA_ARGS__, END};                  \
    const struct virga_model_shape model_##name = {.type = VIRGA_MODEL_STRUCTURE,                  \
                                                   .members = name##_members}

INPUT(assume_role, REQUIRED("RoleArn", "roleArn", arn),
      REQUIRED("RoleSessionName", "roleSessionName", session_name),
      MEMBER("PolicyArns", "policyArns", policy_arns),
      MEMBER("Policy", "policy", policy_of_any_length),
      MEMBER("DurationSeconds", "durationSeconds", role_duration), MEMBER("Tags", "tags", tags),
      MEMBER("TransitiveTagKeys", "transitiveTagKeys", tag_keys),
      MEMBER("ExternalId", "externalId", external_id),
      MEMBER("SerialNumber", "serialNumber", serial_number),
      MEMBER("TokenCode", "tokenCode", token_code),
      MEMBER("SourceIdentity", "sourceIdentity", session_name),
      MEMBER("ProvidedContexts", "providedContexts", contexts));

INPUT(assume_role_with_web_identity, REQUIRED("RoleArn", "roleArn", arn),
      REQUIRED("RoleSessionName", "roleSessionName", session_name),
      REQUIRED("WebIdentityToken", "webIdentityToken", web_identity_token),
      MEMBER("ProviderId", "providerId", url), MEMBER("PolicyArns", "policyArns", policy_arns),
      MEMBER("Policy", "policy", policy),
      MEMBER("DurationSeconds", "durationSeconds", role_duration));

INPUT(decode_authorization_message, REQUIRED("EncodedMessage", "encodedMessage", encoded_message));

INPUT(get_access_key_info, REQUIRED("AccessKeyId", "accessKeyId", access_key_id));

INPUT(get_federation_token, REQUIRED("Name", "name", user_name), MEMBER("Policy", "policy", policy),
      MEMBER("PolicyArns", "policyArns", policy_arns),
      MEMBER("DurationSeconds", "durationSeconds", session_duration), MEMBER("Tags", "tags", tags));

INPUT(get_session_token, MEMBER("DurationSeconds", "durationSeconds", session_duration),
      MEMBER("SerialNumber", "serialNumber", serial_number),
      MEMBER("TokenCode", "tokenCode", token_code));

static const struct virga_model_member no_members[] = {END};
const struct virga_model_shape model_get_caller_identity = {.type = VIRGA_MODEL_STRUCTURE,
                                                            .members = no_members};
