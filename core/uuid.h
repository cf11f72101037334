/* SPDX-License-Identifier: MIT */
/* Random UUIDs for request ids: unique, not secret. */
#ifndef CORE_UUID_H
#define CORE_UUID_H

#define UUID_TEXT_SIZE 37

/* Writes a UUID of version 4 with its NUL. Thread: [loop].
 * Source: RFC 9562, 5.4. */
void uuid_v4(char ret_text[UUID_TEXT_SIZE]);

#endif
