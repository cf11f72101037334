/* SPDX-License-Identifier: MIT */
/* Tests of core/elf_file.c: what a library exports and needs, and files that are none. */
#include "elf_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>

/* A shared library that every run of these tests has. */
static const char *library_path(void) {
    Dl_info info;
    assert_int_not_equal(dladdr((void *)(uintptr_t)_cmocka_run_group_tests, &info), 0);
    return info.dli_fname;
}

static void load(struct elf_file *file) {
    struct error err = {0};
    if (elf_file_read(library_path(), file, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static void a_library_shows_its_exports_and_needs(void **state) {
    (void)state;
    struct elf_file file;
    bool libc = false;
    load(&file);
    assert_true(elf_file_has_export(&file, "_cmocka_run_group_tests"));
    assert_false(elf_file_has_export(&file, "malloc")); /* needed, not exported */
    for (size_t i = 0; i < file.needed_count; i++) {
        libc = libc || strncmp(file.needed[i], "libc.", 5) == 0;
    }
    assert_true(libc);
    elf_file_finish(&file);
}

static void refuse(const void *bytes, size_t size, const char *words) {
    struct elf_file file;
    struct error err = {0};
    assert_int_equal(elf_file_parse("x.so", bytes, size, &file, &err), -ENOEXEC);
    if (strstr(err.text, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    }
}

static void what_is_no_library_is_refused_in_words(void **state) {
    (void)state;
    struct elf_file file;
    struct error err = {0};
    Elf64_Ehdr head;
    load(&file);
    refuse("", 0, "does not begin as an ELF file");
    refuse("#!/bin/sh\necho hello\n", 21, "does not begin as an ELF file");
    refuse(file.bytes, 20, "ends within the ELF header");
    refuse(file.bytes, file.size / 2, "ends within its section table");
    memcpy(&head, file.bytes, sizeof head);
    head.e_type = ET_REL;
    refuse(&head, sizeof head, "an object file");
    head.e_type = ET_EXEC;
    refuse(&head, sizeof head, "a program");
    head.e_machine = EM_68K;
    refuse(&head, sizeof head, "another machine");
    head.e_ident[EI_CLASS] = ELFCLASS32;
    refuse(&head, sizeof head, "another kind of machine");
    assert_int_equal(elf_file_read("/nonexistent.so", &file, &err), -ENOENT);
    assert_int_equal(elf_file_read("/tmp", &file, &err), -EISDIR);
    elf_file_finish(&file);
}

static void a_program_is_no_library(void **state) {
    (void)state;
    struct elf_file file;
    struct error err = {0};
    assert_int_equal(elf_file_read("/proc/self/exe", &file, &err), -ENOEXEC);
    assert_non_null(strstr(err.text, "program"));
}

/* Every text that comes out must lie within the file; the sanitizer sees what reads beyond. */
static void use(const struct elf_file *file) {
    size_t sum = 0;
    for (size_t i = 0; i < file->exports_count; i++) {
        sum += strlen(file->exports[i]);
    }
    for (size_t i = 0; i < file->needed_count; i++) {
        sum += strlen(file->needed[i]);
    }
    assert_true(sum <= file->size * (file->exports_count + file->needed_count));
}

static void damaged_files_do_no_harm(void **state) {
    (void)state;
    struct elf_file whole;
    load(&whole);
    unsigned char *bytes = malloc(whole.size);
    uint64_t offset = 0;
    unsigned seed = 1;
    assert_non_null(bytes);
    memcpy(&offset, whole.bytes + offsetof(Elf64_Ehdr, e_shoff), sizeof offset);
    for (int round = 0; round < 3000; round++) {
        struct elf_file file;
        struct error err = {0};
        memcpy(bytes, whole.bytes, whole.size);
        for (int change = 0; change < 4; change++) {
            /* Mostly the headers, where every byte means something. */
            size_t at = change == 0 ? (size_t)rand_r(&seed) % sizeof(Elf64_Ehdr)
                        : change < 3
                            ? (size_t)(offset + (uint64_t)rand_r(&seed) % (whole.size - offset))
                            : (size_t)rand_r(&seed) % whole.size;
            if (change > 0 || round % 4 == 0) {
                bytes[at] = (unsigned char)rand_r(&seed);
            }
        }
        size_t size = round % 3 == 0 ? (size_t)rand_r(&seed) % whole.size : whole.size;
        if (elf_file_parse("x.so", bytes, size, &file, &err) == 0) {
            use(&file);
            elf_file_finish(&file);
        } else {
            assert_string_not_equal(err.text, "");
        }
    }
    free(bytes);
    elf_file_finish(&whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_shows_its_exports_and_needs),
        cmocka_unit_test(what_is_no_library_is_refused_in_words),
        cmocka_unit_test(a_program_is_no_library),
        cmocka_unit_test(damaged_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
