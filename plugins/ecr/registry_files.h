/* SPDX-License-Identifier: MIT */
/* The files of the process backend under <data-path>: configuration, secret, pid file, log, lock,
 * and the paths inside the registry's own storage. Blocking, but short. */
#ifndef ECR_REGISTRY_FILES_H
#define ECR_REGISTRY_FILES_H

#include "ecr.h"

#define REGISTRY_PATH_MAX 1024
#define REGISTRY_SECRET_LEN 64 /* hex digits */
#define REGISTRY_SECRET_MAX (REGISTRY_SECRET_LEN + 1)
#define REGISTRY_SOCKET_MAX 107            /* sun_path */
#define REGISTRY_LOG_KEPT_BYTES (1u << 20) /* a longer log becomes registry.log.1 at start */
#define REGISTRY_LOG_MAX_BYTES (16u << 20) /* a running log is emptied when it passes this */

struct registry_files {
    char data[REGISTRY_PATH_MAX];   /* <data-path> */
    char root[REGISTRY_PATH_MAX];   /* the registry's rootdirectory */
    char config[REGISTRY_PATH_MAX]; /* registry.yml */
    char log[REGISTRY_PATH_MAX];
    char trash[REGISTRY_PATH_MAX]; /* what was deleted and is being removed */
    char socket[REGISTRY_SOCKET_MAX + 1];
    int lock; /* file descriptor; -1 = not held */
};

/* Whom the pid file names. */
struct registry_pid {
    struct virga_process_id id;
    char config_digest[ECR_DIGEST_LEN + 1];
};

/* Works the paths out; touches nothing. Errors: -ENAMETOOLONG. */
int registry_files_init(struct registry_files *files, const char *data_path,
                        struct virga_error *err);
/* Lets go of the lock. */
void registry_files_finish(struct registry_files *files);
/* Takes the lock on <data-path>, makes the directories, the secret and the configuration, and puts
 * a long log aside. Errors: -EBUSY another process uses the data path, others from the system; err
 * has words. */
int registry_files_prepare(struct registry_files *files, char ret_config_digest[ECR_DIGEST_LEN + 1],
                           struct virga_error *err);

/* Makes <data-path> and the registry's root, and takes the lock. Errors: -EBUSY another process
 * uses the data path, others from the system; err has words. */
int registry_files_lock(struct registry_files *files, struct virga_error *err);
/* Whether the storage of this data path is in a volume of an engine, as was noted. */
bool registry_files_has_volume(const struct registry_files *files);
int registry_files_mark_volume(const struct registry_files *files);
/* Errors: -ENOENT there is none, or not one that makes sense. */
int registry_files_read_pid(const struct registry_files *files, struct registry_pid *ret_pid);
int registry_files_write_pid(const struct registry_files *files, const struct registry_pid *pid);
void registry_files_remove_pid(const struct registry_files *files);

/* The last line of the registry's log, its message alone; "" when there is none. */
void registry_files_last_line(const struct registry_files *files, char *buffer, size_t size);
/* Empties a log that has grown beyond REGISTRY_LOG_MAX_BYTES. */
void registry_files_cap_log(const struct registry_files *files);

/* Whether the registry has ever stored something here. */
bool registry_files_has_storage(const struct registry_files *files);
/* Where a repository's untagged revisions are: a directory with one per digest's hex digits.
 * Errors: -ENAMETOOLONG. */
int registry_files_revisions(const struct registry_files *files, const char *upstream_name,
                             char ret_path[REGISTRY_PATH_MAX]);
/* What the registry signs its upload sessions with, made where there is none. Errors: from the
 * system. */
int registry_files_secret(const struct registry_files *files,
                          char ret_secret[REGISTRY_SECRET_LEN + 1]);
/* How many bytes an upload session has on disk. `upload` is the registry's id of it. Errors:
 * -ENOENT there is no such session, others from the system. */
int registry_files_upload_size(const struct registry_files *files, const char *upstream_name,
                               const char *upload, uint64_t *ret_size);
/* Takes the repository's manifests, layers and uploads out of the registry's storage, in an
 * instant; never what belongs to a repository nested below it. What was taken waits in the trash.
 * `upstream_name` is backend_name()'s. Errors: from the system. */
int registry_files_discard(const struct registry_files *files, const char *upstream_name);
/* The same for everything: repositories, blobs and uploads; a registry that runs goes on with empty
 * storage. Errors: -EBUSY another process uses the data path, others from the system. */
int registry_files_discard_all(struct registry_files *files);
/* Puts what waits in the trash where registry_files_empty_trash() removes it; false when there is
 * nothing. */
bool registry_files_take_trash(const struct registry_files *files);
/* Removes what was taken. One at a time. Thread: [any]. */
void registry_files_empty_trash(const struct registry_files *files);

#endif
