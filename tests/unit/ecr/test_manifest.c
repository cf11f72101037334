/* SPDX-License-Identifier: MIT */
/* What manifests say, and which are refused. */
#include "manifest.h"
#include "reference.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CONFIG "\"config\":{\"mediaType\":\"app/config\",\"digest\":\"" A "\",\"size\":10}"
#define LAYER "{\"mediaType\":\"app/layer\",\"digest\":\"" B "\",\"size\":2147483648}"

static int parse(const char *text, const char *type, struct manifest *manifest) {
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    int result = manifest_parse(virga_str_from(text), virga_str_from(type), manifest, &err);
    assert_true((result == 0) == (err.text[0] == '\0'));
    return result;
}

static void an_image_is_measured_by_config_and_layers(void **state) {
    static const char text[] = "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_OCI_IMAGE
                               "\"," CONFIG ",\"layers\":[" LAYER "," LAYER "]}\n";
    struct manifest manifest;
    char digest[ECR_DIGEST_LEN + 1];
    (void)state;
    assert_int_equal(parse(text, MANIFEST_OCI_IMAGE "; charset=utf-8", &manifest), 0);
    assert_false(manifest.index);
    assert_false(manifest.own);
    assert_string_equal(manifest.image.media_type, MANIFEST_OCI_IMAGE);
    assert_string_equal(manifest.image.artifact_media_type, "app/config");
    assert_true(manifest.image.size_bytes == UINT64_C(4294967306));
    assert_int_equal(manifest.image.manifest_bytes, sizeof text - 1);
    assert_int_equal(manifest.blobs_count, 3);
    assert_string_equal(manifest.blobs[0], A);
    assert_null(manifest.image.subject);
    assert_int_equal(reference_digest(virga_str_from(text), digest), 0);
    assert_string_equal(manifest.image.digest, digest);
    manifest_finish(&manifest);
}

static void an_artifact_names_its_type_and_subject(void **state) {
    struct manifest manifest;
    (void)state;
    assert_int_equal(parse("{\"schemaVersion\":2,\"artifactType\":\"app/sbom\"," CONFIG
                           ",\"layers\":[],\"subject\":{\"mediaType\":\"x\",\"digest\":\"" B
                           "\",\"size\":3},"
                           "\"annotations\":{\"io.virga.pin\":\"gc\"}}",
                           MANIFEST_OCI_IMAGE, &manifest),
                     0);
    assert_string_equal(manifest.image.artifact_media_type, "app/sbom");
    assert_string_equal(manifest.image.subject, B);
    assert_true(manifest.own);
    manifest_finish(&manifest);
}

static void an_index_lists_its_children(void **state) {
    static const char text[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_DOCKER_LIST
        "\",\"manifests\":[{\"digest\":\"" A "\",\"size\":1},{\"digest\":\"" B "\",\"size\":2}]}";
    struct manifest manifest;
    (void)state;
    /* The media type of the document is taken when the client says none. */
    assert_int_equal(parse(text, "", &manifest), 0);
    assert_true(manifest.index);
    assert_int_equal(manifest.image.children_count, 2);
    assert_string_equal(manifest.image.children[1], B);
    assert_int_equal(manifest.image.size_bytes, sizeof text - 1);
    assert_null(manifest.image.artifact_media_type);
    manifest_finish(&manifest);
}

static void malformed_manifests_are_refused(void **state) {
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "null",
        "{}",
        "{\"schemaVersion\":1," CONFIG "}",
        "{\"schemaVersion\":\"2\"," CONFIG "}",
        "{\"schemaVersion\":2}",
        "{\"schemaVersion\":2,\"config\":7}",
        "{\"schemaVersion\":2,\"config\":null}",
        "{\"schemaVersion\":2,\"config\":{\"digest\":\"" A "\"}}",
        "{\"schemaVersion\":2,\"config\":{\"digest\":\"" A "\",\"size\":-1}}",
        "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha512:00\",\"size\":1}}",
        "{\"schemaVersion\":2," CONFIG ",\"layers\":{}}",
        "{\"schemaVersion\":2," CONFIG ",\"layers\":[null]}",
        "{\"schemaVersion\":2," CONFIG ",\"subject\":{}}",
        "{\"schemaVersion\":2," CONFIG "} trailing",
        "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_OCI_INDEX "\"," CONFIG "}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct manifest manifest;
        assert_int_equal(parse(bad[i], MANIFEST_OCI_IMAGE, &manifest), -EINVAL);
    }
}

static void unknown_and_old_media_types_are_refused(void **state) {
    static const char *const types[] = {"application/vnd.docker.distribution.manifest.v1+json",
                                        "application/vnd.docker.distribution.manifest.v1+prettyjws",
                                        "application/json", "x"};
    struct manifest manifest;
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_int_equal(parse("{\"schemaVersion\":2," CONFIG "}", types[i], &manifest), -EINVAL);
    }
    assert_int_equal(parse("{\"schemaVersion\":2," CONFIG "}", "", &manifest), -EINVAL);
}

static void caps_hold(void **state) {
    struct manifest manifest;
    (void)state;
    char *deep = calloc(1, 4096);
    assert_non_null(deep);
    strcat(deep, "{\"schemaVersion\":2," CONFIG ",\"x\":");
    size_t at = strlen(deep);
    for (int i = 0; i < MANIFEST_MAX_DEPTH + 1; i++) {
        deep[at++] = '[';
    }
    for (int i = 0; i < MANIFEST_MAX_DEPTH + 1; i++) {
        deep[at++] = ']';
    }
    deep[at] = '}';
    assert_int_equal(parse(deep, MANIFEST_OCI_IMAGE, &manifest), -EINVAL);
    free(deep);

    size_t size = MANIFEST_MAX_BYTES + 1;
    char *large = malloc(size);
    assert_non_null(large);
    memset(large, ' ', size);
    assert_int_equal(manifest_parse((struct virga_str){large, size},
                                    virga_str_from(MANIFEST_OCI_IMAGE), &manifest, NULL),
                     -EINVAL);
    /* One layer more than ECR allows. */
    size_t used = (size_t)snprintf(large, size, "{\"schemaVersion\":2," CONFIG ",\"layers\":[");
    for (int i = 0; i <= MANIFEST_MAX_LAYERS; i++) {
        used += (size_t)snprintf(large + used, size - used, "%s" LAYER, i > 0 ? "," : "");
    }
    used += (size_t)snprintf(large + used, size - used, "]}");
    assert_int_equal(manifest_parse((struct virga_str){large, used},
                                    virga_str_from(MANIFEST_OCI_IMAGE), &manifest, NULL),
                     -EINVAL);
    free(large);
}

#define REFERS                                                                                     \
    "{\"schemaVersion\":2," CONFIG ",\"subject\":{\"digest\":\"" B "\",\"size\":3},"               \
                                                                   "\"annotations\":"

static void annotations_are_kept_for_the_subjects_list(void **state) {
    struct manifest manifest;
    (void)state;
    assert_int_equal(parse(REFERS "{\"z\":\"1/2\",\"a\":\"\\u00e4\\\"\",\"n\":5,\"o\":{}}}",
                           MANIFEST_OCI_IMAGE, &manifest),
                     0);
    assert_string_equal(manifest.image.annotations, "{\"z\":\"1/2\",\"a\":\"\xc3\xa4\\\"\"}");
    manifest_finish(&manifest);
    assert_int_equal(parse(REFERS "{}}", MANIFEST_OCI_IMAGE, &manifest), 0);
    assert_null(manifest.image.annotations);
    manifest_finish(&manifest);
    assert_int_equal(parse(REFERS "[]}", MANIFEST_OCI_IMAGE, &manifest), 0);
    assert_null(manifest.image.annotations);
    manifest_finish(&manifest);
    /* One that nobody asks for by its subject. */
    assert_int_equal(parse("{\"schemaVersion\":2," CONFIG ",\"annotations\":{\"a\":\"b\"}}",
                           MANIFEST_OCI_IMAGE, &manifest),
                     0);
    assert_null(manifest.image.annotations);
    manifest_finish(&manifest);
}

static void annotations_beyond_the_cap_are_left_out(void **state) {
    size_t size = 2 * MANIFEST_ANNOTATIONS_BYTES;
    char *text = malloc(size);
    struct manifest manifest;
    (void)state;
    assert_non_null(text);
    int used = snprintf(text, size, REFERS "{\"first\":\"x\",\"second\":\"");
    memset(text + used, 'y', MANIFEST_ANNOTATIONS_BYTES);
    (void)snprintf(text + used + MANIFEST_ANNOTATIONS_BYTES, 64, "\"}}");
    assert_int_equal(parse(text, MANIFEST_OCI_IMAGE, &manifest), 0);
    assert_string_equal(manifest.image.annotations, "{\"first\":\"x\"}");
    manifest_finish(&manifest);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_measured_by_config_and_layers),
        cmocka_unit_test(an_artifact_names_its_type_and_subject),
        cmocka_unit_test(an_index_lists_its_children),
        cmocka_unit_test(malformed_manifests_are_refused),
        cmocka_unit_test(unknown_and_old_media_types_are_refused),
        cmocka_unit_test(caps_hold),
        cmocka_unit_test(annotations_are_kept_for_the_subjects_list),
        cmocka_unit_test(annotations_beyond_the_cap_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
