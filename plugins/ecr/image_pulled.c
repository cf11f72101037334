/* SPDX-License-Identifier: MIT */
/* Who is told of an image that was pulled. Apart from image_events.c, so that reading an image
 * needs nothing of what follows a push. */
#include "image_events.h"

#include "pull_time.h"

void image_pulled(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                  struct virga_str digest, struct virga_str principal) {
    if (!pull_time_is_excluded(ecr, tenant, principal)) {
        (void)meta_image_pulled(ecr, tenant, name, digest, ecr->timer->now_ms(ecr->host));
    }
}
