/* SPDX-License-Identifier: MIT */
#include "managed_policy.h"

#include "record.h"

#include <ctype.h>
#include <errno.h>
#include <virga/helpers/arn.h>
#include <virga/helpers/sha256.h>

/* When AWS's first policies of this kind appeared. */
#define CREATED_MS INT64_C(1423247986000)
#define NAME_MAX_LEN 128

#define ALLOW(actions)                                                                             \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[" actions        \
    "],\"Resource\":\"*\"}]}"
#define LOGS "\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\""
#define ECR_READ                                                                                   \
    "\"ecr:GetAuthorizationToken\",\"ecr:BatchCheckLayerAvailability\","                           \
    "\"ecr:GetDownloadUrlForLayer\",\"ecr:GetRepositoryPolicy\",\"ecr:DescribeRepositories\","     \
    "\"ecr:ListImages\",\"ecr:DescribeImages\",\"ecr:BatchGetImage\",\"ecr:GetLifecyclePolicy\","  \
    "\"ecr:GetLifecyclePolicyPreview\",\"ecr:ListTagsForResource\","                               \
    "\"ecr:DescribeImageScanFindings\""

/* Without those whose document is long: they exist as all others do.
 * Source: AWS Managed Policy Reference Guide. */
static const struct {
    const char *resource; /* behind "policy" */
    const char *document;
} listed[] = {
    {"/AdministratorAccess",
     "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
     "\"Resource\":\"*\"}]}"},
    {"/AmazonEC2ContainerRegistryFullAccess", ALLOW("\"ecr:*\",\"cloudtrail:LookupEvents\"")},
    {"/AmazonEC2ContainerRegistryPowerUser",
     ALLOW(ECR_READ ",\"ecr:InitiateLayerUpload\",\"ecr:UploadLayerPart\","
                    "\"ecr:CompleteLayerUpload\",\"ecr:PutImage\"")},
    {"/AmazonEC2ContainerRegistryReadOnly", ALLOW(ECR_READ)},
    {"/AmazonS3FullAccess", ALLOW("\"s3:*\",\"s3-object-lambda:*\"")},
    {"/AmazonS3ReadOnlyAccess",
     ALLOW("\"s3:Get*\",\"s3:List*\",\"s3:Describe*\",\"s3-object-lambda:Get*\","
           "\"s3-object-lambda:List*\"")},
    {"/AWSXRayDaemonWriteAccess",
     ALLOW("\"xray:PutTraceSegments\",\"xray:PutTelemetryRecords\",\"xray:GetSamplingRules\","
           "\"xray:GetSamplingTargets\",\"xray:GetSamplingStatisticSummaries\"")},
    {"/service-role/AmazonECSTaskExecutionRolePolicy",
     ALLOW("\"ecr:GetAuthorizationToken\",\"ecr:BatchCheckLayerAvailability\","
           "\"ecr:GetDownloadUrlForLayer\",\"ecr:BatchGetImage\",\"logs:CreateLogStream\","
           "\"logs:PutLogEvents\"")},
    {"/service-role/AWSLambdaBasicExecutionRole", ALLOW(LOGS)},
    {"/service-role/AWSLambdaDynamoDBExecutionRole",
     ALLOW("\"dynamodb:DescribeStream\",\"dynamodb:GetRecords\",\"dynamodb:GetShardIterator\","
           "\"dynamodb:ListStreams\"," LOGS)},
    {"/service-role/AWSLambdaKinesisExecutionRole",
     ALLOW("\"kinesis:DescribeStream\",\"kinesis:DescribeStreamSummary\",\"kinesis:GetRecords\","
           "\"kinesis:GetShardIterator\",\"kinesis:ListShards\",\"kinesis:ListStreams\","
           "\"kinesis:SubscribeToShard\"," LOGS)},
    {"/service-role/AWSLambdaSQSQueueExecutionRole",
     ALLOW("\"sqs:ReceiveMessage\",\"sqs:DeleteMessage\",\"sqs:GetQueueAttributes\"," LOGS)},
    {"/service-role/AWSLambdaVPCAccessExecutionRole",
     ALLOW(LOGS ",\"ec2:CreateNetworkInterface\",\"ec2:DescribeNetworkInterfaces\","
                "\"ec2:DescribeSubnets\",\"ec2:DeleteNetworkInterface\","
                "\"ec2:AssignPrivateIpAddresses\",\"ec2:UnassignPrivateIpAddresses\"")},
};

#define NOTHING_ALLOWED "{\"Version\":\"2012-10-17\",\"Statement\":[]}"

size_t managed_policies_count(void) {
    return sizeof listed / sizeof listed[0];
}

void managed_policy_arn(const struct call *call, size_t index, char *buffer, size_t size) {
    (void)snprintf(buffer, size, "arn:%s:iam::aws:policy%s", virga_arn_partition(call->req->region),
                   listed[index].resource);
}

int managed_policy_is(const char *arn) {
    struct virga_arn parts;
    if (virga_arn_parse(virga_str_from(arn), &parts) != 0 ||
        !virga_str_equal(parts.service, virga_str_from("iam")) || parts.region.len != 0 ||
        !virga_str_equal(parts.account, virga_str_from("aws")) ||
        strncmp(parts.resource.ptr, "policy/", 7) != 0) {
        return 0;
    }
    const char *resource = parts.resource.ptr + strlen("policy/");
    const char *name = strrchr(parts.resource.ptr, '/') + 1;
    for (const char *at = resource; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("+=,.@_-/", *at) == NULL) {
            return 0;
        }
    }
    return name[0] != '\0' && strlen(name) <= NAME_MAX_LEN && strstr(resource, "//") == NULL;
}

/* An id that is the same for ever. */
static int make_id(const char *resource, char ret_id[ID_SIZE]) {
    char hex[VIRGA_SHA256_HEX_LEN + 1];
    int result = virga_sha256_hex(virga_str_from(resource), hex);
    for (size_t i = 0; result == 0 && i < ID_SIZE - 1 - 4; i++) {
        ret_id[4 + i] = (char)(isdigit((unsigned char)hex[i]) ? 'G' + (hex[i] - '0')
                                                              : toupper((unsigned char)hex[i]));
    }
    memcpy(ret_id, "ANPA", 4);
    ret_id[ID_SIZE - 1] = '\0';
    return result;
}

static int fill(struct json_object *record, const char *arn) {
    const char *resource = strchr(arn, '/'); /* "/service-role/Name" */
    const char *name = strrchr(resource, '/') + 1;
    const char *document = NOTHING_ALLOWED;
    char id[ID_SIZE];
    for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++) {
        document = strcmp(listed[i].resource, resource) == 0 ? listed[i].document : document;
    }
    struct json_object *version = json_object_new_object();
    struct json_object *versions = record_array(record, "Versions");
    if (versions == NULL) {
        json_object_put(version);
        return -ENOMEM;
    }
    int result = array_add(versions, version);
    result = result == 0 ? make_id(resource, id) : result;
    result = result == 0 ? record_set(record, "Id", virga_str_from(id)) : result;
    result = result == 0 ? record_set(record, "Name", virga_str_from(name)) : result;
    result = result == 0 ? record_set(record, "Path",
                                      (struct virga_str){resource, (size_t)(name - resource)})
                         : result;
    result = result == 0 ? record_set(record, "Arn", virga_str_from(arn)) : result;
    result = result == 0 ? record_set(record, "Default", virga_str_from("v1")) : result;
    result = result == 0 ? record_set_int(record, "CreateDate", CREATED_MS) : result;
    result = result == 0 ? record_set_int(record, "UpdateDate", CREATED_MS) : result;
    result = result == 0 ? record_set(version, "Id", virga_str_from("v1")) : result;
    result = result == 0 ? record_set(version, "Document", virga_str_from(document)) : result;
    return result == 0 ? record_set_int(version, "CreateDate", CREATED_MS) : result;
}

int managed_policy_read(const struct call *call, const char *arn, struct json_object **ret_record) {
    struct json_object *record = json_object_new_object();
    int result = record != NULL ? fill(record, arn) : -ENOMEM;
    (void)call;
    if (result != 0) {
        json_object_put(record);
        return result;
    }
    *ret_record = record;
    return 0;
}
