/* SPDX-License-Identifier: MIT */
/* The steps of one resource. */
#include "task.h"

#include "dynamic.h"
#include "types.h"

#include <errno.h>
#include <stdlib.h>

static const char exists_codes[] =
    "AlreadyExistsException EntityAlreadyExists ResourceConflictException "
    "RepositoryAlreadyExistsException ParameterAlreadyExists BucketAlreadyOwnedByYou "
    "ResourceAlreadyExistsException";
static const char gone_codes[] =
    "NoSuchBucket NoSuchEntity NoSuchBucketPolicy ResourceNotFoundException NotFoundException "
    "RepositoryNotFoundException ParameterNotFound NoSuchPublicAccessBlockConfiguration "
    "RepositoryPolicyNotFoundException LifecyclePolicyNotFoundException "
    "NoSuchLifecycleConfiguration NoSuchTagSet";

static void run(struct task *task);

static void end(struct task *task) {
    task->on_done(task->arg, task);
}

enum task_verdict task_fail(struct task *task, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(task->reason, sizeof task->reason, format, args);
    va_end(args);
    task->failed = true;
    return TASK_FAILED;
}

/* How AWS's resource handlers sort errors. */
static const char *handler_code(const struct answer *answer) {
    if (answer_is(answer, exists_codes)) {
        return "AlreadyExists";
    }
    if (answer_is(answer, gone_codes)) {
        return "NotFound";
    }
    if (strstr(answer->code, "AccessDenied") != NULL) {
        return "AccessDenied";
    }
    if (strstr(answer->code, "Invalid") != NULL || strstr(answer->code, "Validation") != NULL ||
        strstr(answer->code, "Malformed") != NULL) {
        return "InvalidRequest";
    }
    return answer->status >= 500 || answer->error != 0 ? "ServiceInternalError"
                                                       : "GeneralServiceException";
}

enum task_verdict task_fail_answer(struct task *task, const struct answer *answer) {
    char token[CFN_UUID_SIZE];
    const char *service = task->type->name;
    const char *begin = strncmp(service, "AWS::", 5) == 0 ? service + 5 : service;
    id_uuid(token);
    return task_fail(task,
                     "Resource handler returned message: \"%s (Service: %.*s, Status Code: %d, "
                     "Request ID: %s)\" (RequestToken: %s, HandlerErrorCode: %s)",
                     answer->message, (int)strcspn(begin, ":"), begin, answer->status,
                     answer->request_id, token, handler_code(answer));
}

void task_attribute(struct task *task, const char *name, const char *value) {
    if (value != NULL && value_set_text(task->attributes, name, value) != 0) {
        (void)task_fail(task, "out of memory");
    }
}

const char *task_property(const struct task *task, const char *name, const char *otherwise) {
    const char *text = value_text(task->properties, name);
    return text != NULL ? text : otherwise;
}

bool task_changed(const struct task *task, const char *name) {
    return !value_equal(value_member(task->properties, name),
                        value_member(task->kind == TASK_UPDATE ? task->previous : NULL, name));
}

static void on_timer(void *arg) {
    struct task *task = arg;
    task->cfn->timer->stop(task->timer);
    task->timer = NULL;
    run(task);
}

/* Whether the step is to be started at once; else it has been dealt with. */
static bool follow(struct task *task, enum task_verdict verdict) {
    if (task->cancelled && !task->failed) {
        verdict = task_fail(task, "the host stopped");
    }
    switch (verdict) {
    case TASK_CALLED:
        return false;
    case TASK_NEXT:
        task->step++;
        task->index = 0;
        task->tries = 0;
        return true;
    case TASK_REPEAT:
        return true;
    case TASK_AGAIN:
        if (++task->tries >= TASK_TRIES_MAX) {
            (void)task_fail(task, "Resource did not stabilize in the time allowed");
            break;
        }
        if (task->cfn->timer->start(task->cfn->host, TASK_RETRY_MS, 0, on_timer, task,
                                    &task->timer) == 0) {
            return false;
        }
        (void)task_fail(task, "out of memory");
        break;
    case TASK_FAILED:
        break;
    }
    end(task);
    return false;
}

/* From the dynamic references on to what the type does itself; false when all is done. */
static bool go_on(struct task *task) {
    static const struct task_step nothing[] = {{NULL, NULL, NULL}};
    if (task->steps != dynamic_steps) {
        return false;
    }
    task->steps = task->kind == TASK_CREATE   ? task->type->create
                  : task->kind == TASK_UPDATE ? task->type->update
                                              : task->type->remove;
    task->steps = task->steps != NULL ? task->steps : nothing;
    task->step = 0;
    return true;
}

static void run(struct task *task) {
    for (;;) {
        const struct task_step *step = &task->steps[task->step];
        if (!task->failed && step->start == NULL && go_on(task)) {
            if (task->type->added != NULL) {
                types_call_added(task);
                return;
            }
            continue;
        }
        if (task->failed || step->start == NULL) {
            end(task);
            return;
        }
        if (!follow(task, step->start(task))) {
            return;
        }
    }
}

static void on_answer(void *arg, const struct virga_dispatch_response *response) {
    struct task *task = arg;
    const struct task_step *step = &task->steps[task->step];
    struct answer answer;
    enum task_verdict verdict = TASK_NEXT;
    task->call = NULL;
    answer_read(response, &answer);
    if (answer_is_ok(&answer)) {
        task->made = task->made || task->steps != dynamic_steps;
        verdict = step->answered != NULL ? step->answered(task, &answer) : TASK_NEXT;
    } else if ((step->tolerated != NULL && answer_is(&answer, step->tolerated)) ||
               (task->kind == TASK_REMOVE && answer_is(&answer, gone_codes)) ||
               (task->kind == TASK_UPDATE &&
                strcmp(answer.message, "No updates are to be performed.") == 0) ||
               (task->kind == TASK_CREATE && task->again && answer_is(&answer, exists_codes))) {
        task->made = task->made || task->steps != dynamic_steps;
        verdict = TASK_NEXT;
    } else {
        verdict = task_fail_answer(task, &answer);
    }
    answer_finish(&answer);
    if (follow(task, verdict)) {
        run(task);
    }
}

static enum task_verdict call(struct task *task, struct virga_dispatch_request *request) {
    request->struct_size = sizeof *request;
    request->account = virga_str_from(task->account);
    request->region = virga_str_from(task->region);
    request->on_done = on_answer;
    request->arg = task;
    int result = task->cfn->dispatch->call(task->cfn->host, request, &task->call);
    return result == 0 ? TASK_CALLED
                       : task_fail(task, "the service could not be called: %s", strerror(-result));
}

static enum task_verdict no_memory(struct task *task) {
    return task_fail(task, "out of memory");
}

enum task_verdict task_call_json(struct task *task, const char *service, const char *target,
                                 struct json_object *input) {
    const char *json = input != NULL ? value_json(input) : NULL;
    if (json == NULL) {
        json_object_put(input);
        return no_memory(task);
    }
    const struct virga_header headers[] = {
        {virga_str_from("X-Amz-Target"), virga_str_from(target)},
        {virga_str_from("Content-Type"), virga_str_from("application/x-amz-json-1.1")},
    };
    struct virga_dispatch_request request = {
        .headers = headers,
        .headers_count = 2,
        .body = virga_str_from(json),
        .service = virga_str_from(service),
    };
    enum task_verdict verdict = call(task, &request);
    json_object_put(input);
    return verdict;
}

enum task_verdict task_call_rest(struct task *task, const char *service, const char *method,
                                 struct text *path, struct json_object *input) {
    const struct virga_header header = {virga_str_from("Content-Type"),
                                        virga_str_from("application/json")};
    const char *json = input != NULL ? value_json(input) : "";
    struct virga_dispatch_request request = {
        .method = method,
        .target = text_str(path),
        .headers = &header,
        .headers_count = input != NULL ? 1 : 0,
        .body = virga_str_from(json),
        .service = virga_str_from(service),
    };
    enum task_verdict verdict =
        json == NULL || path->failed ? no_memory(task) : call(task, &request);
    json_object_put(input);
    text_finish(path);
    return verdict;
}

void task_form_add(struct text *form, const char *name, const char *value) {
    text_add_string(form, "&");
    text_add_encoded(form, virga_str_from(name), "");
    text_add_string(form, "=");
    text_add_encoded(form, virga_str_from(value), "");
}

enum task_verdict task_call_query(struct task *task, const char *service, const char *version,
                                  const char *action, struct text *form) {
    struct text body = {0};
    const struct virga_header header = {virga_str_from("Content-Type"),
                                        virga_str_from("application/x-www-form-urlencoded")};
    text_addf(&body, "Action=%s&Version=%s", action, version);
    text_add_str(&body, text_str(form));
    struct virga_dispatch_request request = {
        .headers = &header,
        .headers_count = 1,
        .body = text_str(&body),
        .service = virga_str_from(service),
    };
    enum task_verdict verdict =
        form->failed || body.failed ? no_memory(task) : call(task, &request);
    text_finish(&body);
    text_finish(form);
    return verdict;
}

enum task_verdict task_call_xml(struct task *task, const char *service, const char *method,
                                struct text *path, struct text *body, struct virga_header header) {
    const struct virga_header headers[] = {
        {virga_str_from("Content-Type"), virga_str_from("application/xml")}, header};
    struct virga_dispatch_request request = {
        .method = method,
        .target = text_str(path),
        .headers = headers,
        .headers_count = header.name.ptr != NULL ? 2 : 1,
        .body = text_str(body),
        .service = virga_str_from(service),
    };
    enum task_verdict verdict =
        path->failed || body->failed ? no_memory(task) : call(task, &request);
    text_finish(path);
    text_finish(body);
    return verdict;
}

void task_start(struct task *task) {
    task->steps = dynamic_steps;
    task->attributes = task->attributes != NULL ? task->attributes : json_object_new_object();
    task->scratch = json_object_new_object();
    if (task->attributes == NULL || task->scratch == NULL) {
        (void)no_memory(task);
        end(task);
    } else {
        run(task);
    }
}

void task_cancel(struct task *task) {
    task->cancelled = true;
    if (task->timer != NULL) {
        task->cfn->timer->stop(task->timer);
        task->timer = NULL;
        (void)task_fail(task, "the host stopped");
        end(task);
    } else if (task->call != NULL) {
        task->cfn->dispatch->cancel(task->call);
    } else if (task->waits) {
        types_forget_added(task);
        (void)task_fail(task, "the host stopped");
        end(task);
    }
}

void task_finish(struct task *task) {
    json_object_put(task->properties);
    json_object_put(task->previous);
    json_object_put(task->attributes);
    json_object_put(task->scratch);
    task->properties = task->previous = task->attributes = task->scratch = NULL;
}
