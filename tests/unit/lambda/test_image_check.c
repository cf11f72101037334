/* SPDX-License-Identifier: MIT */
/* Which images Lambda takes, what is kept of them, and the words for the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "image_check.h"

#define STR(text) virga_str_from(text)
#define URI "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:v1"
#define RESOLVED "123456789012.dkr.ecr.us-east-1.amazonaws.com/app@" DIGEST
#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OCI "application/vnd.oci.image.manifest.v1+json"
#define DOCKER "application/vnd.docker.distribution.manifest.v2+json"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar+gzip"
#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define LAYER(type, size)                                                                          \
    "{\"mediaType\":\"" type "\",\"digest\":\"" DIGEST "\",\"size\":" #size "}"
#define MANIFEST(config, layers)                                                                   \
    "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" config "\",\"digest\":\"" DIGEST           \
    "\",\"size\":9},\"layers\":[" layers "]}"
#define CONFIG "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{}}"
#define UNSUPPORTED                                                                                \
    "The image manifest, config or layer media type for the source image " URI " is not "          \
    "supported."

static struct image_refusal refusal;

static struct virga_image make(const char *type, const char *manifest, const char *config) {
    return (struct virga_image){.struct_size = sizeof(struct virga_image),
                                .message = "",
                                .account = STR("123456789012"),
                                .region = STR("us-east-1"),
                                .repository = STR("app"),
                                .digest = STR(DIGEST),
                                .resolved_uri = STR(RESOLVED),
                                .media_type = STR(type),
                                .manifest = STR(manifest),
                                .config = STR(config)};
}

static int check(const char *type, const char *manifest, const char *config,
                 const char *architecture, struct json_object **ret_document) {
    const struct virga_image image = make(type, manifest, config);
    memset(&refusal, 0, sizeof refusal);
    return image_check(&image, STR(URI), architecture, ret_document, &refusal);
}

static void assert_taken(const char *type, const char *manifest, const char *config,
                         const char *architecture, const char *expected) {
    struct json_object *document = NULL;
    if (check(type, manifest, config, architecture, &document) != 0) {
        fail_msg("refused: %s (%s)", refusal.message, refusal.detail);
    }
    if (expected != NULL) {
        assert_string_equal(json_object_to_json_string_ext(
                                document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                            expected);
    }
    json_object_put(document);
}

static void assert_refused(const char *type, const char *manifest, const char *config,
                           const char *architecture, const char *message) {
    struct json_object *document = NULL;
    assert_int_equal(check(type, manifest, config, architecture, &document), -EBADMSG);
    assert_null(document);
    assert_int_equal(refusal.status, 400);
    assert_string_equal(refusal.code, "InvalidParameterValueException");
    assert_string_equal(refusal.message, message);
}

static void what_is_kept_of_an_image(void **state) {
    (void)state;
    assert_taken(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 100) "," LAYER(OCI_LAYER, 23)),
                 "{\n \"architecture\": \"amd64\", \"os\": \"linux\", \"config\": {\"Entrypoint\": "
                 "[\"/app\", \"-x\"], \"Cmd\": [\"handler\"], \"Env\": [\"PATH=/bin\", \"A=\"], "
                 "\"WorkingDir\": \"/var/task\", \"User\": \"app\"}, \"rootfs\": {}}\n",
                 "x86_64",
                 "{\"Uri\":\"" URI "\",\"Resolved\":\"" RESOLVED "\",\"Digest\":\"" DIGEST
                 "\",\"Size\":123,\"Account\":\"123456789012\",\"Region\":\"us-east-1\","
                 "\"Repository\":\"app\",\"EntryPoint\":[\"/app\",\"-x\"],\"Cmd\":[\"handler\"],"
                 "\"Env\":[\"PATH=/bin\",\"A=\"],\"WorkingDir\":\"/var/task\",\"User\":\"app\"}");
}

static void what_a_config_does_not_say_is_empty(void **state) {
    (void)state;
    static const char head[] =
        "{\"Uri\":\"" URI "\",\"Resolved\":\"" RESOLVED "\",\"Digest\":\"" DIGEST
        "\",\"Size\":1,\"Account\":\"123456789012\",\"Region\":"
        "\"us-east-1\",\"Repository\":\"app\",";
    char expected[1024];
    (void)snprintf(expected, sizeof expected,
                   "%s\"EntryPoint\":[],\"Cmd\":[],\"Env\":[],\"WorkingDir\":\"\",\"User\":\"\"}",
                   head);
    assert_taken(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 1)), "{\"os\":\"linux\"}", "x86_64",
                 expected);
    assert_taken(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 1)),
                 "{\"config\":{\"Entrypoint\":null,\"Cmd\":null,\"Env\":null,\"User\":null}}",
                 "arm64", expected);
    (void)snprintf(expected, sizeof expected,
                   "%s\"EntryPoint\":[\"/app\"],\"Cmd\":[],\"Env\":[],\"WorkingDir\":\"\","
                   "\"User\":\"\"}",
                   head);
    assert_taken(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 1)),
                 "{\"config\":{\"Entrypoint\":\"/app\"}}", "x86_64", expected);
}

static void docker_and_oci_are_taken(void **state) {
    (void)state;
    assert_taken(DOCKER, MANIFEST(DOCKER_CONFIG, LAYER(DOCKER_LAYER, 1)), CONFIG, "x86_64", NULL);
    assert_taken(OCI, MANIFEST(OCI_CONFIG, LAYER(DOCKER_LAYER, 1) "," LAYER(OCI_LAYER, 1)), CONFIG,
                 "x86_64", NULL);
}

static void indexes_and_artifacts_are_not(void **state) {
    (void)state;
    static const char *const types[] = {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "",
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_refused(types[i], MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 1)), CONFIG, "x86_64",
                       UNSUPPORTED);
    }
    assert_refused(OCI, MANIFEST("application/vnd.cncf.helm.config.v1+json", LAYER(OCI_LAYER, 1)),
                   CONFIG, "x86_64", UNSUPPORTED);
    assert_refused(OCI, "{\"layers\":[]}", CONFIG, "x86_64", UNSUPPORTED);
    assert_refused(OCI, "[]", CONFIG, "x86_64", UNSUPPORTED);
}

static void layers_of_other_types_are_not(void **state) {
    (void)state;
#define REFUSED_LAYER(type)                                                                        \
    assert_refused(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 1) "," LAYER(type, 1)), CONFIG,      \
                   "x86_64", UNSUPPORTED);                                                         \
    assert_string_equal(refusal.detail, "layer 1 is a " type)
    REFUSED_LAYER("application/vnd.oci.image.layer.v1.tar");
    REFUSED_LAYER("application/vnd.oci.image.layer.v1.tar+zstd");
    REFUSED_LAYER("application/vnd.oci.image.layer.v1.tar+gzip+encrypted");
    REFUSED_LAYER("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
    REFUSED_LAYER("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    REFUSED_LAYER("application/vnd.in-toto+json");
    assert_refused(OCI, MANIFEST(OCI_CONFIG, "{\"mediaType\":\"" OCI_LAYER "\",\"size\":1}"),
                   CONFIG, "x86_64", UNSUPPORTED);
    assert_refused(OCI, MANIFEST(OCI_CONFIG, "7"), CONFIG, "x86_64", UNSUPPORTED);
}

static void too_many_or_too_large_layers_are_not(void **state) {
    (void)state;
    char layers[32768], manifest[40000];
    for (size_t count = 127; count <= 128; count++) {
        layers[0] = '\0';
        for (size_t i = 0; i < count; i++) {
            (void)strcat(layers, i == 0 ? LAYER(OCI_LAYER, 1) : "," LAYER(OCI_LAYER, 1));
        }
        (void)snprintf(manifest, sizeof manifest,
                       "{\"config\":{\"mediaType\":\"" OCI_CONFIG "\"},\"layers\":[%s]}", layers);
        if (count == 127) {
            assert_taken(OCI, manifest, CONFIG, "x86_64", NULL);
        } else {
            assert_refused(OCI, manifest, CONFIG, "x86_64", UNSUPPORTED);
        }
    }
    assert_refused(OCI, MANIFEST(OCI_CONFIG, ""), CONFIG, "x86_64", UNSUPPORTED);
    assert_taken(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 10737418240)), CONFIG, "x86_64", NULL);
    assert_refused(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 10737418240) "," LAYER(OCI_LAYER, 1)),
                   CONFIG, "x86_64", UNSUPPORTED);
    assert_refused(
        OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 9223372036854775807) "," LAYER(OCI_LAYER, 1)),
        CONFIG, "x86_64", UNSUPPORTED);
    assert_refused(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, -1)), CONFIG, "x86_64", UNSUPPORTED);
}

static void configs_that_are_none_are_refused(void **state) {
    (void)state;
    static const char *const configs[] = {
        NULL,
        "no JSON",
        "{\"config\":[]}",
        "{\"config\":{\"Cmd\":{}}}",
        "{\"config\":{\"Cmd\":[1]}}",
        "{\"config\":{\"Env\":[\"A=\\u0000\"]}}",
        "{\"config\":{\"User\":1000}}",
    };
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        assert_refused(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 1)), configs[i], "x86_64",
                       UNSUPPORTED);
    }
    static char big[IMAGE_CHECK_TEXT_MAX + 64] = "{\"config\":{\"User\":\"";
    size_t len = strlen(big);
    memset(big + len, 'a', IMAGE_CHECK_TEXT_MAX);
    memcpy(big + len + IMAGE_CHECK_TEXT_MAX, "\"}}", 4);
    assert_refused(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 1)), big, "x86_64", UNSUPPORTED);
}

static void another_platform_is_refused_by_name(void **state) {
    (void)state;
    assert_taken(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 1)),
                 "{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\"}", "arm64", NULL);
    assert_refused(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 1)), CONFIG, "arm64",
                   "The architecture of the source image " URI
                   " is x86_64 and does not match the function's architecture arm64. Provide a "
                   "source image for arm64.");
    assert_refused(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 1)),
                   "{\"architecture\":\"ppc64le\",\"os\":\"linux\"}", "x86_64",
                   "The architecture of the source image " URI
                   " is ppc64le and does not match the function's architecture x86_64. Provide a "
                   "source image for x86_64.");
    assert_refused(OCI, MANIFEST(OCI_CONFIG, LAYER(OCI_LAYER, 1)),
                   "{\"architecture\":\"amd64\",\"os\":\"windows\"}", "x86_64",
                   "The source image " URI " is for the operating system windows, which is not "
                   "supported. Provide a source image for linux.");
}

static void an_image_that_was_not_found_is_told_in_the_words_of_aws(void **state) {
    (void)state;
    assert_true(image_check_outcome(VIRGA_IMAGE_NOT_FOUND, STR(URI), &refusal));
    assert_int_equal(refusal.status, 400);
    assert_string_equal(refusal.code, "InvalidParameterValueException");
    assert_string_equal(refusal.message,
                        "Source image " URI " does not exist. Provide a valid source image.");
    assert_true(image_check_outcome(VIRGA_IMAGE_INVALID, STR("app"), &refusal));
    assert_string_equal(refusal.message,
                        "Source image app is not valid. Provide a valid source image.");
    assert_true(image_check_outcome(VIRGA_IMAGE_ELSEWHERE, STR("app"), &refusal));
    assert_string_equal(refusal.message,
                        "Source image app is not valid. Provide a valid source image.");
    assert_true(image_check_outcome(VIRGA_IMAGE_DENIED, STR(URI), &refusal));
    assert_int_equal(refusal.status, 403);
    assert_string_equal(refusal.code, "AccessDeniedException");
    assert_string_equal(refusal.message, "Lambda does not have permission to access the ECR image. "
                                         "Check the ECR permissions.");
    assert_false(image_check_outcome(VIRGA_IMAGE_UNAVAILABLE, STR(URI), &refusal));
    assert_false(image_check_outcome(VIRGA_IMAGE_CANCELLED, STR(URI), &refusal));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_of_an_image),
        cmocka_unit_test(what_a_config_does_not_say_is_empty),
        cmocka_unit_test(docker_and_oci_are_taken),
        cmocka_unit_test(indexes_and_artifacts_are_not),
        cmocka_unit_test(layers_of_other_types_are_not),
        cmocka_unit_test(too_many_or_too_large_layers_are_not),
        cmocka_unit_test(configs_that_are_none_are_refused),
        cmocka_unit_test(another_platform_is_refused_by_name),
        cmocka_unit_test(an_image_that_was_not_found_is_told_in_the_words_of_aws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
