/* SPDX-License-Identifier: MIT */
/* Source: passwd(5) and group(5), read as text: nothing of the host's own user database is asked.
 */
#include "oci_user.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci_path.h"

#define FIELDS_MAX 7

/* The whole file with a NUL; "" when there is none, or it is no file, or too big. NULL: -ENOMEM. */
static char *read_file(int root, const char *path) {
    struct stat info;
    size_t len = 0;
    char *text = NULL;
    /* A FIFO must not keep us. */
    int fd = oci_path_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
        (size_t)info.st_size <= OCI_USER_FILE_MAX) {
        size_t size = (size_t)info.st_size;
        text = malloc(size + 1);
        while (text != NULL && len < size) {
            ssize_t got = read(fd, text + len, size - len);
            if (got <= 0) {
                break;
            }
            len += (size_t)got;
        }
    } else {
        text = malloc(1);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (text != NULL) {
        text[len] = '\0';
    }
    return text;
}

/* Cuts the next line off and splits it at colons; the text is changed. False: no further line. */
static bool next_line(char **at, char *fields[FIELDS_MAX], size_t *ret_count) {
    char *line = strsep(at, "\n");
    if (line == NULL) {
        return false;
    }
    size_t count = 0;
    while (line != NULL && count < FIELDS_MAX) {
        fields[count++] = strsep(&line, ":");
    }
    *ret_count = count;
    return true;
}

/* A number of at most 32 bits, and not the one that means "none". */
static bool number(const char *text, uint32_t *ret_number) {
    char *end;
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end != '\0' || errno != 0 || value >= UINT32_MAX) {
        return false;
    }
    *ret_number = (uint32_t)value;
    return true;
}

/* The user's line of passwd, by name first. Fills uid and gid, and `name` for groups. */
static bool find_user(char *passwd, const char *wanted, bool numeric, uint32_t uid,
                      struct oci_user *user, char *name, size_t size) {
    char *fields[FIELDS_MAX];
    size_t count;
    while (next_line(&passwd, fields, &count)) {
        uint32_t line_uid, line_gid;
        if (count < 4 || !number(fields[2], &line_uid) || !number(fields[3], &line_gid)) {
            continue;
        }
        if (strcmp(fields[0], wanted) == 0 || (numeric && line_uid == uid)) {
            user->uid = line_uid;
            user->gid = line_gid;
            (void)snprintf(name, size, "%s", fields[0]);
            return true;
        }
    }
    return false;
}

static bool has_member(char *members, const char *name) {
    for (char *member; (member = strsep(&members, ",")) != NULL;) {
        if (strcmp(member, name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_group(struct oci_user *user, gid_t gid) {
    for (size_t i = 0; i < user->groups_count; i++) {
        if (user->groups[i] == gid) {
            return;
        }
    }
    if (user->groups_count < OCI_USER_GROUPS_MAX) {
        user->groups[user->groups_count++] = gid;
    }
}

/* The group called `wanted` becomes gid; else those that `name` is a member of are added. */
static bool find_group(char *groups, const char *wanted, const char *name, struct oci_user *user) {
    char *fields[FIELDS_MAX];
    size_t count;
    while (next_line(&groups, fields, &count)) {
        uint32_t gid;
        if (count < 3 || !number(fields[2], &gid)) {
            continue;
        }
        if (wanted != NULL && strcmp(fields[0], wanted) == 0) {
            user->gid = gid;
            return true;
        }
        if (wanted == NULL && count > 3 && name[0] != '\0' && gid != user->gid &&
            has_member(fields[3], name)) {
            add_group(user, gid);
        }
    }
    return false;
}

static int find(char *passwd, char *groups, char *wanted, struct oci_user *user,
                struct virga_error *err) {
    char name[256] = "";
    char *group = strchr(wanted, ':');
    uint32_t uid = 0, gid = 0;
    if (group != NULL) {
        *group++ = '\0';
    }
    bool numeric = number(wanted, &uid);
    *user = (struct oci_user){.uid = uid};
    if (!find_user(passwd, wanted, numeric, uid, user, name, sizeof name) && !numeric) {
        bool digits = wanted[strspn(wanted, "0123456789-")] == '\0';
        virga_error_set(err,
                        digits ? "user %.100s is no possible number"
                               : "unable to find user %.100s: no matching entries in passwd "
                                 "file",
                        wanted);
        return digits ? -EINVAL : -ENOENT;
    }
    if (group == NULL || group[0] == '\0') {
        (void)find_group(groups, NULL, name, user);
    } else if (number(group, &gid)) {
        user->gid = gid;
    } else if (!find_group(groups, group, "", user)) {
        virga_error_set(err, "unable to find group %.100s: no matching entries in group file",
                        group);
        return -ENOENT;
    }
    return 0;
}

int oci_user_find(int root, const char *user, struct oci_user *ret_user, struct virga_error *err) {
    struct oci_user found;
    char *passwd = read_file(root, "etc/passwd");
    char *groups = read_file(root, "etc/group");
    size_t size = strlen(user) + 2;
    char *wanted = malloc(size);
    int result = -ENOMEM;
    if (wanted != NULL) {
        (void)snprintf(wanted, size, "%s%s", user[0] == '\0' || user[0] == ':' ? "0" : "", user);
    }
    if (passwd != NULL && groups != NULL && wanted != NULL) {
        result = find(passwd, groups, wanted, &found, err);
    }
    free(passwd);
    free(groups);
    free(wanted);
    if (result == 0) {
        *ret_user = found;
    }
    return result;
}
