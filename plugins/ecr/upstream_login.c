/* SPDX-License-Identifier: MIT */
/* A password of our own for ourselves. */
#include "upstream_login.h"

#include "authorize.h"
#include "login.h"

#include <errno.h>
#include <stdlib.h>

int upstream_login_own(struct ecr *ecr, const struct tenant *tenant, struct upstream_place *place) {
    char password[LOGIN_PASSWORD_SIZE];
    struct principal principal;
    if (!place->own || !authorize_enforces(ecr)) {
        return 0;
    }
    principal_root(virga_str_from(tenant->account), virga_str_from(tenant->region), &principal);
    int result =
        login_make(ecr, &principal, ecr->timer->now_ms(ecr->host) + LOGIN_VALID_MS, password);
    if (result != 0) {
        return result;
    }
    upstream_place_finish(place);
    place->username = strdup(LOGIN_USER);
    place->password = strdup(password);
    return place->username == NULL || place->password == NULL ? -ENOMEM : 0;
}
