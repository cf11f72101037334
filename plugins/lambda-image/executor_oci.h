/* SPDX-License-Identifier: MIT */
/* The executor `oci` as its parts see it. Folders below the data path: images/<hex> (an unpacked
 * image: rootfs, image.json), images/tmp-<hex> (one that is being made), images/trash-... (one that
 * is being removed), environments/<id> (a bundle, the runtime's state), probe; and the file
 * cgroup, which names the cgroup that has those of all environments. */
#ifndef LAMBDA_EXECUTOR_OCI_H
#define LAMBDA_EXECUTOR_OCI_H

#include "executor.h"
#include "oci_how.h"

#define OCI_HEX_LEN 64

struct oci_pulls;
struct oci_probe;

struct oci {
    struct executor executor; /* first: a struct executor is cast to this */
    char endpoint_url[64];
    struct oci_how how; /* set once it is ready */
    bool is_ready;
    bool swept;
    struct executor_instance *instances; /* a list */
    struct oci_probe *probe;             /* asks whether and how it can work; NULL: nobody does */
    struct oci_pulls *pulls;
};

/* The hex of "sha256:<hex>", or NULL. */
const char *oci_digest_hex(const char *digest);
/* "<data path>/images/<prefix><hex>". False: too long. */
bool oci_image_path(const struct oci *oci, const char *prefix, const char *hex,
                    char path[PATH_MAX]);

/* Calls back with an error that is known already, not inside this call. */
void oci_tell_later(struct oci *oci, int error,
                    void (*on_done)(void *arg, int error, const char *reason), void *arg);

/* --- oci_instance.c --- */

/* Starts a process as `start` of struct executor does, in a root folder of the host. */
int oci_instance_start(struct oci *oci, const struct oci_how *how, const char *rootfs,
                       const struct executor_spec *spec, struct executor_instance **ret_instance);
void oci_instance_signal(struct executor_instance *instance, int signum);
int64_t oci_instance_memory_peak(struct executor_instance *instance);
void oci_instance_close(struct executor_instance *instance, void (*on_closed)(void *arg),
                        void *arg);
/* Whether one uses the image. */
bool oci_instance_uses(const struct oci *oci, const char *digest);

/* --- oci_probe.c --- */

/* Removes what an earlier run left and tries the runtimes that there are, until one runs a program.
 * Calls back: once, never inside the call: 0, then oci->how is set, or a negative errno and why.
 * Errors: -ENOMEM, -EBUSY one is under way. */
int oci_probe_start(struct oci *oci, void (*on_done)(void *arg, int error, const char *reason),
                    void *arg);
/* Breaks it off: on_done does not come. Calls back: once, maybe inside the call. */
void oci_probe_stop(struct oci *oci, void (*on_stopped)(void *arg), void *arg);

/* --- oci_pull.c --- */

/* Errors: -ENOMEM. */
int oci_pulls_create(struct oci *oci, struct oci_pulls **ret_pulls);
/* As `pull` of struct executor. */
void oci_pulls_pull(struct oci_pulls *pulls, const struct executor_image *image,
                    void (*on_done)(void *arg, int error, const char *reason), void *arg);
/* Whether an image of this digest is being got. */
bool oci_pulls_have(const struct oci_pulls *pulls, const char *digest);
/* Breaks off all: their callbacks come with -ECANCELED. Calls back: once, maybe inside. */
void oci_pulls_stop(struct oci_pulls *pulls, void (*on_stopped)(void *arg), void *arg);
/* NULL is fine. */
void oci_pulls_destroy(struct oci_pulls *pulls);

#endif
