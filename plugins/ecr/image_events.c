/* SPDX-License-Identifier: MIT */
/* Who is told of an image that came; of one that was pulled, image_pulled.c. */
#include "image_events.h"

#include "replicate.h"

void image_came(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                const struct meta_image *image, struct virga_str tag, enum image_origin origin) {
    replicate_image(ecr, tenant, name, image, tag, origin);
}
