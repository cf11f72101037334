/* SPDX-License-Identifier: MIT */
/* PATH, permissions, ELF heads and "#!" lines. */
#include "oci_entry.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci_path.h"

/* What execvp(3) takes when there is none. */
#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"
/* Of a script whose interpreter is a script: as the kernel has it. */
#define SCRIPTS_MAX 4
#define HEADERS_MAX 64

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__riscv)
#define MACHINE EM_RISCV
#elif defined(__s390x__)
#define MACHINE EM_S390
#elif defined(__powerpc64__)
#define MACHINE EM_PPC64
#else
#define MACHINE EM_NONE
#endif

static bool in_groups(const struct oci_user *user, gid_t gid) {
    for (size_t i = 0; i < user->groups_count; i++) {
        if (user->groups[i] == gid) {
            return true;
        }
    }
    return user->gid == gid;
}

/* The containers' processes have no capabilities: uid 0 has to have the bit like everybody. */
static bool may(const struct oci_user *user, const struct stat *info, unsigned bit) {
    mode_t mode = info->st_mode;
    if (info->st_uid == user->uid) {
        return (mode & (bit << 6)) != 0;
    }
    if (in_groups(user, info->st_gid)) {
        return (mode & (bit << 3)) != 0;
    }
    return (mode & bit) != 0;
}

/* The folders above the path may be entered: its literal parts, and what they link to. */
static int check_way(const struct oci_entry *entry, const char *path) {
    char part[OCI_ENTRY_PATH_MAX];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        struct stat info;
        size_t len = slash == path ? 1 : (size_t)(slash - path);
        memcpy(part, path, len);
        part[len] = '\0';
        int fd = oci_path_open(entry->root, part, O_PATH, 0);
        if (fd < 0) {
            return fd;
        }
        int result = fstat(fd, &info) != 0 ? -errno : 0;
        (void)close(fd);
        if (result == 0 && S_ISDIR(info.st_mode) && !may(entry->user, &info, 1)) {
            result = -EACCES;
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static bool is_hidden(const struct oci_entry *entry, const char *path) {
    for (const char *const *at = entry->hidden; at != NULL && *at != NULL; at++) {
        size_t len = strlen(*at);
        if (strncmp(path, *at, len) == 0 && path[len] == '/' &&
            path[len + strspn(path + len, "/")] != '\0') {
            return true;
        }
    }
    return false;
}

/* Opens a file that the user may execute. */
static int open_program(const struct oci_entry *entry, const char *path) {
    struct stat info;
    if (is_hidden(entry, path)) {
        return -ENOENT;
    }
    int result = check_way(entry, path);
    if (result != 0) {
        return result;
    }
    int fd = oci_path_open(entry->root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
        return fd;
    }
    if (fstat(fd, &info) != 0) {
        result = -errno;
    } else if (!S_ISREG(info.st_mode) || !may(entry->user, &info, 1)) {
        result = -EACCES;
    }
    if (result != 0) {
        (void)close(fd);
        return result;
    }
    return fd;
}

/* The ELF interpreter (ld.so) must be there: without it execve says "no such file". */
static int check_elf(const struct oci_entry *entry, int fd, const Elf64_Ehdr *head) {
    Elf64_Phdr program[HEADERS_MAX];
    char path[OCI_ENTRY_PATH_MAX];
    if (head->e_ident[EI_CLASS] != ELFCLASS64 ||
        (MACHINE != EM_NONE && head->e_machine != MACHINE) ||
        (head->e_type != ET_EXEC && head->e_type != ET_DYN) ||
        head->e_phentsize != sizeof *program || head->e_phnum == 0) {
        /* A 32-bit program may be one that this kernel runs: it decides itself. */
        bool maybe = MACHINE == EM_X86_64 && head->e_ident[EI_CLASS] == ELFCLASS32 &&
                     head->e_machine == EM_386;
        return maybe ? 0 : -ENOEXEC;
    }
    size_t count = head->e_phnum < HEADERS_MAX ? head->e_phnum : HEADERS_MAX;
    ssize_t got = pread(fd, program, count * sizeof *program, (off_t)head->e_phoff);
    if (got != (ssize_t)(count * sizeof *program)) {
        return -ENOEXEC;
    }
    for (size_t i = 0; i < count; i++) {
        if (program[i].p_type != PT_INTERP) {
            continue;
        }
        if (program[i].p_filesz < 2 || program[i].p_filesz > sizeof path) {
            return -ENOEXEC;
        }
        got = pread(fd, path, program[i].p_filesz, (off_t)program[i].p_offset);
        if (got != (ssize_t)program[i].p_filesz || path[got - 1] != '\0') {
            return -ENOEXEC;
        }
        int interpreter = open_program(entry, path);
        if (interpreter < 0) {
            return interpreter;
        }
        (void)close(interpreter);
    }
    return 0;
}

/* The path behind "#!". Errors: -ENOEXEC. */
static int script_interpreter(const char *line, size_t len, char path[OCI_ENTRY_PATH_MAX]) {
    const char *end = memchr(line, '\n', len);
    size_t at = 2;
    len = end != NULL ? (size_t)(end - line) : len;
    while (at < len && (line[at] == ' ' || line[at] == '\t')) {
        at++;
    }
    size_t used = 0;
    while (at < len && line[at] != ' ' && line[at] != '\t' && line[at] != '\0') {
        path[used++] = line[at++];
    }
    path[used] = '\0';
    return used > 0 ? 0 : -ENOEXEC;
}

static int check_file(const struct oci_entry *entry, const char *path, int scripts_left) {
    union {
        Elf64_Ehdr elf;
        char text[256];
    } head;
    char interpreter[OCI_ENTRY_PATH_MAX];
    int fd = open_program(entry, path);
    if (fd < 0) {
        return fd;
    }
    memset(&head, 0, sizeof head);
    ssize_t got = pread(fd, &head, sizeof head, 0);
    int result = -ENOEXEC;
    if (got >= 2 && memcmp(head.text, "#!", 2) == 0) {
        result = script_interpreter(head.text, (size_t)got, interpreter);
        if (result == 0 && scripts_left == 0) {
            result = -ELOOP;
        }
        if (result == 0) {
            result = check_file(entry, interpreter, scripts_left - 1);
        }
    } else if (got >= (ssize_t)sizeof head.elf && memcmp(head.elf.e_ident, ELFMAG, SELFMAG) == 0) {
        result = check_elf(entry, fd, &head.elf);
    }
    (void)close(fd);
    return result;
}

static int absolute(const char *cwd, const char *name, char ret_path[OCI_ENTRY_PATH_MAX]) {
    int len = name[0] == '/' ? snprintf(ret_path, OCI_ENTRY_PATH_MAX, "%s", name)
                             : snprintf(ret_path, OCI_ENTRY_PATH_MAX, "%s/%s",
                                        strcmp(cwd, "/") == 0 ? "" : cwd, name);
    return len < OCI_ENTRY_PATH_MAX ? 0 : -ENAMETOOLONG;
}

static const char *path_of(const char *const *env) {
    const char *path = PATH_DEFAULT;
    for (; *env != NULL; env++) {
        if (strncmp(*env, "PATH=", 5) == 0) {
            path = *env + 5;
        }
    }
    return path;
}

int oci_entry_check(const struct oci_entry *entry, char ret_path[OCI_ENTRY_PATH_MAX]) {
    char name[OCI_ENTRY_PATH_MAX];
    int first = -ENOENT;
    (void)snprintf(ret_path, OCI_ENTRY_PATH_MAX, "%s", entry->program);
    if (entry->program[0] == '\0') {
        return -ENOENT;
    }
    if (strchr(entry->program, '/') != NULL) {
        int result = absolute(entry->cwd, entry->program, name);
        return result != 0 ? result : check_file(entry, name, SCRIPTS_MAX);
    }
    for (const char *at = path_of(entry->env);;) {
        size_t len = strcspn(at, ":");
        char folder[OCI_ENTRY_PATH_MAX], found[OCI_ENTRY_PATH_MAX];
        int written = snprintf(folder, sizeof folder, "%.*s%s%s", (int)len, at, len > 0 ? "/" : "",
                               entry->program);
        if (written > 0 && (size_t)written < sizeof folder &&
            absolute(entry->cwd, folder, found) == 0) {
            int result = check_file(entry, found, SCRIPTS_MAX);
            int fd = result != 0 ? open_program(entry, found) : -1;
            /* What may be executed but is broken ends the search, as in execvp(3). */
            if (result == 0 || fd >= 0) {
                if (fd >= 0) {
                    (void)close(fd);
                }
                (void)snprintf(ret_path, OCI_ENTRY_PATH_MAX, "%s", found);
                return result;
            }
            first = result == -EACCES ? -EACCES : first;
        }
        if (at[len] == '\0') {
            return first;
        }
        at += len + 1;
    }
}

int oci_entry_check_cwd(const struct oci_entry *entry) {
    struct stat info;
    if (entry->cwd[0] != '/') {
        return -EINVAL;
    }
    if (is_hidden(entry, entry->cwd)) {
        return -ENOENT;
    }
    int result = check_way(entry, entry->cwd);
    if (result != 0) {
        return result;
    }
    int fd = oci_path_open(entry->root, entry->cwd, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) {
        return fd;
    }
    if (fstat(fd, &info) != 0) {
        result = -errno;
    } else if (!may(entry->user, &info, 1)) {
        result = -EACCES;
    }
    (void)close(fd);
    return result;
}
