/* SPDX-License-Identifier: MIT */
/* The program: the table of its commands. */
#include "cli.h"
#include "cli_check_plugin.h"
#include "process_child.h"
#include "supervisor.h"

static int serve(const struct cli_args *args) {
    return args->no_supervisor ? host_run(&args->options) : supervisor_run(&args->options);
}

static const struct cli_command commands[] = {
    {
        .name = "serve",
        .run = serve,
        .flags = CLI_TAKES_SETTINGS | CLI_SUPERVISES,
        .summary = "Serves the APIs until it is told to stop.",
        .help =
            "Runs in the foreground; the log goes to stderr. SIGTERM and SIGINT stop it, a second\n"
            "one at once. SIGHUP takes over a new configuration and new plugins.\n",
    },
    {
        .name = "config",
        .run = cli_config,
        .flags = CLI_TAKES_SETTINGS | CLI_TAKES_JSON,
        .words = "KEY",
        .words_max = 1,
        .summary = "Shows every setting: its value, where that comes from, and what it means.",
        .help =
            "With KEY only that setting, or the group of settings below it; the name of a plugin\n"
            "(or core) stands for its settings.\n",
    },
    {
        .name = "plugins",
        .run = cli_plugins,
        .flags = CLI_TAKES_SETTINGS | CLI_TAKES_JSON,
        .summary = "Shows the plugins that serve would load, in the order of their start.",
        .help = "What would be left out is named with the reason. Nothing is started.\n",
    },
    {
        .name = "inspect",
        .run = cli_inspect,
        .flags = CLI_TAKES_JSON,
        .words = "FILE.so",
        .words_min = 1,
        .words_max = 1,
        .summary = "Shows what a plugin file says of itself.",
        .help = "Its descriptor, what it exports and which shared libraries it needs. Of its code\n"
                "only what the dynamic loader runs is run, in a process of its own.\n",
    },
    {
        .name = "check-plugin",
        .run = cli_check_plugin,
        .words = "FILE.so [KEY=VALUE]...",
        .words_min = 1,
        .words_max = CLI_WORDS_MAX,
        .summary =
            "Tests a plugin: what it exports and says of itself, how it starts, answers, stops.",
        .help = "Runs it in child processes on a host in memory; nothing is opened or stored. "
                "KEY=VALUE\n"
                "are settings of the plugin. Exit status 0 when nothing FAILs.\n",
    },
    {
        .name = "doctor",
        .run = cli_doctor,
        .flags = CLI_TAKES_SETTINGS | CLI_TAKES_JSON,
        .summary = "Checks what this machine has and lacks, and says how to mend it.",
        .help = "Exit status 0 when nothing FAILs. Plugins add checks of what they need.\n",
    },
    {
        .name = "forward",
        .run = cli_forward,
        .words = "LISTEN TARGET",
        .words_min = 2,
        .words_max = 2,
        .summary = "Passes TCP connections on, from one address and port to another.",
        .help = "Both as 127.0.0.1:5100 or [::1]:5100. virga in a container has a second container "
                "run\n"
                "this, so that the machine reaches the registry's port.\n",
    },
};

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], PROCESS_CHILD_COMMAND) == 0) {
        return process_child_main(argc, argv);
    }
    return cli_main(commands, sizeof commands / sizeof commands[0], argv);
}
