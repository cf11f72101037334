/* SPDX-License-Identifier: MIT */
/* The plugin in a host in memory, with its files in a folder of the test's own. */
#ifndef S3_TEST_KIT_FIXTURE_H
#define S3_TEST_KIT_FIXTURE_H

#include "unit.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <virga/plugin.h>
#include <virga/testkit.h>

struct fixture {
    struct testkit *kit;
    char folder[64];
};

static inline int fixture_remove_one(const char *path, const struct stat *info, int kind,
                                     struct FTW *where) {
    (void)info;
    (void)where;
    return kind == FTW_DP ? rmdir(path) : unlink(path);
}

static inline int fixture_begin(void **state) {
    static struct fixture fixture;
    (void)snprintf(fixture.folder, sizeof fixture.folder, "/tmp/virga-s3-XXXXXX");
    assert_non_null(mkdtemp(fixture.folder));
    fixture.kit = testkit_create(&virga_plugin_v1);
    assert_int_equal(testkit_set(fixture.kit, "data-path", fixture.folder), 0);
    assert_int_equal(testkit_start(fixture.kit), 0);
    testkit_run(fixture.kit);
    *state = &fixture;
    return 0;
}

static inline int fixture_end(void **state) {
    struct fixture *fixture = *state;
    int problems = (int)testkit_destroy(fixture->kit);
    (void)nftw(fixture->folder, fixture_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return problems;
}

/* A request that is signed for S3, not sent yet. */
static inline struct testkit_request *request(struct fixture *fixture, const char *method,
                                              const char *target) {
    struct testkit_request *req = testkit_request_create(fixture->kit, method, target);
    testkit_request_identity(req, NULL, NULL, "s3");
    return req;
}

/* Sends it and runs; returns the status. */
static inline int finish(struct fixture *fixture, struct testkit_request *req) {
    (void)testkit_send(req);
    testkit_run(fixture->kit);
    return testkit_status(req);
}

/* A whole call; returns the request, which the kit frees. */
static inline struct testkit_request *call(struct fixture *fixture, const char *method,
                                           const char *target, const char *body) {
    struct testkit_request *req = request(fixture, method, target);
    if (body != NULL) {
        testkit_request_body(req, body, strlen(body));
    }
    (void)finish(fixture, req);
    return req;
}

/* The files of objects that are there. */
static inline size_t fixture_files(struct fixture *fixture) {
    char path[400];
    size_t count = 0;
    (void)snprintf(path, sizeof path, "%s/objects", fixture->folder);
    DIR *top = opendir(path);
    assert_non_null(top);
    for (struct dirent *entry = readdir(top); entry != NULL; entry = readdir(top)) {
        (void)snprintf(path, sizeof path, "%s/objects/%s", fixture->folder, entry->d_name);
        DIR *sub = entry->d_name[0] != '.' ? opendir(path) : NULL;
        for (struct dirent *file = sub != NULL ? readdir(sub) : NULL; file != NULL;
             file = readdir(sub)) {
            count += file->d_name[0] != '.';
        }
        if (sub != NULL) {
            closedir(sub);
        }
    }
    closedir(top);
    return count;
}

#endif
