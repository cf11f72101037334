/* SPDX-License-Identifier: MIT */
/* A template, its parameters and resources that are what their names say. */
#ifndef SCOPE_FIXTURE_H
#define SCOPE_FIXTURE_H

#include "cfn_fixture.h"
#include "order.h"
#include "parameters.h"
#include "scope.h"
#include "template.h"

struct scene {
    struct json_object *root;
    struct json_object *set;
    struct scope scope;
    struct fault fault;
};

static inline int scene_resource(void *arg, const char *logical, struct virga_str attribute,
                                 struct json_object **ret_value, struct fault *fault) {
    char text[300];
    (void)arg;
    (void)fault;
    (void)snprintf(text, sizeof text, attribute.ptr != NULL ? "<%s.%s>" : "<%s>", logical,
                   attribute.ptr);
    *ret_value = json_object_new_string(text);
    return 0;
}

static inline int scene_import(void *arg, const char *name, struct json_object **ret_value,
                               struct fault *fault) {
    (void)arg;
    if (strcmp(name, "there") != 0) {
        return fault_set(fault, "No export named %s found", name);
    }
    *ret_value = json_object_new_string("imported");
    return 0;
}

/* Parses a template and gives it these parameters (YAML; NULL = none). */
static inline int scene_try(struct scene *scene, const char *template, const char *given) {
    memset(scene, 0, sizeof *scene);
    struct json_object *list = given != NULL ? parsed(given) : NULL;
    int result = template_parse(virga_str_from(template), NULL, NULL, &scene->root, &scene->fault);
    if (result == 0) {
        result = parameters_make(scene->root, list, NULL, &scene->set, &scene->fault);
    }
    json_object_put(list);
    scene->scope = (struct scope){.root = scene->root,
                                  .parameters = scene->set,
                                  .account = "111122223333",
                                  .region = "eu-west-1",
                                  .stack_id = "arn:aws:cloudformation:eu-west-1:111122223333:"
                                              "stack/Demo/1234",
                                  .stack_name = "Demo",
                                  .resource = scene_resource,
                                  .import = scene_import};
    return result;
}

static inline void scene_begin(struct scene *scene, const char *template, const char *given) {
    int result = scene_try(scene, template, given);
    if (result != 0) {
        fail_msg("%d: %s", result, scene->fault.text);
    }
}

static inline void scene_end(struct scene *scene) {
    scope_finish(&scene->scope);
    json_object_put(scene->set);
    json_object_put(scene->root);
}

/* What a value evaluates to. */
static inline void assert_evaluates(struct scene *scene, const char *value, const char *json) {
    struct json_object *given = parsed(value);
    struct json_object *got = NULL;
    int result = scope_evaluate(&scene->scope, given, &got, &scene->fault);
    if (result != 0) {
        fail_msg("%s: %s", value, scene->fault.text);
    }
    json_object_put(given);
    assert_string_equal(got != NULL ? value_json(got) : "", json);
    json_object_put(got);
}

static inline void assert_fails(struct scene *scene, const char *value, const char *message) {
    struct json_object *given = parsed(value);
    struct json_object *got = NULL;
    assert_int_equal(scope_evaluate(&scene->scope, given, &got, &scene->fault), -EINVAL);
    json_object_put(given);
    assert_string_equal(scene->fault.text, message);
}

static inline void assert_template_fails(const char *template, const char *given,
                                         const char *message) {
    struct scene scene;
    assert_int_equal(scene_try(&scene, template, given), -EINVAL);
    assert_string_equal(scene.fault.text, message);
    scene_end(&scene);
}

#endif
