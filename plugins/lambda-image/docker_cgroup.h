/* SPDX-License-Identifier: MIT */
/* A container's memory group, where the engine's containers are processes of this machine. Small
 * reads of the kernel's own files: they wait for no disk. */
#ifndef LAMBDA_DOCKER_CGROUP_H
#define LAMBDA_DOCKER_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOCKER_CGROUP_MAX 256

/* Finds the group of a container (its full id) below `root`, "/sys/fs/cgroup". False: it cannot be
 * seen from here. */
bool docker_cgroup_find(const char *root, const char *container, char ret_path[DOCKER_CGROUP_MAX]);
/* Bytes used at most; -1: the kernel does not tell, or the group is gone. */
int64_t docker_cgroup_peak(const char *path);
/* Whether the kernel killed a process of it that wanted more memory than the limit. */
bool docker_cgroup_killed(const char *path);

#endif
