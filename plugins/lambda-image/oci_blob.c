/* SPDX-License-Identifier: MIT */
/* Two buffers: one fills from the connection while the other is hashed and written. */
#include "oci_blob.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <virga/helpers/base64.h>

#define BUFFER_BYTES ((size_t)512 * 1024)
#define TIMEOUT_MS (30u * 60u * 1000u)
#define CREDENTIALS_MAX 8192

struct oci_blob {
    const struct lambda *lambda;
    struct virga_fetch_handle *fetch; /* NULL: it is over */
    EVP_MD_CTX *hash;
    int fd;
    char digest[LAMBDA_DIGEST_LEN + 1];
    int64_t size, received;
    char *buffers[2];
    size_t filling; /* which buffer the connection fills */
    size_t filled;  /* bytes of it */
    size_t writing; /* bytes of the other one, on the thread pool */
    int write_result;
    bool busy;   /* the thread pool writes */
    bool paused; /* the connection waits for it */
    int result;  /* the first error */
    char reason[300];
    void (*on_done)(void *arg, int error, const char *reason);
    void *arg;
};

static void destroy(struct oci_blob *blob) {
    if (blob->fd >= 0) {
        (void)close(blob->fd);
    }
    EVP_MD_CTX_free(blob->hash);
    free(blob->buffers[0]);
    free(blob->buffers[1]);
    free(blob);
}

static void set_error(struct oci_blob *blob, int result, const char *reason) {
    if (blob->result == 0) {
        blob->result = result;
        (void)snprintf(blob->reason, sizeof blob->reason, "%s", reason);
    }
}

static void check_digest(struct oci_blob *blob) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    char text[LAMBDA_DIGEST_LEN + 1] = "sha256:";
    unsigned len = 0;
    if (blob->received != blob->size) {
        set_error(blob, -EBADMSG, "the registry sends another size than the manifest says");
    } else if (EVP_DigestFinal_ex(blob->hash, bytes, &len) != 1 || len != 32) {
        set_error(blob, -ENOMEM, "out of memory");
    } else {
        for (unsigned i = 0; i < len; i++) {
            (void)snprintf(text + 7 + 2 * (size_t)i, 3, "%02x", bytes[i]);
        }
        if (strcmp(text, blob->digest) != 0) {
            set_error(blob, -EBADMSG, "its bytes have another digest");
        }
    }
}

static void finish(struct oci_blob *blob) {
    if (blob->result == 0) {
        check_digest(blob);
    }
    blob->on_done(blob->arg, blob->result, blob->reason);
    destroy(blob);
}

/* --- writing --- */

/* [worker] */
static void run_write(void *arg) {
    struct oci_blob *blob = arg;
    const char *bytes = blob->buffers[1 - blob->filling];
    size_t left = blob->writing;
    blob->write_result = EVP_DigestUpdate(blob->hash, bytes, left) == 1 ? 0 : -ENOMEM;
    while (left > 0 && blob->write_result == 0) {
        ssize_t count = write(blob->fd, bytes, left);
        if (count < 0 && errno != EINTR) {
            blob->write_result = -errno;
        }
        if (count > 0) {
            bytes += count;
            left -= (size_t)count;
        }
    }
}

static void on_written(void *arg, int status);

/* Gives the buffer that was filled to the thread pool, and fills the other one from now on. */
static void hand_over(struct oci_blob *blob) {
    blob->writing = blob->filled;
    blob->filled = 0;
    blob->filling = 1 - blob->filling;
    blob->busy = true;
    if (blob->lambda->work->submit(blob->lambda->host, run_write, on_written, blob, NULL) != 0) {
        run_write(blob);
        on_written(blob, 0);
    }
}

/* When the answer is over: writes the rest, then tells. */
static void settle(struct oci_blob *blob) {
    if (blob->fetch != NULL || blob->busy) {
        return;
    }
    if (blob->result == 0 && blob->filled > 0) {
        hand_over(blob);
    } else {
        finish(blob);
    }
}

static void on_written(void *arg, int status) {
    struct oci_blob *blob = arg;
    int result = status != 0 ? status : blob->write_result;
    blob->busy = false;
    if (result != 0) {
        set_error(blob, result, strerror(-result));
    }
    if (blob->fetch != NULL && blob->result != 0) {
        blob->lambda->fetch->cancel(blob->fetch);
    } else if (blob->fetch != NULL && blob->paused) {
        blob->paused = false;
        blob->lambda->fetch->resume(blob->fetch);
    }
    settle(blob);
}

/* --- reading --- */

static void on_head(void *arg, const struct virga_fetch_response *res) {
    struct oci_blob *blob = arg;
    char text[100];
    if (res->status == 200) {
        return;
    }
    (void)snprintf(text, sizeof text, "the registry answers with status %d", res->status);
    set_error(blob,
              res->status == 404                         ? -ENOENT
              : res->status == 401 || res->status == 403 ? -EACCES
                                                         : -EPROTO,
              text);
    blob->lambda->fetch->cancel(blob->fetch);
}

static int on_chunk(void *arg, struct virga_str chunk) {
    struct oci_blob *blob = arg;
    if (blob->result != 0) {
        return VIRGA_BODY_GO_ON;
    }
    if (chunk.len > BUFFER_BYTES || (int64_t)chunk.len > blob->size - blob->received) {
        set_error(blob, -EBADMSG, "the registry sends more than the manifest says");
        blob->lambda->fetch->cancel(blob->fetch);
        return VIRGA_BODY_GO_ON;
    }
    if (chunk.len > BUFFER_BYTES - blob->filled) {
        if (blob->busy) {
            blob->paused = true;
            return VIRGA_BODY_PAUSE;
        }
        hand_over(blob);
    }
    memcpy(blob->buffers[blob->filling] + blob->filled, chunk.ptr, chunk.len);
    blob->filled += chunk.len;
    blob->received += (int64_t)chunk.len;
    return VIRGA_BODY_GO_ON;
}

static void on_fetched(void *arg, const struct virga_fetch_response *res) {
    struct oci_blob *blob = arg;
    blob->fetch = NULL;
    if (res->error != 0) {
        set_error(blob, res->error, res->error_text);
    }
    settle(blob);
}

static int start(struct oci_blob *blob, const struct oci_blob_options *options) {
    char url[1024], basic[CREDENTIALS_MAX], header[6 + VIRGA_BASE64_SIZE(CREDENTIALS_MAX)];
    int url_len = snprintf(url, sizeof url, "http://%s/v2/%s/blobs/%s", options->registry,
                           options->pull_name, options->digest);
    int basic_len = snprintf(basic, sizeof basic, "%s:%s", options->user, options->password);
    if (url_len >= (int)sizeof url || basic_len >= (int)sizeof basic) {
        return -EINVAL;
    }
    memcpy(header, "Basic ", 6);
    size_t header_len =
        6 + virga_base64_encode((struct virga_str){basic, (size_t)basic_len}, header + 6);
    const struct virga_header headers[] = {
        {.name = virga_str_from("Authorization"), .value = {header, header_len}}};
    const struct virga_fetch_request request = {
        .struct_size = sizeof request,
        .url = url,
        .headers = headers,
        .headers_count = options->user[0] != '\0' ? 1 : 0,
        .timeout_ms = TIMEOUT_MS,
        .on_done = on_fetched,
        .on_head = on_head,
        .on_chunk = on_chunk,
        .arg = blob,
    };
    return blob->lambda->fetch->start(blob->lambda->host, &request, &blob->fetch);
}

int oci_blob_start(const struct lambda *lambda, const struct oci_blob_options *options,
                   struct oci_blob **ret_blob) {
    struct oci_blob *blob = calloc(1, sizeof *blob);
    int result = -ENOMEM;
    if (blob == NULL) {
        return -ENOMEM;
    }
    blob->lambda = lambda;
    blob->size = options->size;
    blob->on_done = options->on_done;
    blob->arg = options->arg;
    (void)snprintf(blob->digest, sizeof blob->digest, "%s", options->digest);
    blob->fd = open(options->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    blob->hash = EVP_MD_CTX_new();
    blob->buffers[0] = malloc(BUFFER_BYTES);
    blob->buffers[1] = malloc(BUFFER_BYTES);
    if (blob->fd < 0) {
        result = -errno;
    } else if (blob->hash != NULL && blob->buffers[0] != NULL && blob->buffers[1] != NULL &&
               EVP_DigestInit_ex(blob->hash, EVP_sha256(), NULL) == 1) {
        result = start(blob, options);
    }
    if (result != 0) {
        destroy(blob);
        return result;
    }
    *ret_blob = blob;
    return 0;
}

void oci_blob_cancel(struct oci_blob *blob) {
    if (blob != NULL) {
        set_error(blob, -ECANCELED, "cancelled");
        if (blob->fetch != NULL) {
            blob->lambda->fetch->cancel(blob->fetch);
        }
    }
}
