/* SPDX-License-Identifier: MIT */
/* Reading of ELF files. Nothing in the file is believed: every offset and index is checked against
 * the file's end, every string for its NUL.
 * Source: System V ABI, chapters 4 and 5; elf(5). */
#include "elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (256u << 20)
#define SECTIONS_MAX 65536

/* What this program itself is. */
#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#elif defined(__riscv)
#define OWN_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define OWN_MACHINE EM_PPC64
#elif defined(__s390x__)
#define OWN_MACHINE EM_S390
#else
#define OWN_MACHINE EM_NONE /* not compared */
#endif

#define OWN_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)
#define OWN_DATA (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

/* A part of the file; bytes NULL: it is not all there. */
struct span {
    const unsigned char *bytes;
    size_t size;
};

static struct span span_of(const struct elf_file *file, uint64_t offset, uint64_t size) {
    struct span span = {NULL, 0};
    if (offset <= file->size && size <= file->size - offset) {
        span.bytes = file->bytes + offset;
        span.size = (size_t)size;
    }
    return span;
}

/* A text in a string table; NULL when it does not end within it. */
static const char *text_at(struct span strings, uint64_t offset) {
    if (strings.bytes == NULL || offset >= strings.size ||
        memchr(strings.bytes + offset, '\0', strings.size - (size_t)offset) == NULL) {
        return NULL;
    }
    return (const char *)strings.bytes + offset;
}

static bool section_at(const struct elf_file *file, const ElfW(Ehdr) * head, size_t index,
                       ElfW(Shdr) * ret_section) {
    struct span span = {NULL, 0};
    if (index < head->e_shnum) {
        /* Neither sum can overflow: e_shentsize and e_shnum have 16 bits. */
        uint64_t at = (uint64_t)index * head->e_shentsize;
        span = span_of(file, head->e_shoff, at + sizeof *ret_section);
        if (span.bytes != NULL) {
            memcpy(ret_section, span.bytes + at, sizeof *ret_section);
        }
    }
    return span.bytes != NULL;
}

/* The section's bytes and those of the string table that it links to. */
static bool open_section(const struct elf_file *file, const ElfW(Ehdr) * head,
                         const ElfW(Shdr) * section, struct span *ret_data,
                         struct span *ret_strings) {
    ElfW(Shdr) strings;
    if (!section_at(file, head, section->sh_link, &strings)) {
        return false;
    }
    *ret_data = span_of(file, section->sh_offset, section->sh_size);
    *ret_strings = span_of(file, strings.sh_offset, strings.sh_size);
    return ret_data->bytes != NULL && ret_strings->bytes != NULL;
}

static int read_symbols(struct elf_file *file, struct span data, struct span strings) {
    size_t count = data.size / sizeof(ElfW(Sym));
    file->exports = calloc(count > 0 ? count : 1, sizeof *file->exports);
    file->imports = calloc(count > 0 ? count : 1, sizeof *file->imports);
    if (file->exports == NULL || file->imports == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        ElfW(Sym) symbol;
        memcpy(&symbol, data.bytes + i * sizeof symbol, sizeof symbol);
        /* Binding and visibility are coded alike in both classes. */
        unsigned bind = ELF64_ST_BIND(symbol.st_info);
        unsigned visibility = ELF64_ST_VISIBILITY(symbol.st_other);
        unsigned type = ELF64_ST_TYPE(symbol.st_info);
        const char *name = text_at(strings, symbol.st_name);
        if (name != NULL && name[0] != '\0' && symbol.st_shndx != SHN_UNDEF && bind != STB_LOCAL &&
            (visibility == STV_DEFAULT || visibility == STV_PROTECTED) && type != STT_SECTION &&
            type != STT_FILE) {
            file->exports[file->exports_count++] = name;
        }
        if (name != NULL && name[0] != '\0' && symbol.st_shndx == SHN_UNDEF && bind == STB_GLOBAL) {
            file->imports[file->imports_count++] = name;
        }
    }
    return 0;
}

/* *ret_program: it is a program that is built like a shared library (PIE). */
static int read_dynamic(struct elf_file *file, struct span data, struct span strings,
                        bool *ret_program) {
    size_t count = data.size / sizeof(ElfW(Dyn));
    file->needed = calloc(count > 0 ? count : 1, sizeof *file->needed);
    if (file->needed == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        ElfW(Dyn) entry;
        memcpy(&entry, data.bytes + i * sizeof entry, sizeof entry);
        if (entry.d_tag == DT_NULL) {
            break;
        }
        if (entry.d_tag == DT_FLAGS_1) {
            *ret_program = (entry.d_un.d_val & DF_1_PIE) != 0;
        }
        const char *text = text_at(strings, entry.d_un.d_val);
        if (text != NULL && entry.d_tag == DT_NEEDED) {
            file->needed[file->needed_count++] = text;
        } else if (text != NULL && (entry.d_tag == DT_RUNPATH || entry.d_tag == DT_RPATH)) {
            file->run_path = text;
        }
    }
    return 0;
}

static const char *type_word(unsigned type) {
    switch (type) {
    case ET_REL:
        return "an object file: link it with -shared";
    case ET_EXEC:
        return "a program";
    case ET_CORE:
        return "a core dump";
    default:
        return "an ELF file of an unknown kind";
    }
}

static int check_head(const char *name, const struct elf_file *file, ElfW(Ehdr) * head,
                      struct error *err) {
    if (file->size < EI_NIDENT || memcmp(file->bytes, ELFMAG, SELFMAG) != 0) {
        return error_set(err, -ENOEXEC, "%s is no shared library: it does not begin as an ELF file",
                         name);
    }
    if (file->bytes[EI_CLASS] != OWN_CLASS || file->bytes[EI_DATA] != OWN_DATA) {
        return error_set(err, -ENOEXEC,
                         "%s was built for another kind of machine (word size or byte order)",
                         name);
    }
    if (file->size < sizeof *head) {
        return error_set(err, -ENOEXEC, "%s ends within the ELF header", name);
    }
    memcpy(head, file->bytes, sizeof *head);
    if (OWN_MACHINE != EM_NONE && head->e_machine != OWN_MACHINE) {
        return error_set(err, -ENOEXEC,
                         "%s was built for another machine (ELF machine %u; this host is %d)", name,
                         head->e_machine, OWN_MACHINE);
    }
    if (head->e_type != ET_DYN) {
        return error_set(err, -ENOEXEC, "%s is no shared library but %s", name,
                         type_word(head->e_type));
    }
    if (head->e_shoff == 0 || head->e_shnum == 0 || head->e_shentsize < sizeof(ElfW(Shdr))) {
        return error_set(err, -ENOEXEC, "%s has no section table to read", name);
    }
    return 0;
}

static int parse(const char *name, struct elf_file *file, struct error *err) {
    ElfW(Ehdr) head;
    ElfW(Shdr) section;
    int result = check_head(name, file, &head, err);
    bool dynamic = false;
    bool program = false;
    for (size_t i = 0; result == 0 && i < head.e_shnum && i < SECTIONS_MAX; i++) {
        struct span data;
        struct span strings;
        if (!section_at(file, &head, i, &section)) {
            return error_set(err, -ENOEXEC, "%s ends within its section table", name);
        }
        bool symbols = section.sh_type == SHT_DYNSYM && file->exports == NULL;
        bool entries = section.sh_type == SHT_DYNAMIC && file->needed == NULL;
        if (!symbols && !entries) {
            continue;
        }
        if (!open_section(file, &head, &section, &data, &strings)) {
            return error_set(err, -ENOEXEC, "%s is cut off or damaged", name);
        }
        result = symbols ? read_symbols(file, data, strings)
                         : read_dynamic(file, data, strings, &program);
        dynamic = dynamic || entries;
    }
    if (result == 0 && program) {
        return error_set(err, -ENOEXEC, "%s is no shared library but a program", name);
    }
    if (result == 0 && !dynamic) {
        return error_set(err, -ENOEXEC, "%s is no shared library: nothing in it is dynamic", name);
    }
    return result == -ENOMEM ? error_set(err, result, "out of memory") : result;
}

int elf_file_parse(const char *name, const void *bytes, size_t size, struct elf_file *ret_file,
                   struct error *err) {
    struct elf_file file = {.bytes = malloc(size > 0 ? size : 1), .size = size};
    if (file.bytes == NULL) {
        return error_set(err, -ENOMEM, "out of memory");
    }
    memcpy(file.bytes, bytes, size);
    int result = parse(name, &file, err);
    if (result != 0) {
        elf_file_finish(&file);
        return result;
    }
    *ret_file = file;
    return 0;
}

static int read_all(int fd, unsigned char *bytes, size_t size) {
    size_t have = 0;
    while (have < size) {
        ssize_t got = read(fd, bytes + have, size - have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : -EIO;
        }
        have += (size_t)got;
    }
    return 0;
}

static int read_file(const char *path, int fd, struct elf_file *file, struct error *err) {
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return error_set(err, -errno, "%s: %s", path, error_text(-errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return error_set(err, -EISDIR, "%s is no regular file", path);
    }
    if (info.st_size > (off_t)FILE_MAX_BYTES) {
        return error_set(err, -EFBIG, "%s is larger than %u MiB", path, FILE_MAX_BYTES >> 20);
    }
    file->size = (size_t)info.st_size;
    file->bytes = malloc(file->size > 0 ? file->size : 1);
    if (file->bytes == NULL) {
        return error_set(err, -ENOMEM, "out of memory");
    }
    int result = read_all(fd, file->bytes, file->size);
    if (result != 0) {
        return error_set(err, result, "%s cannot be read: %s", path, error_text(result));
    }
    return parse(path, file, err);
}

int elf_file_read(const char *path, struct elf_file *ret_file, struct error *err) {
    struct elf_file file = {.size = 0};
    /* NONBLOCK: a FIFO must not hold us up before it is refused. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return error_set(err, -errno, "%s: %s", path, error_text(-errno));
    }
    int result = read_file(path, fd, &file, err);
    (void)close(fd);
    if (result != 0) {
        elf_file_finish(&file);
        return result;
    }
    *ret_file = file;
    return 0;
}

int elf_file_has_export(const struct elf_file *file, const char *symbol) {
    for (size_t i = 0; i < file->exports_count; i++) {
        if (strcmp(file->exports[i], symbol) == 0) {
            return 1;
        }
    }
    return 0;
}

void elf_file_finish(struct elf_file *file) {
    free(file->bytes);
    free(file->exports);
    free(file->imports);
    free(file->needed);
    *file = (struct elf_file){.size = 0};
}
