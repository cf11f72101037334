/* SPDX-License-Identifier: MIT */
/* The short life of a child between fork and its program: asks the kernel for a signal when the
 * host dies, then becomes the program. A process of its own because fork hooks of libuv end at
 * exec. */
#ifndef CORE_PROCESS_CHILD_H
#define CORE_PROCESS_CHILD_H

/* argv[1] of a virga that is to be such a child. */
#define PROCESS_CHILD_COMMAND "__child"

/* virga __child <signal> <parent's pid> -- <program> [argument]...
 * Does not return when all goes well; else the exit status, with a line on stderr. */
int process_child_main(int argc, char **argv);

/* Which virga ext_process starts such children through ("/proc/self/exe"); NULL, as at first: none,
 * children are started directly and survive a host that is killed. `path` is static text. Thread:
 * [loop]. */
void process_child_use(const char *path);
/* What process_child_use() was given. */
const char *process_child_program(void);

#endif
