/* SPDX-License-Identifier: MIT */
/* Files of objects: names, the journal in the store, and removal in the background. */
#include "files.h"
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SWEEP_MAX 256 /* files that one job removes */
#define NEW "n"
#define DROPPED "d"

struct files {
    char *data_path;
    bool stopped;
    bool sweeping;
    bool again;
    bool clearing;
    bool clear_again; /* more came to "trash" meanwhile */
    void (*on_cleared)(struct s3 *s3, int status);
    void (*on_idle)(struct s3 *s3);
};

/* Removes files, or everything below the folder "trash". */
struct job {
    struct s3 *s3;
    char (*ids)[FILE_ID_LEN + 1];
    size_t count;
    char trash[FILE_PATH_MAX];
    int result;
};

/* ---- names ---- */

void files_path(const struct s3 *s3, struct virga_str id, char ret_path[FILE_PATH_MAX]) {
    (void)snprintf(ret_path, FILE_PATH_MAX, "%s/%.2s/%.*s", s3->folder, id.ptr, (int)id.len,
                   id.ptr);
}

int files_create(const struct s3 *s3, const struct file_id *id) {
    char path[FILE_PATH_MAX];
    files_path(s3, virga_str_from(id->text), path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT) {
        char *slash = strrchr(path, '/');
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return -errno;
        }
        *slash = '/';
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    return fd >= 0 ? fd : -errno;
}

int files_random_name(char ret_name[FILE_ID_LEN + 1]) {
    unsigned char bytes[FILE_ID_LEN / 2];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return -EIO;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(ret_name + 2 * i, 3, "%02x", bytes[i]);
    }
    return 0;
}

/* ---- the journal ---- */

static int note(struct s3 *s3, struct virga_str id, const char *what) {
    struct record_key key;
    record_key_in(&key, RECORD_FILE, id);
    return s3->store->put(s3->host, record_key_str(&key), virga_str_from(what));
}

int files_new(struct s3 *s3, struct file_id *ret_id) {
    struct file_id id;
    int result = files_random_name(id.text);
    result = result == 0 ? note(s3, virga_str_from(id.text), NEW) : result;
    if (result == 0) {
        *ret_id = id;
    }
    return result;
}

int files_keep(struct s3 *s3, const struct file_id *id) {
    struct record_key key;
    if (id->text[0] == '\0') {
        return 0;
    }
    record_key_in(&key, RECORD_FILE, virga_str_from(id->text));
    int result = s3->store->del(s3->host, record_key_str(&key));
    return result == -ENOENT ? 0 : result;
}

int files_drop(struct s3 *s3, struct virga_str id) {
    return id.len > 0 ? note(s3, id, DROPPED) : 0;
}

void files_abandon(struct s3 *s3, const struct file_id *id) {
    int result = files_drop(s3, virga_str_from(id->text));
    if (result != 0) {
        /* It is still noted as new: the next start removes it. */
        S3_LOG(s3, VIRGA_LOG_WARN, NULL, "A file stays until the next start: %s",
               strerror(-result));
        return;
    }
    files_sweep(s3);
}

/* ---- removal ---- */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info;
    (void)where;
    if ((kind == FTW_DP ? rmdir(path) : unlink(path)) != 0 && errno != ENOENT) {
        return errno;
    }
    return 0;
}

static void run_sweep(void *arg) { /* [worker] */
    struct job *job = arg;
    for (size_t i = 0; i < job->count; i++) {
        char path[FILE_PATH_MAX];
        files_path(job->s3, virga_str_from(job->ids[i]), path);
        if (unlink(path) != 0 && errno != ENOENT) {
            job->result = -errno;
        }
    }
}

static void run_trash(void *arg) { /* [worker] */
    struct job *job = arg;
    int result = nftw(job->trash, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    job->result = result > 0 ? -result : result < 0 && errno != ENOENT ? -errno : 0;
}

static void check_idle(struct s3 *s3) {
    struct files *files = s3->files;
    if (files->stopped && !files->sweeping && !files->clearing && files->on_idle != NULL) {
        void (*on_idle)(struct s3 *) = files->on_idle;
        files->on_idle = NULL;
        on_idle(s3);
    }
}

static void forget(struct s3 *s3, const struct job *job) {
    int result = s3->store->begin(s3->host);
    for (size_t i = 0; i < job->count && result == 0; i++) {
        struct record_key key;
        record_key_in(&key, RECORD_FILE, virga_str_from(job->ids[i]));
        result = s3->store->del(s3->host, record_key_str(&key));
        result = result == -ENOENT ? 0 : result;
    }
    if (result == 0) {
        result = s3->store->commit(s3->host);
    } else {
        s3->store->rollback(s3->host);
    }
    if (result != 0) {
        s3->files->again = false; /* the next start tries again */
    }
}

static void on_swept(void *arg, int status) {
    struct job *job = arg;
    struct s3 *s3 = job->s3;
    s3->files->sweeping = false;
    if (status == 0 && job->result == 0) {
        forget(s3, job);
    } else if (status == 0) {
        S3_LOG(s3, VIRGA_LOG_WARN, NULL, "Files could not be removed: %s", strerror(-job->result));
        s3->files->again = false;
    }
    free(job->ids);
    free(job);
    if (s3->files->again && status == 0) {
        files_sweep(s3);
    }
    check_idle(s3);
}

/* Collects what was dropped. Errors: of the store. */
static int collect(struct s3 *s3, struct job *job) {
    struct virga_store_cursor *cursor;
    struct virga_str key, value;
    struct record_key prefix;
    record_key_in(&prefix, RECORD_FILE, s3_str("", 0));
    int result = s3->store->scan(s3->host, record_key_str(&prefix), s3_str(NULL, 0), 0, &cursor);
    if (result != 0) {
        return result;
    }
    while (job->count < SWEEP_MAX && (result = s3->store->next(cursor, &key, &value)) == 1) {
        if (s3_is(value, DROPPED) && key.len == prefix.len + FILE_ID_LEN) {
            memcpy(job->ids[job->count], key.ptr + prefix.len, FILE_ID_LEN);
            job->ids[job->count++][FILE_ID_LEN] = '\0';
        }
    }
    s3->store->close(cursor);
    return result < 0 ? result : 0;
}

void files_sweep(struct s3 *s3) {
    struct files *files = s3->files;
    if (files->sweeping || files->stopped) {
        files->again = true;
        return;
    }
    files->again = false;
    struct job *job = calloc(1, sizeof *job);
    if (job != NULL) {
        job->s3 = s3;
        job->ids = calloc(SWEEP_MAX, sizeof *job->ids);
    }
    int result = job == NULL || job->ids == NULL ? -ENOMEM : collect(s3, job);
    if (result == 0 && job->count > 0) {
        result = s3->work->submit(s3->host, run_sweep, on_swept, job, NULL);
        files->sweeping = result == 0;
        files->again = job->count == SWEEP_MAX;
    }
    if (!files->sweeping && job != NULL) {
        free(job->ids);
        free(job);
    }
    if (result != 0) {
        S3_LOG(s3, VIRGA_LOG_WARN, NULL, "Files were not removed yet: %s", strerror(-result));
    }
}

static int empty_trash(struct s3 *s3);

static void on_trash_gone(void *arg, int status) {
    struct job *job = arg;
    struct s3 *s3 = job->s3;
    void (*on_done)(struct s3 *, int) = s3->files->on_cleared;
    status = status == 0 ? job->result : status;
    free(job);
    s3->files->clearing = false;
    if (s3->files->clear_again && status == 0) {
        s3->files->clear_again = false;
        status = empty_trash(s3);
        if (status == 0) {
            return;
        }
    }
    s3->files->on_cleared = NULL;
    if (status != 0 && on_done == NULL) {
        S3_LOG(s3, VIRGA_LOG_WARN, NULL, "Old files could not be removed: %s", strerror(-status));
    }
    if (on_done != NULL) {
        on_done(s3, status);
    }
    check_idle(s3);
}

static int make_folder(const char *path) {
    char copy[FILE_PATH_MAX];
    if (strlen(path) >= sizeof copy) {
        return -ENAMETOOLONG;
    }
    (void)snprintf(copy, sizeof copy, "%s", path);
    for (char *at = copy + 1;; at++) {
        if (*at == '/' || *at == '\0') {
            char was = *at;
            *at = '\0';
            if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
                return -errno;
            }
            *at = was;
            if (was == '\0') {
                return 0;
            }
        }
    }
}

/* Moves the folder below "trash". */
static int set_aside(struct s3 *s3) {
    char name[FILE_ID_LEN + 1], trash[FILE_PATH_MAX], target[FILE_PATH_MAX + FILE_ID_LEN + 2];
    (void)snprintf(trash, sizeof trash, "%s/trash", s3->files->data_path);
    int result = make_folder(trash);
    result = result == 0 ? files_random_name(name) : result;
    if (result == 0) {
        (void)snprintf(target, sizeof target, "%s/%s", trash, name);
        if (rename(s3->folder, target) != 0 && errno != ENOENT) {
            result = -errno;
        }
    }
    return result;
}

/* Begins to remove what is below "trash". */
static int empty_trash(struct s3 *s3) {
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return -ENOMEM;
    }
    job->s3 = s3;
    (void)snprintf(job->trash, sizeof job->trash, "%s/trash", s3->files->data_path);
    int result = s3->work->submit(s3->host, run_trash, on_trash_gone, job, NULL);
    if (result != 0) {
        free(job);
        return result;
    }
    s3->files->clearing = true;
    return 0;
}

int files_clear(struct s3 *s3, void (*on_done)(struct s3 *s3, int status)) {
    int result = set_aside(s3);
    if (result == 0 && s3->files->clearing) {
        s3->files->clear_again = true;
    } else if (result == 0) {
        result = empty_trash(s3);
    }
    if (result == 0) {
        s3->files->on_cleared = on_done;
    }
    return result;
}

/* ---- start and stop ---- */

/* What was being written when the host ended belongs to nobody. ret_any: there are records. */
static int recover(struct s3 *s3, bool *ret_any) {
    struct virga_store_cursor *cursor;
    struct virga_str key, value;
    struct record_key prefix;
    int result =
        s3->store->scan(s3->host, s3_str("", 0), s3_str(NULL, 0), VIRGA_STORE_KEYS_ONLY, &cursor);
    if (result != 0) {
        return result;
    }
    *ret_any = s3->store->next(cursor, &key, &value) == 1;
    s3->store->close(cursor);
    record_key_in(&prefix, RECORD_FILE, s3_str("", 0));
    result = s3->store->scan(s3->host, record_key_str(&prefix), s3_str(NULL, 0), 0, &cursor);
    if (result != 0) {
        return result;
    }
    while ((result = s3->store->next(cursor, &key, &value)) == 1) {
        if (s3_is(value, NEW) && key.len == prefix.len + FILE_ID_LEN) {
            result = files_drop(s3, s3_str(key.ptr + prefix.len, FILE_ID_LEN));
            if (result != 0) {
                break;
            }
        }
    }
    s3->store->close(cursor);
    return result < 0 ? result : 0;
}

int files_start(struct s3 *s3, const char *data_path, struct virga_error *err) {
    bool any = false;
    char folder[FILE_PATH_MAX];
    s3->files = calloc(1, sizeof *s3->files);
    int len =
        snprintf(folder, sizeof folder, "%s/%s", data_path, s3->memory ? "memory" : "objects");
    if (s3->files == NULL || len < 0 || len + FILE_ID_LEN + 8 >= FILE_PATH_MAX) {
        virga_error_set(err, "data-path: %s", s3->files == NULL ? "out of memory" : "too long");
        return s3->files == NULL ? -ENOMEM : -ENAMETOOLONG;
    }
    s3->files->data_path = strdup(data_path);
    s3->folder = strdup(folder);
    if (s3->files->data_path == NULL || s3->folder == NULL) {
        virga_error_set(err, "out of memory");
        return -ENOMEM;
    }
    int result = recover(s3, &any);
    if (result != 0) {
        virga_error_set(err, "the store cannot be used: %s", strerror(-result));
        return result;
    }
    /* Without records no file means anything; what an earlier clean-up left goes, too. */
    result = any ? 0 : set_aside(s3);
    result = result == 0 ? make_folder(folder) : result;
    result = result == 0 ? empty_trash(s3) : result;
    if (result != 0) {
        virga_error_set(err, "%s cannot be used: %s", folder, strerror(-result));
        return result;
    }
    files_sweep(s3);
    return 0;
}

int files_stop(struct s3 *s3, void (*on_idle)(struct s3 *s3)) {
    s3->files->stopped = true;
    if (!s3->files->sweeping && !s3->files->clearing) {
        return 0;
    }
    s3->files->on_idle = on_idle;
    return -EINPROGRESS;
}

void files_destroy(struct s3 *s3) {
    if (s3->files != NULL) {
        free(s3->files->data_path);
        free(s3->files);
    }
    free(s3->folder);
    s3->files = NULL;
    s3->folder = NULL;
}
