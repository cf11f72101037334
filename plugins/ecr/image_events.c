/* SPDX-License-Identifier: MIT */
/* Who is told of an image. */
#include "image_events.h"
#include "scan_push.h"
#include "signer.h"

void image_came(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                const struct meta_image *image, struct virga_str tag, enum image_origin origin) {
    (void)tag;
    if (origin == IMAGE_PUSHED) {
        signer_image_came(ecr, tenant, name, image);
    }
    scan_push_image_came(ecr, tenant, name, image);
}

void image_pulled(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                  struct virga_str digest, struct virga_str principal) {
    (void)principal;
    (void)meta_image_pulled(ecr, tenant, name, digest, ecr->timer->now_ms(ecr->host));
}
