/* SPDX-License-Identifier: MIT */
/* Pages of lists on the wire: n, last and the Link to what follows.
 * Source: OCI distribution spec, "Listing Tags". */
#ifndef ECR_GATEWAY_PAGE_H
#define ECR_GATEWAY_PAGE_H

#include "gateway_impl.h"

struct gateway_page {
    size_t limit;
    size_t count;                               /* entries on this page so far */
    bool more;                                  /* there is another entry behind it */
    char last[512];                             /* the last entry */
    char after[GATEWAY_CLIENT_NAME_MAX + 1024]; /* behind which the page begins */
    size_t after_len;
};

/* Reads n, of at most `max` (which is also the default), and last; false: the exchange has ended.
 */
bool gateway_page_read(struct gateway_exchange *exchange, size_t max, struct gateway_page *page);
/* Where the page begins; ptr NULL: at the start. Valid: as long as the page. */
struct virga_str gateway_page_after(const struct gateway_page *page);
/* Whether another entry may go on the page, which notes it as its last; false: there is more. */
bool gateway_page_take(struct gateway_page *page, struct virga_str entry);
/* Writes the Link to the next page of `path`, whose `last` is the prefix and the last entry; a
 * parameter of the request that it keeps may be added (name NULL: none). */
void gateway_page_link(const struct gateway_exchange *exchange, const struct gateway_page *page,
                       const char *path, const char *prefix, const char *name, const char *value,
                       struct strbuf *ret_link);

#endif
