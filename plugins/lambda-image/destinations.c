/* SPDX-License-Identifier: MIT */
/* The calls to other services, each in its own protocol. A function is another matter: its event
 * joins the queue (events.c). */
#include "destinations.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <virga/helpers/arn.h>
#include <virga/helpers/json_writer.h>

#define CALL_TIMEOUT_MS 30000

struct delivery {
    struct delivery *next, *previous;
    struct destinations *destinations;
    struct virga_dispatch_handle *handle;
    void (*on_done)(void *arg, bool broken_off);
    void *arg;
    char arn[400];
};

struct destinations {
    struct lambda *lambda;
    struct delivery *deliveries;
    bool stopping;
    void (*on_stopped)(void *arg);
    void *on_stopped_arg;
};

int destinations_create(struct lambda *lambda, struct destinations **ret_destinations) {
    struct destinations *destinations = calloc(1, sizeof *destinations);
    if (destinations == NULL) {
        return -ENOMEM;
    }
    destinations->lambda = lambda;
    *ret_destinations = destinations;
    return 0;
}

static void check_stopped(struct destinations *destinations) {
    void (*on_stopped)(void *arg) = destinations->on_stopped;
    if (on_stopped != NULL && destinations->deliveries == NULL) {
        destinations->on_stopped = NULL;
        on_stopped(destinations->on_stopped_arg);
    }
}

void destinations_stop(struct destinations *destinations, void (*on_stopped)(void *arg),
                       void *arg) {
    struct lambda *lambda = destinations->lambda;
    destinations->stopping = true;
    destinations->on_stopped = on_stopped;
    destinations->on_stopped_arg = arg;
    for (struct delivery *one = destinations->deliveries; one != NULL; one = one->next) {
        lambda->dispatch->cancel(one->handle);
    }
    check_stopped(destinations);
}

void destinations_destroy(struct destinations *destinations) {
    while (destinations != NULL && destinations->deliveries != NULL) {
        struct delivery *next = destinations->deliveries->next;
        free(destinations->deliveries);
        destinations->deliveries = next;
    }
    free(destinations);
}

static void on_answer(void *arg, const struct virga_dispatch_response *res) {
    struct delivery *delivery = arg;
    struct destinations *destinations = delivery->destinations;
    if (res->error != 0 && !destinations->stopping) {
        LAMBDA_LOG(destinations->lambda, VIRGA_LOG_WARN, NULL, "nothing was delivered to %s: %s",
                   delivery->arn, strerror(-res->error));
    } else if (res->error == 0 && (res->status < 200 || res->status > 299)) {
        LAMBDA_LOG(destinations->lambda, VIRGA_LOG_WARN, NULL,
                   "nothing was delivered to %s: its service answered %d: %.*s", delivery->arn,
                   res->status, (int)(res->body.len < 300 ? res->body.len : 300),
                   res->body.len > 0 ? res->body.ptr : "");
    }
    if (delivery->next != NULL) {
        delivery->next->previous = delivery->previous;
    }
    if (delivery->previous != NULL) {
        delivery->previous->next = delivery->next;
    } else {
        destinations->deliveries = delivery->next;
    }
    delivery->on_done(delivery->arg, destinations->stopping && res->error != 0);
    free(delivery);
    check_stopped(destinations);
}

/* The request of one service. */
struct outgoing {
    const char *method;
    char target[1200];
    struct virga_header headers[2];
    size_t headers_count;
    struct virga_json_writer body; /* or any other text */
    const char *service;
};

static void set_target(struct outgoing *out, const char *type, const char *target) {
    out->headers[0] = (struct virga_header){virga_str_from("Content-Type"), virga_str_from(type)};
    out->headers_count = 1;
    if (target != NULL) {
        out->headers[1] =
            (struct virga_header){virga_str_from("X-Amz-Target"), virga_str_from(target)};
        out->headers_count = 2;
    }
}

static void write_attribute(struct virga_json_writer *writer, const char *name, const char *type,
                            const char *value) {
    virga_json_begin_object(writer, name);
    virga_json_string(writer, "DataType", type);
    virga_json_string(writer, "StringValue", value);
    virga_json_end_object(writer);
}

static void make_sqs(struct lambda *lambda, const struct virga_arn *arn,
                     const struct destination_message *message, struct outgoing *out) {
    char url[400];
    (void)snprintf(url, sizeof url, "http://localhost:%u/%.*s/%.*s", lambda->port,
                   (int)arn->account.len, arn->account.ptr, (int)arn->resource.len,
                   arn->resource.ptr);
    out->service = "sqs";
    set_target(out, "application/x-amz-json-1.0", "AmazonSQS.SendMessage");
    virga_json_begin_object(&out->body, NULL);
    virga_json_string(&out->body, "QueueUrl", url);
    virga_json_str(&out->body, "MessageBody", message->body);
    if (message->error_message != NULL) {
        virga_json_begin_object(&out->body, "MessageAttributes");
        write_attribute(&out->body, "RequestID", "String", message->request_id);
        write_attribute(&out->body, "ErrorCode", "Number", "200");
        write_attribute(&out->body, "ErrorMessage", "String", message->error_message);
        virga_json_end_object(&out->body);
    }
    virga_json_end_object(&out->body);
}

static void make_bus(const char *arn, const struct destination_message *message,
                     struct outgoing *out) {
    out->service = "events";
    set_target(out, "application/x-amz-json-1.1", "AWSEvents.PutEvents");
    virga_json_begin_object(&out->body, NULL);
    virga_json_begin_array(&out->body, "Entries");
    virga_json_begin_object(&out->body, NULL);
    virga_json_string(&out->body, "Source", "lambda");
    virga_json_string(&out->body, "DetailType",
                      message->success ? "Lambda Function Invocation Result - Success"
                                       : "Lambda Function Invocation Result - Failure");
    virga_json_str(&out->body, "Detail", message->body);
    virga_json_string(&out->body, "EventBusName", arn);
    virga_json_begin_array(&out->body, "Resources");
    virga_json_string(&out->body, NULL, arn);
    virga_json_string(&out->body, NULL, message->function_arn);
    virga_json_end_array(&out->body);
    virga_json_end_object(&out->body);
    virga_json_end_array(&out->body);
    virga_json_end_object(&out->body);
}

/* Adds bytes to a writer that does not hold JSON. */
static void add_text(struct virga_json_writer *writer, struct virga_str text) {
    writer->comma = 0;
    virga_json_raw(writer, NULL, text);
    writer->comma = 0;
}

static void add_parameter(struct virga_json_writer *writer, const char *name,
                          struct virga_str value) {
    static const char digits[] = "0123456789ABCDEF";
    if (writer->len > 0) {
        add_text(writer, virga_str_from("&"));
    }
    add_text(writer, virga_str_from(name));
    add_text(writer, virga_str_from("="));
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        const char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        add_text(writer,
                 plain ? (struct virga_str){value.ptr + i, 1} : (struct virga_str){escaped, 3});
    }
}

static void add_entry(struct virga_json_writer *writer, unsigned n, const char *name,
                      const char *type, const char *value) {
    const char *const parts[] = {"Name", name, "Value.DataType", type, "Value.StringValue", value};
    for (size_t i = 0; i < 6; i += 2) {
        char key[80];
        (void)snprintf(key, sizeof key, "MessageAttributes.entry.%u.%s", n, parts[i]);
        add_parameter(writer, key, virga_str_from(parts[i + 1]));
    }
}

static void make_sns(const char *arn, const struct destination_message *message,
                     struct outgoing *out) {
    out->service = "sns";
    set_target(out, "application/x-www-form-urlencoded", NULL);
    add_parameter(&out->body, "Action", virga_str_from("Publish"));
    add_parameter(&out->body, "Version", virga_str_from("2010-03-31"));
    add_parameter(&out->body, "TopicArn", virga_str_from(arn));
    add_parameter(&out->body, "Message", message->body);
    if (message->error_message != NULL) {
        add_entry(&out->body, 1, "RequestID", "String", message->request_id);
        add_entry(&out->body, 2, "ErrorCode", "Number", "200");
        add_entry(&out->body, 3, "ErrorMessage", "String", message->error_message);
    }
}

/* Source: the developer guide, "S3 as a destination": the name of the object. */
static void make_s3(struct lambda *lambda, const struct virga_arn *arn,
                    const struct destination_message *message, struct outgoing *out) {
    char day[16], moment[32];
    time_t seconds = (time_t)(lambda->timer->now_ms(lambda->host) / 1000);
    struct tm parts = {0};
    (void)gmtime_r(&seconds, &parts);
    (void)strftime(day, sizeof day, "%Y/%m/%d", &parts);
    (void)strftime(moment, sizeof moment, "%Y-%m-%dT%H.%M.%S", &parts);
    out->method = "PUT";
    out->service = "s3";
    (void)snprintf(out->target, sizeof out->target, "/%.*s/aws/lambda/async/%s/%s/%s-%s",
                   (int)arn->resource.len, arn->resource.ptr, message->function_name, day, moment,
                   message->request_id);
    set_target(out, "application/json", NULL);
    add_text(&out->body, message->body);
}

static bool make_request(struct lambda *lambda, const char *text, const struct virga_arn *arn,
                         const struct destination_message *message, struct outgoing *out) {
    if (virga_str_equal(arn->service, virga_str_from("sqs"))) {
        make_sqs(lambda, arn, message, out);
    } else if (virga_str_equal(arn->service, virga_str_from("sns"))) {
        make_sns(text, message, out);
    } else if (virga_str_equal(arn->service, virga_str_from("events"))) {
        make_bus(text, message, out);
    } else if (virga_str_equal(arn->service, virga_str_from("s3"))) {
        make_s3(lambda, arn, message, out);
    } else {
        return false;
    }
    return true;
}

static int send(struct destinations *destinations, struct delivery *delivery,
                const struct virga_arn *arn, const struct destination_message *message,
                const struct outgoing *out) {
    struct lambda *lambda = destinations->lambda;
    const struct virga_dispatch_request request = {
        .struct_size = sizeof request,
        .method = out->method,
        .target = virga_str_from(out->target),
        .headers = out->headers,
        .headers_count = out->headers_count,
        .body = {out->body.ptr, out->body.len},
        .account = arn->account.len > 0 ? arn->account : virga_str_from(message->tenant->account),
        .region = arn->region.len > 0 ? arn->region : virga_str_from(message->tenant->region),
        .service = virga_str_from(out->service),
        .timeout_ms = CALL_TIMEOUT_MS,
        .on_done = on_answer,
        .arg = delivery};
    return lambda->dispatch->call(lambda->host, &request, &delivery->handle);
}

int destinations_send(struct destinations *destinations, const char *text,
                      const struct destination_message *message,
                      void (*on_done)(void *arg, bool broken_off), void *arg) {
    struct lambda *lambda = destinations->lambda;
    struct outgoing out = {.method = "POST", .target = "/"};
    struct virga_arn arn;
    if (destinations->stopping) {
        return -ECANCELED;
    }
    int result = virga_arn_parse(virga_str_from(text), &arn);
    if (result == 0 && !make_request(lambda, text, &arn, message, &out)) {
        result = -EINVAL;
    }
    struct delivery *delivery =
        result == 0 && !out.body.failed ? calloc(1, sizeof *delivery) : NULL;
    if (delivery != NULL) {
        *delivery = (struct delivery){.destinations = destinations, .on_done = on_done, .arg = arg};
        (void)snprintf(delivery->arn, sizeof delivery->arn, "%s", text);
        result = send(destinations, delivery, &arn, message, &out);
    } else if (result == 0) {
        result = -ENOMEM;
    }
    virga_json_finish(&out.body);
    if (result != 0) {
        LAMBDA_LOG(lambda, VIRGA_LOG_WARN, NULL, "nothing can be delivered to %s: %s", text,
                   result == -EINVAL ? "this is no destination that virga knows"
                                     : strerror(-result));
        free(delivery);
        return result;
    }
    delivery->next = destinations->deliveries;
    if (delivery->next != NULL) {
        delivery->next->previous = delivery;
    }
    destinations->deliveries = delivery;
    return 0;
}
