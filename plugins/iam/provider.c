/* SPDX-License-Identifier: MIT */
/* Identity providers as stored objects: nobody is asked. OpenID Connect: the Name is the URL
 * without "https://", ClientIDList and ThumbprintList. SAML: SAMLMetadataDocument and ValidUntil.
 */
#include "actions.h"
#include "entity.h"

#include <errno.h>

/* Source: IAM User Guide, "IAM and AWS STS quotas". */
#define CLIENT_IDS_MAX 100
#define THUMBPRINTS_MAX 5
/* A provider's certificate is taken to last so long: AWS reads it off the document. */
#define SAML_VALID_MS (INT64_C(100) * 365 * 24 * 3600 * 1000)

static void answer_arn(struct call *call, const char *member, struct json_object *record) {
    struct virga_xml_writer writer = {0};
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    virga_xml_string(&writer, member, record_string(record, "Arn"));
    tags_write(&writer, record);
    (void)virga_query_answer(call->req, &writer, call->action);
}

/* Copies a list of texts from the input. Returns 0, or has answered the call. */
static int set_list(struct call *call, struct json_object *record, const char *member, size_t max) {
    struct json_object *list = virga_awsjson_member(call->input, member);
    if (virga_awsjson_length(call->input, member) > max) {
        call_fail(call, LIMIT_EXCEEDED, "Cannot exceed quota for %sPerOpenIdConnectProvider: %zu",
                  strcmp(member, "ClientIDList") == 0 ? "ClientIds" : "Thumbprints", max);
        return -EDQUOT;
    }
    if (list != NULL && json_object_object_add(record, member, json_object_get(list)) != 0) {
        json_object_put(list);
        call_fail_internally(call, -ENOMEM);
        return -ENOMEM;
    }
    return 0;
}

static void write_list(struct virga_xml_writer *writer, struct json_object *record,
                       const char *member) {
    struct json_object *list = virga_awsjson_member(record, member);
    virga_xml_begin(writer, member);
    for (size_t i = 0; i < virga_awsjson_length(record, member); i++) {
        virga_xml_string(writer, "member", array_string(list, i));
    }
    virga_xml_end(writer, member);
}

void action_create_oidc_provider(struct call *call) {
    const char *url = call_str(call, "Url").ptr;
    if (strncmp(url, "https://", 8) != 0 || url[8] == '\0' || strpbrk(url, "? ") != NULL) {
        call_fail(call, VALIDATION_ERROR, "Invalid Open ID Connect Provider URL");
        return;
    }
    struct json_object *provider = entity_make(call, &kind_oidc, url + strlen("https://"));
    if (provider != NULL && set_list(call, provider, "ClientIDList", CLIENT_IDS_MAX) == 0 &&
        set_list(call, provider, "ThumbprintList", THUMBPRINTS_MAX) == 0 &&
        entity_save(call, &kind_oidc, provider) == 0) {
        answer_arn(call, "OpenIDConnectProviderArn", provider);
    }
    json_object_put(provider);
}

void action_get_oidc_provider(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct json_object *provider = entity_of(call);
    if (provider != NULL) {
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        virga_xml_string(&writer, "Url", record_string(provider, "Name"));
        write_list(&writer, provider, "ClientIDList");
        write_list(&writer, provider, "ThumbprintList");
        virga_xml_time(&writer, "CreateDate", virga_awsjson_int(provider, "CreateDate", 0));
        tags_write(&writer, provider);
        (void)virga_query_answer(call->req, &writer, call->action);
    }
    json_object_put(provider);
}

void action_delete_provider(struct call *call) {
    struct json_object *provider = entity_of(call);
    if (provider != NULL) {
        int result = record_delete(call, call->kind, provider);
        if (result == 0) {
            call_answer_empty(call);
        } else {
            call_fail_internally(call, result);
        }
    }
    json_object_put(provider);
}

void action_add_client_id(struct call *call) {
    struct json_object *provider = entity_of(call);
    struct virga_str id = call_str(call, "ClientID");
    struct json_object *ids = provider != NULL ? record_array(provider, "ClientIDList") : NULL;
    if (provider == NULL) {
        return;
    }
    int result = ids != NULL ? 0 : -ENOMEM;
    if (result == 0 && array_find(ids, NULL, id.ptr) < 0) {
        if (json_object_array_length(ids) >= CLIENT_IDS_MAX) {
            call_fail(call, LIMIT_EXCEEDED,
                      "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d",
                      CLIENT_IDS_MAX);
            json_object_put(provider);
            return;
        }
        result = array_add(ids, json_object_new_string_len(id.ptr, (int)id.len));
    }
    if (result != 0) {
        call_fail_internally(call, result);
    } else if (entity_save(call, &kind_oidc, provider) == 0) {
        call_answer_empty(call);
    }
    json_object_put(provider);
}

void action_remove_client_id(struct call *call) {
    struct json_object *provider = entity_of(call);
    struct json_object *ids = virga_awsjson_member(provider, "ClientIDList");
    if (provider == NULL) {
        return;
    }
    ptrdiff_t at = array_find(ids, NULL, call_str(call, "ClientID").ptr);
    if (at >= 0) {
        (void)json_object_array_del_idx(ids, (size_t)at, 1);
    }
    if (entity_save(call, &kind_oidc, provider) == 0) {
        call_answer_empty(call);
    }
    json_object_put(provider);
}

void action_update_thumbprints(struct call *call) {
    struct json_object *provider = entity_of(call);
    if (provider != NULL && set_list(call, provider, "ThumbprintList", THUMBPRINTS_MAX) == 0 &&
        entity_save(call, &kind_oidc, provider) == 0) {
        call_answer_empty(call);
    }
    json_object_put(provider);
}

void action_create_saml_provider(struct call *call) {
    struct json_object *provider = entity_make(call, &kind_saml, call_str(call, "Name").ptr);
    if (provider == NULL) {
        return;
    }
    int result =
        record_set(provider, "SAMLMetadataDocument", call_str(call, "SAMLMetadataDocument"));
    result = result == 0 ? record_set_int(provider, "ValidUntil", call_now_ms(call) + SAML_VALID_MS)
                         : result;
    if (result != 0) {
        call_fail_internally(call, result);
    } else if (entity_save(call, &kind_saml, provider) == 0) {
        answer_arn(call, "SAMLProviderArn", provider);
    }
    json_object_put(provider);
}

void action_update_saml_provider(struct call *call) {
    struct virga_str document = call_str(call, "SAMLMetadataDocument");
    struct json_object *provider = entity_of(call);
    if (provider == NULL) {
        return;
    }
    int result = document.ptr != NULL ? record_set(provider, "SAMLMetadataDocument", document) : 0;
    if (result != 0) {
        call_fail_internally(call, result);
    } else if (entity_save(call, &kind_saml, provider) == 0) {
        struct virga_xml_writer writer = {0};
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        virga_xml_string(&writer, "SAMLProviderArn", record_string(provider, "Arn"));
        (void)virga_query_answer(call->req, &writer, call->action);
    }
    json_object_put(provider);
}

void action_get_saml_provider(struct call *call) {
    struct virga_xml_writer writer = {0};
    struct json_object *provider = entity_of(call);
    if (provider != NULL) {
        virga_query_begin(&writer, call->action, IAM_XMLNS);
        virga_xml_string(&writer, "SAMLMetadataDocument",
                         record_string(provider, "SAMLMetadataDocument"));
        virga_xml_time(&writer, "CreateDate", virga_awsjson_int(provider, "CreateDate", 0));
        virga_xml_time(&writer, "ValidUntil", virga_awsjson_int(provider, "ValidUntil", 0));
        tags_write(&writer, provider);
        (void)virga_query_answer(call->req, &writer, call->action);
    }
    json_object_put(provider);
}

/* A page_show. */
static int show_provider(struct page *page, struct virga_str name, struct virga_str value,
                         void *arg) {
    struct json_object *provider = NULL;
    int result = virga_awsjson_parse(value, &provider);
    (void)name;
    (void)arg;
    if (result != 0) {
        return result == -EBADMSG ? -EIO : result;
    }
    virga_xml_begin(page->writer, "member");
    virga_xml_string(page->writer, "Arn", record_string(provider, "Arn"));
    if (page->call->kind == &kind_saml) {
        virga_xml_time(page->writer, "CreateDate", virga_awsjson_int(provider, "CreateDate", 0));
        virga_xml_time(page->writer, "ValidUntil", virga_awsjson_int(provider, "ValidUntil", 0));
    }
    virga_xml_end(page->writer, "member");
    json_object_put(provider);
    return 1;
}

/* These lists have no pages at AWS, as there are at most a few hundred. */
void action_list_providers(struct call *call) {
    const char *list = call->kind == &kind_oidc ? "OpenIDConnectProviderList" : "SAMLProviderList";
    struct virga_xml_writer writer = {0};
    struct page page = {
        .call = call, .writer = &writer, .left = PAGE_LOOKED_MAX, .looked = PAGE_LOOKED_MAX};
    struct key key;
    key_entity(call, call->kind, "", &key);
    virga_query_begin(&writer, call->action, IAM_XMLNS);
    virga_xml_begin(&writer, list);
    page_scan(&page, 0, &key, show_provider, NULL);
    virga_xml_end(&writer, list);
    if (page.error != 0) {
        virga_xml_finish(&writer);
        call_fail_internally(call, page.error);
        return;
    }
    (void)virga_query_answer(call->req, &writer, call->action);
}
