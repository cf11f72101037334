/* SPDX-License-Identifier: MIT */
/* virga.file/1 for plugins: answers whose body is a part of a file. */
#ifndef CORE_EXT_FILE_H
#define CORE_EXT_FILE_H

#include <virga/ext/file.h>

extern const struct virga_file ext_file;

#endif
