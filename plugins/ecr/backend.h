/* SPDX-License-Identifier: MIT */
/* The real registry behind the gateway: started lazily, reached over one upstream, and the few
 * requests that virga itself makes to it. One interface; backend_process.c (and later others) keep
 * it. Everything is [loop]; every callback comes exactly once and never inside the call. */
#ifndef ECR_BACKEND_H
#define ECR_BACKEND_H

#include "ecr.h"
#include "strbuf.h"

/* Reads the settings; starts nothing. err says what is wrong with them. */
int backend_create(struct ecr *ecr, struct backend **ret_backend, struct virga_error *err);
/* Frees it; stopped or not. NULL is fine. */
void backend_destroy(struct backend *backend);
/* Ends or leaves the registry (keep-running-on-shutdown); on_stopped when that is done. */
void backend_stop(struct backend *backend, void (*on_stopped)(void *arg), void *arg);

/* Takes all that the registry has stored away: what the store knows of it is to be forgotten. No
 * request may be under way. Calls back: once, maybe inside this call; status 0 or a negative errno
 * with the reason. */
void backend_reset(struct backend *backend,
                   void (*on_done)(void *arg, int status, const char *reason), void *arg);

/* Makes sure that the registry answers (starting or adopting it, and reconciling on its first
 * start), then calls on_ready with status 0, or a negative errno and the reason in words. Calls
 * that come meanwhile wait for the same start. A failed start is tried again by the next call. */
void backend_ready(struct backend *backend,
                   void (*on_ready)(void *arg, int status, const char *reason), void *arg);

/* Whether it is ready at this moment, so that whoever cannot wait need not ask. */
bool backend_is_ready(const struct backend *backend);

/* Whether the store knows every image that the registry has. False before the first start on a data
 * path whose registry may hold images of an earlier store. */
bool backend_is_reconciled(const struct backend *backend);
/* Whether, besides, no change is left that a crash cut in two: it may still take effect. Who shows
 * the store's contents calls backend_ready() first when this is false, so that what was shown does
 * not change by itself. */
bool backend_is_settled(const struct backend *backend);

/* The upstream for virga.proxy/1; NULL until the registry was ready once. */
struct virga_upstream *backend_upstream(struct backend *backend);

/* Whether an error of a fetch or of the proxy means that the registry went away. */
bool backend_error_is_loss(int error);
/* Says that it went away, or seems to have: the next need looks at it again. */
void backend_suspect(struct backend *backend);
/* Remembers an uploaded blob, so that gc keeps it until a manifest names it. */
void backend_pin(struct backend *backend, const struct tenant *tenant, struct virga_str name,
                 struct virga_str digest);

/* Whether the blob was uploaded and no manifest has named it yet, as far as this run knows. */
bool backend_is_pinned(const struct backend *backend, const struct tenant *tenant,
                       struct virga_str name, struct virga_str digest);

/* The repository's name in the registry: "<account>/<region>/<name>", its tail hashed where that
 * would pass the registry's limit. Returns the length. */
#define BACKEND_NAME_MAX 255
size_t backend_name(const struct tenant *tenant, struct virga_str name,
                    char ret_name[BACKEND_NAME_MAX + 1]);

/* One buffered request to the registry, waiting for it to be ready first. `path` begins with /v2/
 * and holds the registry's own names. Calls back: on_done once; res->status is 0 when there was no
 * answer (res->error, res->error_text say why). Everything is copied. */
int backend_fetch(struct backend *backend, const char *method, const char *path,
                  const struct virga_header *headers, size_t headers_count, struct virga_str body,
                  void (*on_done)(void *arg, const struct virga_fetch_response *res), void *arg);

/* One streamed request to a registry that just answered; `request` as for virga.fetch/1, whose url
 * and unix_path are set here. The caller cancels it when the host stops. Errors: as its start(). */
int backend_stream(struct backend *backend, const char *path,
                   const struct virga_fetch_request *request,
                   struct virga_fetch_handle **ret_fetch);
/* The same with a body of `length` bytes that is made as it is sent: on_send as in struct
 * virga_fetch_request, never waiting. Is not tried again by itself. */
int backend_send(struct backend *backend, const char *method, const char *path, uint64_t length,
                 size_t (*on_send)(void *arg, char *to, size_t size),
                 void (*on_done)(void *arg, const struct virga_fetch_response *res), void *arg);

/* --- upload sessions at the registry (backend_upload.c). `upload` is the registry's own id. The
 * caller has waited for backend_ready(). --- */

/* How many bytes a session has. Errors: -ENOENT there is no such session, -EIO, -ENOTSUP the
 * registry's storage is not at hand (a volume of a container engine). */
int backend_upload_size(const struct backend *backend, const struct tenant *tenant,
                        struct virga_str name, const char *upload, uint64_t *ret_size);
/* Writes the address at which a session of `size` bytes goes on, as the registry would give it
 * itself. Errors: -ENOMEM, -EIO. */
int backend_upload_address(const struct backend *backend, const struct tenant *tenant,
                           struct virga_str name, const char *upload, uint64_t size,
                           struct strbuf *ret_address);

/* --- changes at the registry. The caller holds a pass of the gate from before the call until
 * on_done. Each comes with its intent and its record (crash order: DESIGN 7). status 0, -ENOENT (it
 * was not there), -EIO with the reason in words. On success the store no longer has it either. ---
 */
typedef void (*backend_on_done)(void *arg, int status, const char *reason);
/* Deletes an image by digest, with all of its tags. */
void backend_delete_image(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          struct virga_str digest, backend_on_done on_done, void *arg);
/* The same, if `still(arg)` says so when nothing can come between any more; else status is -ESTALE
 * and nothing was done. */
void backend_delete_image_if(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                             struct virga_str digest, bool (*still)(void *arg),
                             backend_on_done on_done, void *arg);
/* Removes one tag of an image that stays. */
void backend_delete_tag(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                        struct virga_str tag, backend_on_done on_done, void *arg);
/* Deletes a repository with all of its images: pulls fail from the call on. */
void backend_delete_repository(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                               backend_on_done on_done, void *arg);
/* Stores a manifest of `media_type` under its digest and `tag` (may be empty) and records it: the
 * one way in, for pushes over the wire and over the API alike. */
void backend_put_manifest(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          struct virga_str tag, struct virga_str media_type,
                          struct virga_str manifest, backend_on_done on_done, void *arg);

/* Answers POST /_floci/ecr/gc. */
void backend_handle_gc(struct ecr *ecr, struct virga_request *req);

/* One line about the registry, for the status: "process, running, pid 123". */
void backend_describe(const struct backend *backend, char *buffer, size_t size);

#endif
