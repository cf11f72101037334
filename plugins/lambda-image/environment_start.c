/* SPDX-License-Identifier: MIT */
/* What an environment is started with: its names, its port, its process. */
#include "environment_impl.h"
#include "environment_vars.h"
#include "uuid.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

int start_listener(struct environment *environment) {
    struct lambda *lambda = environment->lambda;
    const struct executor *executor = environment->executor;
    const struct virga_listener_options options = {.struct_size = sizeof options,
                                                   .flags =
                                                       VIRGA_ROUTE_STREAM | VIRGA_LISTENER_PATIENT,
                                                   .addresses = executor->listen_addresses,
                                                   .on_request = runtime_api_handle,
                                                   .arg = environment};
    int result = lambda->listener->open(lambda->host, &options, &environment->listener);
    if (result == 0) {
        bool is_ipv6 = strchr(executor->reach_host, ':') != NULL && executor->reach_host[0] != '[';
        (void)snprintf(environment->runtime_api, sizeof environment->runtime_api, "%s%s%s:%u",
                       is_ipv6 ? "[" : "", executor->reach_host, is_ipv6 ? "]" : "",
                       (unsigned)lambda->listener->port(environment->listener));
    }
    return result;
}

static void doom(struct environment *environment, enum executor_end end, const char *reason) {
    environment->process_gone = true;
    environment->doomed = true;
    environment->end = (struct executor_exit){.end = end, .reason = reason};
    environment_later(environment);
}

static int spawn(struct environment *environment, const char *const *argv, char **vars) {
    const struct function *function = environment->function;
    const char *user = function_image_text(function, "User");
    const struct executor_spec spec = {.id = environment->id,
                                       .digest = function->digest,
                                       .argv = argv,
                                       .env = (const char *const *)vars,
                                       .cwd = environment->cwd,
                                       .user = user != NULL ? user : "",
                                       .label = function->arn,
                                       .memory_mb = function->memory_mb,
                                       .tmp_mb = function->tmp_mb,
                                       .on_output = output_take,
                                       .on_exit = environment_on_exit,
                                       .arg = environment};
    return environment->executor->start(environment->executor, &spec, &environment->instance);
}

int start_process(struct environment *environment) {
    const struct function *function = environment->function;
    const struct environment_facts facts = {.runtime_api = environment->runtime_api,
                                            .endpoint_url = environment->executor->endpoint_url,
                                            .log_stream = environment->log_stream,
                                            .provisioned = environment->invocation == NULL};
    size_t count = function_argv(function, NULL, 0);
    environment->cwd = function_working_directory(function);
    if (count == 0) {
        doom(environment, EXECUTOR_ENTRYPOINT, "Couldn't find valid bootstrap(s): []");
        return 0;
    }
    if (environment->cwd[0] != '/') {
        doom(environment, EXECUTOR_WORKDIR, "");
        return 0;
    }
    const char **argv = calloc(count + 1, sizeof *argv);
    char **vars = NULL;
    int result = argv != NULL ? environment_vars_make(function, &facts, &vars) : -ENOMEM;
    if (result == 0) {
        (void)function_argv(function, argv, count);
        result = spawn(environment, argv, vars);
    }
    environment_vars_destroy(vars);
    free(argv);
    return result;
}

/* Source: AWS-recorded names: the day, the version, and 32 hex digits. */
void start_names(struct environment *environment) {
    const struct lambda *lambda = environment->lambda;
    time_t seconds = (time_t)(lambda->timer->now_ms(lambda->host) / 1000);
    uint64_t bits[2] = {0};
    struct tm parts = {0};
    char day[16];
    (void)getrandom(bits, sizeof bits, 0);
    (void)gmtime_r(&seconds, &parts);
    (void)strftime(day, sizeof day, "%Y/%m/%d", &parts);
    uuid_make(environment->id);
    (void)snprintf(environment->log_stream, sizeof environment->log_stream,
                   "%s/[%.10s]%016llx%016llx", day, environment->function->version,
                   (unsigned long long)bits[0], (unsigned long long)bits[1]);
}
