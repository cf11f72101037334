/* SPDX-License-Identifier: MIT */
/* Random UUIDs. */
#include "uuid.h"

#include <sys/random.h>

void uuid_make(char ret_uuid[LAMBDA_ID_LEN + 1]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char b[16] = {0};
    size_t at = 0;
    (void)getrandom(b, sizeof b, 0);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            ret_uuid[at++] = '-';
        }
        ret_uuid[at++] = digits[b[i] >> 4];
        ret_uuid[at++] = digits[b[i] & 15];
    }
    ret_uuid[at] = '\0';
}
