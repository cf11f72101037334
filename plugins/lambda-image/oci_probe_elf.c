/* SPDX-License-Identifier: MIT */
/* An ELF head, one program header, and exit(42) in machine code. */
#include "oci_probe_elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BASE 0x400000

#if defined(__x86_64__)
#define MACHINE EM_X86_64
static const unsigned char code[] = {
    0xbf, OCI_PROBE_STATUS,
    0,    0,
    0, /* mov edi, 42 */
    0xb8, 60,
    0,    0,
    0,         /* mov eax, SYS_exit */
    0x0f, 0x05 /* syscall */
};
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
static const unsigned char code[] = {
    0x40, 0x05, 0x80, 0xd2, /* mov x0, #42 */
    0xa8, 0x0b, 0x80, 0xd2, /* mov x8, #93, SYS_exit */
    0x01, 0x00, 0x00, 0xd4  /* svc #0 */
};
#else
#define MACHINE EM_NONE
static const unsigned char code[] = {0};
#endif

struct image {
    Elf64_Ehdr head;
    Elf64_Phdr program;
    unsigned char code[sizeof code];
};

int oci_probe_elf_write(const char *path) {
    struct image image = {
        .head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                             EV_CURRENT},
                 .e_type = ET_EXEC,
                 .e_machine = MACHINE,
                 .e_version = EV_CURRENT,
                 .e_entry = BASE + offsetof(struct image, code),
                 .e_phoff = offsetof(struct image, program),
                 .e_ehsize = sizeof(Elf64_Ehdr),
                 .e_phentsize = sizeof(Elf64_Phdr),
                 .e_phnum = 1},
        .program = {.p_type = PT_LOAD,
                    .p_flags = PF_R | PF_X,
                    .p_vaddr = BASE,
                    .p_paddr = BASE,
                    .p_filesz = sizeof image,
                    .p_memsz = sizeof image,
                    .p_align = 0x1000},
    };
    if (MACHINE == EM_NONE) {
        return -ENOTSUP;
    }
    memcpy(image.code, code, sizeof code);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (fd < 0) {
        return -errno;
    }
    ssize_t written = write(fd, &image, sizeof image);
    int result = written == (ssize_t)sizeof image ? 0 : written < 0 ? -errno : -ENOSPC;
    if (result == 0 && fchmod(fd, 0755) != 0) {
        result = -errno;
    }
    (void)close(fd);
    return result;
}
