/* SPDX-License-Identifier: MIT */
/* Storage classes: images in the archive cannot be pulled until they are restored. Owns the clock
 * of what is being restored; the state is the record's (meta.h). Everything is [loop].
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive_restore_image.html */
#ifndef ECR_STORAGE_CLASS_H
#define ECR_STORAGE_CLASS_H

#include "meta.h"

struct storage_class;

/* Goes on with what an earlier run was restoring. Errors: -ENOMEM, -EIO. */
int storage_class_create(struct ecr *ecr, struct storage_class **ret_storage);
void storage_class_destroy(struct storage_class *storage);
/* Restores an archived image: at once, or after the setting restore-seconds. Errors: as
 * meta_image_restore(). */
int storage_class_restore(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          struct virga_str digest);

/* "ACTIVE", "ARCHIVED" or "ACTIVATING": what the API calls imageStatus. */
const char *storage_class_status(const struct meta_image *image);
/* Whether the image cannot be pulled, scanned or handed out in parts: archived, or not restored
 * yet. */
static inline bool storage_class_is_away(const struct meta_image *image) {
    return image->status != META_ACTIVE;
}
/* Why not, with storage_class_word(). */
#define STORAGE_CLASS_NO_PULL "Requested image is %s and cannot be pulled until it is restored"
const char *storage_class_word(const struct meta_image *image);

#endif
