/* SPDX-License-Identifier: MIT */
/* The files that hold objects' bytes: <folder>/ab/<id>, written once and never changed.
 * A file that belongs to no record has a RECORD_FILE in the store, from before it is made until
 * after it is unlinked: what a crash leaves behind is found by that. */
#ifndef S3_FILES_H
#define S3_FILES_H

#include "s3.h"

#define FILE_ID_LEN 32
#define FILE_PATH_MAX 4096

struct file_id {
    char text[FILE_ID_LEN + 1]; /* empty: no bytes, no file */
};

/* Makes the folder ready and begins to remove what no record needs. `data_path` is absolute.
 * Errors: of mkdir(2) and the store, with words in err. */
int files_start(struct s3 *s3, const char *data_path, struct virga_error *err);
/* Begins to move all files away, for reset() and for the end of memory mode; on_done(s3, status)
 * comes when they are gone. Calls back: once, never inside this call; NULL is fine. Errors:
 * -ENOMEM, -EAGAIN, of rename(2). */
int files_clear(struct s3 *s3, void (*on_done)(struct s3 *s3, int status));
/* Begins no further work. Returns 0, or -EINPROGRESS and calls on_idle(s3) when what is under way
 * has ended. */
int files_stop(struct s3 *s3, void (*on_idle)(struct s3 *s3));
/* Frees what files_start() made. */
void files_destroy(struct s3 *s3);

/* A name that nothing has. Errors: -EIO no randomness. */
int files_random_name(char ret_name[FILE_ID_LEN + 1]);
/* Names a new file, which belongs to no record yet. Errors: of the store, -EIO no randomness. */
int files_new(struct s3 *s3, struct file_id *ret_id);
/* The file belongs to a record from now on: inside the transaction that writes the record. An empty
 * id is fine. Errors: of the store. */
int files_keep(struct s3 *s3, const struct file_id *id);
/* The file belongs to no record any more: inside the transaction that says so; call files_sweep()
 * after its commit. An empty id is fine. Errors: of the store. */
int files_drop(struct s3 *s3, struct virga_str id);
/* Removes what was dropped, soon and in the background. */
void files_sweep(struct s3 *s3);
/* Gives up a new file: drops and removes it. Nothing may have it open for writing. */
void files_abandon(struct s3 *s3, const struct file_id *id);

/* Where the file is. */
void files_path(const struct s3 *s3, struct virga_str id, char ret_path[FILE_PATH_MAX]);
/* Makes a new file for writing, and its folder if need be. Returns the descriptor, or a negative
 * errno. Thread: [any]. */
int files_create(const struct s3 *s3, const struct file_id *id);

#endif
