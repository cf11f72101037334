/* SPDX-License-Identifier: MIT */
/* What an ELF shared library exports and needs, read from the file without running any of it. */
#ifndef CORE_ELF_FILE_H
#define CORE_ELF_FILE_H

#include "error.h"

/* Lists hold texts inside `bytes`. Owns: everything; elf_file_finish(). */
struct elf_file {
    unsigned char *bytes;
    size_t size;
    const char **exports; /* symbols that other modules can bind to */
    size_t exports_count;
    const char **imports; /* symbols that another module must have (not weak) */
    size_t imports_count;
    const char **needed; /* shared libraries, as DT_NEEDED names them */
    size_t needed_count;
    const char *run_path; /* DT_RUNPATH or DT_RPATH; NULL = none */
};

/* Reads it. Errors: -ENOENT and others of open(), -EISDIR and -EFBIG no such thing as a plugin,
 * -ENOEXEC not a shared library of this machine, with words. */
int elf_file_read(const char *path, struct elf_file *ret_file, struct error *err);
/* The same from memory, which is copied; `name` stands in messages. */
int elf_file_parse(const char *name, const void *bytes, size_t size, struct elf_file *ret_file,
                   struct error *err);
/* Whether it exports the symbol. */
int elf_file_has_export(const struct elf_file *file, const char *symbol);
/* Frees what it holds; fine for zeroes. */
void elf_file_finish(struct elf_file *file);

#endif
