/* SPDX-License-Identifier: MIT */
/* Addresses at which a layer can be fetched without credentials for an hour: made for
 * GetDownloadUrlForLayer, checked by the gateway. Signed with a key that is kept in the store, so
 * that they outlive a restart. */
#ifndef ECR_DOWNLOAD_URL_H
#define ECR_DOWNLOAD_URL_H

#include "ecr.h"

/* Below this path of the gateway: nothing of the distribution protocol, which is all below /v2/. */
#define DOWNLOAD_URL_PATH "/_virga/layers/"
#define DOWNLOAD_URL_VALID_MS 3600000
#define DOWNLOAD_URL_MAX 768

/* What an address is for. */
struct download {
    struct tenant tenant;
    char name[ECR_NAME_MAX + 1];
    char digest[ECR_DIGEST_LEN + 1];
};

/* Writes the address. `uid` is the repository's: made anew under its name it is another, for which
 * the address is no good. Errors: negative errno of the store, -EIO. */
int download_url_make(struct ecr *ecr, const struct download *download, const char *uid,
                      char ret_url[DOWNLOAD_URL_MAX]);

/* Whether a path is such an address's. `path` is decoded. */
bool download_url_is(struct virga_str path);
/* Reads what is wanted out of the path. Errors: -EINVAL it makes no sense. */
int download_url_parse(struct virga_str path, struct download *ret_download);
/* Checks the query of an address. Errors: -EACCES the signature is wrong or missing, -ETIMEDOUT it
 * has expired, those of the store. */
int download_url_check(struct ecr *ecr, const struct download *download, const char *uid,
                       struct virga_str query);

#endif
