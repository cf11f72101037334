/* SPDX-License-Identifier: MIT */
/* GetParametersByPath and DescribeParameters: walks over the store, in pages. */
#include "filters.h"

#include <errno.h>

#define BY_PATH_PAGE 10
#define DESCRIBE_PAGE 50
/* One call looks at no more parameters than this, so that it does not hold up the others: a page
 * may then be short and still have a NextToken, as AWS's may. */
#define LOOK_MAX 1000

/* A walk. */
struct walk {
    struct call *call;
    struct virga_str prefix;   /* of keys */
    size_t name_at;            /* where in a key the name begins */
    struct virga_str question; /* of the page token */
    int64_t most;
    struct virga_str path; /* ptr NULL: everything is listed */
    int recursive;
    void (*answer)(struct call *call, struct virga_json_writer *writer, struct virga_str name,
                   const struct record *record);
    /* Where it stands. */
    struct record_key after; /* len 0: at the start */
    int more;                /* it ended before the end */
};

/* Finds where to go on; 0, or it has answered. */
static int begin(struct walk *walk) {
    struct call *call = walk->call;
    struct virga_str token = virga_awsjson_str(call->input, "NextToken");
    char position[VIRGA_PAGE_POSITION_MAX];
    size_t len;
    if (token.len == 0) {
        return 0;
    }
    int result = virga_page_token_open(&call->ssm->page_key, walk->question, token, position, &len);
    if (result == 0) {
        (void)record_key(call, 'p', (struct virga_str){position, len}, &walk->after);
    } else if (result == -ENOMEM) {
        call_fail_internally(call, result);
    } else {
        call_fail(call, "InvalidNextToken", "The specified token isn't valid.");
    }
    return result;
}

/* Whether one is listed: 1 or 0. */
static int is_listed(const struct walk *walk, struct virga_str name, const struct record *record) {
    if (walk->path.ptr != NULL && !filters_is_below(name, walk->path, walk->recursive)) {
        return 0;
    }
    return filters_pass(walk->call, name, record);
}

/* Looks at one pair: 1 it was listed, 0 it was not. Errors: as the store's. */
static int look(struct walk *walk, struct virga_str name, struct virga_str value,
                struct virga_json_writer *writer) {
    struct record record;
    int64_t version;
    int result = filters_label(walk->call, name, &version);
    if (result != 0 || version == 0) {
        return result;
    }
    result = version < 0 ? record_parse(value, &record)
                         : record_read_version(walk->call, name, version, &record);
    if (result != 0) {
        return result == -ENOENT ? 0 : result;
    }
    result = is_listed(walk, name, &record);
    if (result == 1) {
        walk->answer(walk->call, writer, name, &record);
    }
    record_finish(&record);
    return result;
}

static int go(struct walk *walk, struct virga_store_cursor *cursor,
              struct virga_json_writer *writer) {
    const struct virga_store *store = walk->call->ssm->store;
    int64_t listed = 0;
    struct virga_str key, value;
    for (int looked = 0;; looked++) {
        int result = store->next(cursor, &key, &value);
        if (result != 1) {
            return result;
        }
        if (listed == walk->most || looked == LOOK_MAX) {
            walk->more = 1;
            return 0;
        }
        struct virga_str name = {key.ptr + walk->name_at, key.len - walk->name_at};
        result = look(walk, name, value, writer);
        if (result < 0) {
            return result;
        }
        listed += result;
        memcpy(walk->after.bytes, key.ptr, key.len);
        walk->after.len = key.len;
    }
}

static void end(struct walk *walk, struct virga_json_writer *writer, int result) {
    struct call *call = walk->call;
    char token[VIRGA_PAGE_TOKEN_SIZE];
    virga_json_end_array(writer);
    if (result == 0 && walk->more) {
        struct virga_str position = {walk->after.bytes + walk->name_at,
                                     walk->after.len - walk->name_at};
        result = virga_page_token_make(&call->ssm->page_key, walk->question, position, token);
        if (result == 0) {
            virga_json_string(writer, "NextToken", token);
        }
    }
    virga_json_end_object(writer);
    if (result != 0) {
        virga_json_finish(writer);
        call_fail_internally(call, result);
        return;
    }
    (void)virga_awsjson_answer(call->req, 200, writer);
}

static void run(struct walk *walk) {
    struct call *call = walk->call;
    const struct virga_store *store = call->ssm->store;
    struct virga_json_writer writer = {0};
    struct virga_store_cursor *cursor = NULL;
    if (begin(walk) != 0) {
        return;
    }
    struct virga_str after = {walk->after.len > 0 ? walk->after.bytes : NULL, walk->after.len};
    virga_json_begin_object(&writer, NULL);
    virga_json_begin_array(&writer, "Parameters");
    int result = store->scan(call->ssm->host, walk->prefix, after, 0, &cursor);
    if (result == 0) {
        result = go(walk, cursor, &writer);
    }
    store->close(cursor);
    end(walk, &writer, result);
}

/* --- the two actions --- */

static void answer_parameter(struct call *call, struct virga_json_writer *writer,
                             struct virga_str name, const struct record *record) {
    record_answer(call, writer, NULL, name, record, (struct virga_str){NULL, 0});
}

static void write_text(struct virga_json_writer *writer, const char *key, struct virga_str text) {
    if (text.ptr != NULL) {
        virga_json_str(writer, key, text);
    }
}

static void answer_metadata(struct call *call, struct virga_json_writer *writer,
                            struct virga_str name, const struct record *record) {
    char arn[NAME_ARN_SIZE];
    (void)name_arn(call, name, arn);
    virga_json_begin_object(writer, NULL);
    virga_json_str(writer, "Name", name);
    virga_json_string(writer, "ARN", arn);
    virga_json_str(writer, "Type", record->type);
    write_text(writer, "KeyId", record->key_id);
    virga_json_time(writer, "LastModifiedDate", record->modified_ms);
    write_text(writer, "LastModifiedUser", record->user);
    write_text(writer, "Description", record->description);
    write_text(writer, "AllowedPattern", record->allowed_pattern);
    virga_json_int(writer, "Version", record->version);
    virga_json_str(writer, "Tier", record->tier);
    virga_json_begin_array(writer, "Policies");
    virga_json_end_array(writer);
    virga_json_str(writer, "DataType", record->data_type);
    virga_json_end_object(writer);
}

void action_get_parameters_by_path(struct call *call) {
    struct record_key prefix, question;
    struct virga_str path = virga_awsjson_str(call->input, "Path");
    struct virga_str none = {NULL, 0};
    if (name_check_path(call, path) != 0 || filters_check(call, 1) != 0) {
        return;
    }
    if (path.len > NAME_ARN_MAX) { /* no name is that long */
        path.len = NAME_ARN_MAX;
    }
    struct walk walk = {
        .call = call,
        .name_at = record_key(call, 'p', none, &prefix).len,
        .question = record_key(call, 'b', path, &question),
        .most = virga_awsjson_int(call->input, "MaxResults", BY_PATH_PAGE),
        .path = path,
        .recursive = virga_awsjson_bool(call->input, "Recursive"),
        .answer = answer_parameter,
    };
    /* Names at the root may lack the slash. */
    struct virga_str names = {path.ptr, path.len > 1 ? path.len : 0};
    walk.prefix = record_key(call, 'p', names, &prefix);
    run(&walk);
}

void action_describe_parameters(struct call *call) {
    struct record_key prefix, question;
    struct virga_str none = {NULL, 0};
    if (filters_check(call, 0) != 0) {
        return;
    }
    struct walk walk = {
        .call = call,
        .prefix = record_key(call, 'p', none, &prefix),
        .question = record_key(call, 'd', none, &question),
        .most = virga_awsjson_int(call->input, "MaxResults", DESCRIBE_PAGE),
        .answer = answer_metadata,
    };
    walk.name_at = walk.prefix.len;
    run(&walk);
}
