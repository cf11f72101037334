/* SPDX-License-Identifier: MIT */
/* What the files of the records share among themselves. Everything is [loop]. */
#ifndef ECR_META_IMPL_H
#define ECR_META_IMPL_H

#include "meta.h"
#include "record.h"

/* The key of an entry of ListImages: an image of that status with its tag, or untagged (tag.ptr
 * NULL). With the tag "" it is the prefix of the image's tagged entries. False: no such key. */
bool meta_entry_key(struct record_key *key, const struct tenant *tenant, struct virga_str name,
                    enum meta_status status, struct virga_str digest, struct virga_str tag);
/* The prefix of all entries of a status, tagged or untagged. */
void meta_entry_prefix(struct record_key *key, const struct tenant *tenant, struct virga_str name,
                       enum meta_status status, bool tagged);
/* Moves the entries of an image, whose tags were read, to another status. In a transaction. */
int meta_entries_move(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                      const struct meta_image *image, enum meta_status to);
/* Writes an image's record over the one that is there; its tags are not touched. */
int meta_image_rewrite(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                       const struct meta_image *image);

#endif
