/* SPDX-License-Identifier: MIT */
/* Scanning on push. */
#include "scan_push.h"

#include "scan_config.h"
#include "scan_run.h"

#include <errno.h>

bool scan_push_can_scan(const struct meta_image *image) {
    static const char *const types[] = {"application/vnd.oci.image.config.v1+json",
                                        "application/vnd.docker.container.image.v1+json"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (image->artifact_media_type != NULL &&
            strcmp(image->artifact_media_type, types[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the image's last scan is recent enough to stand: another tag for the same image is no
 * reason to scan it again. */
static bool scan_stands(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                        struct virga_str digest, bool enhanced) {
    struct scan_record record;
    if (scan_record_get(ecr, tenant, name, digest, &record) != 0) {
        return false;
    }
    return scan_record_open(&record) ||
           (record.enhanced == enhanced && record.status != SCAN_STATUS_FAILED &&
            ecr->timer->now_ms(ecr->host) - record.started_ms < scans_quota_ms(ecr));
}

void scan_push_image_came(struct ecr *ecr, const struct tenant *tenant, struct virga_str name,
                          const struct meta_image *image) {
    struct scan_effect effect;
    struct virga_str digest = virga_str_from(image->digest);
    if (!scan_push_can_scan(image)) {
        return;
    }
    int result = scan_config_effect(ecr, tenant, name, &effect);
    if (result == 0 && effect.on_push && !scan_stands(ecr, tenant, name, digest, effect.enhanced)) {
        result = scans_begin(ecr, tenant, name, digest, effect.enhanced,
                             effect.frequency == SCAN_FREQUENCY_CONTINUOUS);
    }
    if (result != 0) {
        ECR_LOG(ecr, VIRGA_LOG_WARN, NULL, "%.*s@%s is not scanned on push: %s", (int)name.len,
                name.ptr, image->digest,
                result == -EBUSY ? "too many scans are waiting" : strerror(-result));
    }
}
