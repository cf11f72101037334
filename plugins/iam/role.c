/* SPDX-License-Identifier: MIT */
/* Roles: AssumeRolePolicyDocument, Description, MaxSessionDuration beside what all entities have.
 */
#include "actions.h"
#include "boundary.h"
#include "document.h"
#include "entity.h"

#include <ctype.h>
#include <errno.h>

#define SESSION_S 3600
/* Source: IAM User Guide, "IAM and AWS STS quotas". */
#define TRUST_MAX 2048

static int check_trust(struct call *call, struct virga_str document) {
    if (document_check(call, DOCUMENT_TRUST, document) != 0) {
        return -EINVAL;
    }
    if (document_size(document) > TRUST_MAX) {
        call_fail(call, LIMIT_EXCEEDED, "Cannot exceed quota for ACLSizePerRole: %d", TRUST_MAX);
        return -EDQUOT;
    }
    return 0;
}

/* The members of Create and of Update. */
static int set_members(struct call *call, struct json_object *role, int64_t session_s) {
    struct virga_str description = call_str(call, "Description");
    int result = description.ptr != NULL ? record_set(role, "Description", description) : 0;
    return result == 0 ? record_set_int(role, "MaxSessionDuration", session_s) : result;
}

void action_create_role(struct call *call) {
    struct virga_str document = call_str(call, "AssumeRolePolicyDocument");
    struct virga_str boundary = call_str(call, "PermissionsBoundary");
    struct virga_str path = call_str(call, "Path");
    int64_t session_s = virga_awsjson_int(call->input, "MaxSessionDuration", SESSION_S);
    if (check_trust(call, document) != 0 ||
        (boundary.ptr != NULL && boundary_check(call, boundary.ptr) != 0)) {
        return;
    }
    if (path.ptr != NULL && strncmp(path.ptr, SERVICE_ROLE_PATH, strlen(SERVICE_ROLE_PATH)) == 0) {
        call_fail(call, VALIDATION_ERROR,
                  "The specified path is reserved for AWS service-linked roles.");
        return;
    }
    struct json_object *role = entity_make(call, &kind_role, call_str(call, "RoleName").ptr);
    if (role == NULL) {
        return;
    }
    if (call_begin(call) == 0) {
        int result = set_members(call, role, session_s);
        result = result == 0 ? record_set(role, "AssumeRolePolicyDocument", document) : result;
        result = result == 0 ? boundary_set(call, &kind_role, role, boundary.ptr) : result;
        result = result == 0 ? record_write(call, &kind_role, role) : result;
        if (call_commit(call, result) == 0) {
            entity_answer(call, &kind_role, role);
        }
    }
    json_object_put(role);
}

void action_update_role(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct json_object *role = entity_of_changeable(call);
    if (role == NULL) {
        return;
    }
    int64_t session_s = virga_awsjson_int(role, "MaxSessionDuration", SESSION_S);
    session_s = virga_awsjson_int(call->input, "MaxSessionDuration", session_s);
    int result = set_members(call, role, session_s);
    if (result != 0) {
        call_fail_internally(call, result);
    } else if (entity_save(call, &kind_role, role) == 0) {
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        (void)virga_query_answer(call->req, &writer, call->action);
    }
    json_object_put(role);
}

void action_update_role_description(struct call *call) {
    struct json_object *role = entity_of_changeable(call);
    if (role == NULL) {
        return;
    }
    int result = record_set(role, "Description", call_str(call, "Description"));
    if (result != 0) {
        call_fail_internally(call, result);
    } else if (entity_save(call, &kind_role, role) == 0) {
        entity_answer(call, &kind_role, role);
    }
    json_object_put(role);
}

void action_update_assume_role_policy(struct call *call) {
    struct virga_str document = call_str(call, "PolicyDocument");
    struct json_object *role = entity_of_changeable(call);
    if (role != NULL && check_trust(call, document) == 0) {
        int result = record_set(role, "AssumeRolePolicyDocument", document);
        if (result != 0) {
            call_fail_internally(call, result);
        } else if (entity_save(call, &kind_role, role) == 0) {
            call_answer_empty(call);
        }
    }
    json_object_put(role);
}

/* Whether nothing hangs on a role. Returns 0, or has answered the call. */
static int check_unused(struct call *call, struct json_object *role) {
    struct key key;
    int64_t profiles = 0;
    if (virga_awsjson_length(role, "Attached") > 0) {
        call_fail(call, DELETE_CONFLICT, "Cannot delete entity, must detach all policies first.");
        return -EBUSY;
    }
    if (virga_awsjson_length(role, "Policies") > 0) {
        call_fail(call, DELETE_CONFLICT, "Cannot delete entity, must delete policies first.");
        return -EBUSY;
    }
    key_index(call, RELATION_PROFILE, record_string(role, "Name"), NULL, NULL, &key);
    int result = key_count(call->iam, &key, &profiles);
    if (result != 0) {
        call_fail_internally(call, result);
    } else if (profiles > 0) {
        call_fail(call, DELETE_CONFLICT,
                  "Cannot delete entity, must remove roles from instance profile first.");
        result = -EBUSY;
    }
    return result;
}

static int remove_role(struct call *call, struct json_object *role) {
    if (call_begin(call) != 0) {
        return -EIO;
    }
    int result = boundary_set(call, &kind_role, role, NULL);
    result = result == 0 ? record_delete(call, &kind_role, role) : result;
    return call_commit(call, result);
}

void action_delete_role(struct call *call) {
    struct json_object *role = entity_of_changeable(call);
    if (role != NULL && check_unused(call, role) == 0 && remove_role(call, role) == 0) {
        call_answer_empty(call);
    }
    json_object_put(role);
}

/* --- roles of AWS's services --- */

/* "elasticbeanstalk.amazonaws.com" -> AWSServiceRoleForElasticbeanstalk. AWS's own capitals are
 * known to AWS alone, but for these. */
static void service_role_name(const char *service, const char *suffix, char name[160]) {
    static const struct {
        const char *service, *name;
    } known[] = {
        {"autoscaling.amazonaws.com", "AutoScaling"},
        {"ecs.amazonaws.com", "ECS"},
        {"eks.amazonaws.com", "AmazonEKS"},
        {"elasticache.amazonaws.com", "ElastiCache"},
        {"elasticbeanstalk.amazonaws.com", "ElasticBeanstalk"},
        {"elasticloadbalancing.amazonaws.com", "ElasticLoadBalancing"},
        {"lambda.amazonaws.com", "Lambda"},
        {"ops.apigateway.amazonaws.com", "APIGateway"},
        {"organizations.amazonaws.com", "Organizations"},
        {"pullthroughcache.ecr.amazonaws.com", "ECRPullThroughCache"},
        {"rds.amazonaws.com", "RDS"},
        {"replication.ecr.amazonaws.com", "ECRReplication"},
        {"replicator.lambda.amazonaws.com", "LambdaReplicator"},
        {"spot.amazonaws.com", "EC2Spot"},
        {"support.amazonaws.com", "Support"},
    };
    char first[64];
    const char *found = NULL;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        found = strcmp(known[i].service, service) == 0 ? known[i].name : found;
    }
    if (found == NULL) {
        (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(service, "."), service);
        first[0] = (char)toupper((unsigned char)first[0]);
        found = first;
    }
    (void)snprintf(name, 160, "AWSServiceRoleFor%s%s%s", found, suffix != NULL ? "_" : "",
                   suffix != NULL ? suffix : "");
}

void action_create_service_linked_role(struct call *call) {
    const char *service = call_str(call, "AWSServiceName").ptr;
    const char *suffix = call_str(call, "CustomSuffix").ptr;
    char name[160], path[200], document[400];
    if (strchr(service, '.') == NULL || strstr(service, ".amazonaws.com") == NULL) {
        call_fail(call, INVALID_INPUT, "Invalid service principal: %s", service);
        return;
    }
    service_role_name(service, suffix, name);
    (void)snprintf(path, sizeof path, SERVICE_ROLE_PATH "%s/", service);
    (void)snprintf(document, sizeof document,
                   "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Action\":[\"sts:AssumeRole\"],"
                   "\"Effect\":\"Allow\",\"Principal\":{\"Service\":[\"%s\"]}}]}",
                   service);
    struct key key;
    struct virga_store_value value;
    key_entity(call, &kind_role, name, &key);
    int result = call->iam->store->get(call->iam->host, key_str(&key), &value);
    if (result == 0) {
        call->iam->store->release(call->iam->host, &value);
        call_fail(call, INVALID_INPUT,
                  "Service role name %s has been taken in this account, please try a different "
                  "suffix.",
                  name);
        return;
    }
    if (result != -ENOENT ||
        (result = record_set(call->input, "Path", virga_str_from(path))) != 0) {
        call_fail_internally(call, result);
        return;
    }
    struct json_object *role = entity_make(call, &kind_role, name);
    if (role == NULL) {
        return;
    }
    result = set_members(call, role, SESSION_S);
    result = result == 0 ? record_set(role, "AssumeRolePolicyDocument", virga_str_from(document))
                         : result;
    if (result != 0) {
        call_fail_internally(call, result);
    } else if (entity_save(call, &kind_role, role) == 0) {
        entity_answer(call, &kind_role, role);
    }
    json_object_put(role);
}

/* It is gone at once; the task tells so to who asks. */
void action_delete_service_linked_role(struct call *call) {
    struct virga_xml_writer writer = {0};
    char task[900];
    char id[ID_SIZE];
    struct json_object *role = entity_of(call);
    if (role == NULL) {
        return;
    }
    const char *path = record_string(role, "Path");
    const char *name = record_string(role, "Name");
    int result = kind_make_id("TASK", id);
    if (strncmp(path, SERVICE_ROLE_PATH, strlen(SERVICE_ROLE_PATH)) != 0) {
        kind_fail_missing(call, &kind_role, name);
    } else if (result != 0) {
        call_fail_internally(call, result);
    } else if (remove_role(call, role) == 0) {
        (void)snprintf(task, sizeof task, "task%s%s/%s", path, name, id);
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        virga_xml_string(&writer, "DeletionTaskId", task);
        (void)virga_query_answer(call->req, &writer, call->action);
    }
    json_object_put(role);
}

void action_get_service_linked_role_deletion_status(struct call *call) {
    struct virga_xml_writer writer = {0};
    const char *task = call_str(call, "DeletionTaskId").ptr;
    if (strncmp(task, "task" SERVICE_ROLE_PATH, strlen("task" SERVICE_ROLE_PATH)) != 0) {
        call_fail(call, INVALID_INPUT, "Invalid DeletionTaskId: %s", task);
        return;
    }
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    virga_xml_string(&writer, "Status", "SUCCEEDED");
    (void)virga_query_answer(call->req, &writer, call->action);
}
