/* SPDX-License-Identifier: MIT */
/* The AWS Query protocol (STS, IAM, CloudFormation, SNS ...): parameters in, XML out.
 * The input of an operation becomes the same JSON object that a JSON protocol would have brought,
 * so that virga_model_check() and the accessors of awsjson.h serve both. Source:
 * https://smithy.io/2.0/aws/protocols/aws-query-protocol.html */
#ifndef VIRGA_HELPERS_QUERY_H
#define VIRGA_HELPERS_QUERY_H

#include "../http.h"
#include "model.h"
#include "xml_writer.h"
#include <json-c/json.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most parameters of a request; more is malformed. The body's size is capped by the route. */
#define VIRGA_QUERY_PARAMETERS_MAX 4096
/* How deep a parameter may be nested, and how long its name may be; what lies beyond counts as
 * absent.
 */
#define VIRGA_QUERY_DEPTH 16
#define VIRGA_QUERY_NAME_MAX 512
/* The longest error message; what is longer is cut. */
#define VIRGA_QUERY_MESSAGE_MAX 4096

/* One parameter, decoded. */
struct virga_query_parameter {
    struct virga_str name; /* "Tags.member.1.Key" */
    struct virga_str value;
};

/* A request's parameters. Valid: as long as the request. */
struct virga_query {
    const struct virga_query_parameter *parameters; /* in the order of their names' bytes */
    size_t count;
};

/* Reads the parameters of the URL and of a form body; of two with one name the first counts.
 * Errors: -EBADMSG a malformed escape or text that is not UTF-8, -E2BIG too many, -ENOMEM. */
int virga_query_parse(struct virga_request *req, struct virga_query *ret_query);

/* The parameter called `name`; ptr NULL when it is absent. */
struct virga_str virga_query_str(const struct virga_query *query, const char *name);

/* Makes the JSON object of a structure shape. Lists are "Name.member.1" or flattened "Name.1",
 * numbered without gaps ("Name=" is an empty one); maps "Name.entry.1.key" and ".value", or
 * flattened. Text that is no number where one is wanted stays text, which virga_model_check()
 * reports as VIRGA_MODEL_FAULT_TYPE; timestamps become seconds. Owns: the caller, until
 * json_object_put(). Errors: -ENOMEM. */
int virga_query_object(const struct virga_query *query, const struct virga_model_shape *shape,
                       struct json_object **ret_object);

/* Begins the answer of an action: <ActionResponse xmlns="..."><ActionResult>. What is written next
 * are the result's members. */
void virga_query_begin(struct virga_xml_writer *writer, const char *action, const char *xmlns);

/* Ends such an answer with the request id and sends it, as virga_xml_answer() does. */
int virga_query_answer(struct virga_request *req, struct virga_xml_writer *writer,
                       const char *action);

/* Answers an action that has no result. */
int virga_query_answer_empty(struct virga_request *req, const char *action, const char *xmlns);

/* Answers <ErrorResponse> and gives the request back; its Type is Sender below status 500, else
 * Receiver. xmlns may be NULL; format NULL: without a message. Errors: as virga_http.respond().
 * Thread: [loop]. */
VIRGA_PRINTF(5, 6)
int virga_query_error(struct virga_request *req, int status, const char *xmlns, const char *code,
                      const char *format, ...);

#ifdef __cplusplus
}
#endif
#endif
