/* SPDX-License-Identifier: MIT */
/* The files around scans: findings files, a scanner's report and its log. Blocking; what is not
 * said to be [worker] is short. Functions return 0 or a negative errno. */
#ifndef ECR_SCAN_FILE_H
#define ECR_SCAN_FILE_H

#include "ecr.h"

#define SCAN_FILE_PATH_MAX 2048
#define SCAN_LOG_MAX_BYTES (1u << 20)

/* Owns: ptr; free with scan_file_finish(). */
struct scan_file {
    char *ptr;
    size_t len;
};

/* Finds an image's report below `findings`: the file itself, or in a folder the first of
 * <digest>.json, <hex digits of the digest>.json, <repository>.json (slashes are folders). Errors:
 * -ESRCH the folder has none, -ENAMETOOLONG, others from the system. Thread: [worker]. */
int scan_file_find(const char *findings, const char *name, const char *digest,
                   char ret_path[SCAN_FILE_PATH_MAX]);
/* Reads a regular file. Errors: -EFBIG it is larger than `max`, others from the system. Thread:
 * [worker]. */
int scan_file_read(const char *path, size_t max, struct scan_file *ret_file);
void scan_file_finish(struct scan_file *file);
/* The last line that is not blank; "" where there is none. Thread: [worker]. */
void scan_file_last_line(const char *path, char *buffer, size_t size);
/* Empties a log that is larger than SCAN_LOG_MAX_BYTES. */
void scan_file_cap(const char *path);
/* Makes a folder and those above it. */
int scan_file_make_folder(const char *path);
/* Removes the reports and logs that a crash left in it. */
void scan_file_clean_folder(const char *path);

#endif
