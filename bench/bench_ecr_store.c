/* SPDX-License-Identifier: MIT */
/* Does a page of ECR's listings cost the same however much there is? Fills stores of different
 * sizes on disk and times the same calls on each, through the control plane's front door.
 * usage: bench_ecr_store [--repositories N] [--images N] [--runs N] [--dir DIR] [--markdown] */
#include "call_fixture.h"
#include "ecr_report.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE 100                 /* entries of a timed page */
#define STEP 500                 /* entries of a page on the way there */
#define BATCH 10000              /* images in one transaction while filling */
#define BASE_IMAGES 1000         /* in "app", where a layout does not say otherwise */
#define LAST_TAGS 115            /* images that have the last page's tags */
#define RUNS 301                 /* of each call; the median is shown */
#define LOOKUPS 4096             /* different tags that are looked up */
#define MANIFEST "{\"bench\":1}" /* of the one image that the scripted registry has */

static size_t runs = RUNS;
static const char *folder = "/tmp";

static void die(const char *what) {
    (void)fprintf(stderr, "bench_ecr_store: %s\n", what);
    exit(1);
}

static double now_us(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* --- filling --- */

/* Digests in ascending order, so that a million of them go in at the speed of the disk. */
static void make_digest(size_t number, char ret_digest[ECR_DIGEST_LEN + 1]) {
    (void)snprintf(ret_digest, ECR_DIGEST_LEN + 1, "sha256:%016zx%048x", number, 7u);
}

static void put_image(const char *name, size_t number, const char *tag) {
    struct meta_image image = {.media_type = (char[]){MEDIA},
                               .artifact_media_type =
                                   (char[]){"application/vnd.oci.image.config.v1+json"},
                               .size_bytes = 123456789,
                               .manifest_bytes = 1234};
    make_digest(number, image.digest);
    if (meta_image_put(&fixture.ecr, &here, STR(name), "", &image,
                       tag != NULL ? STR(tag) : (struct virga_str){0}) != 0) {
        die("an image could not be recorded");
    }
}

static void begin_batch(void) {
    if (fixture_store.begin(&fixture.host) != 0) {
        die("no transaction");
    }
}

static void commit_batch(void) {
    if (fixture_store.commit(&fixture.host) != 0) {
        die("no commit");
    }
}

/* Nine of ten images have a tag, one of a hundred has three. */
static void fill_repository(const char *name, size_t count, size_t *done) {
    char tag[64];
    for (size_t i = 0; i < count; i++, (*done)++) {
        if (*done % BATCH == 0) {
            commit_batch();
            begin_batch();
        }
        (void)snprintf(tag, sizeof tag, "v%08zu", i);
        put_image(name, i, i % 10 == 9 ? NULL : tag);
        for (size_t more = 0; i % 100 == 0 && more < 2; more++) {
            (void)snprintf(tag, sizeof tag, "more-%zu-%08zu", more, i);
            put_image(name, i, tag);
        }
    }
}

static void create_repository(const char *name) {
    struct meta_repository repository = {.encryption_type = (char[]){"AES256"}};
    (void)snprintf(repository.name, sizeof repository.name, "%s", name);
    if (meta_repository_create(&fixture.ecr, &here, &repository) != 0) {
        die("a repository could not be recorded");
    }
}

static void fill(const struct layout *layout) {
    char name[64], digest[ECR_DIGEST_LEN + 1];
    size_t done = 0, others = layout->repositories - 1;
    size_t rest = layout->images - layout->app_images;
    begin_batch();
    create_repository("app");
    fill_repository("app", layout->app_images, &done);
    for (size_t i = 0; i < others; i++) {
        (void)snprintf(name, sizeof name, "team-%03zu/service-%08zu", i * 100 / others, i);
        create_repository(name);
        fill_repository(name, rest / others + (i < rest % others ? 1 : 0), &done);
    }
    commit_batch();
    manifests_count = 0;
    push(MANIFEST, "real", NULL, digest);
}

/* --- calls --- */

/* Makes a call; the entries of the answer's list are counted where `list` is not NULL, and its
 * nextToken is left in ret_token. Returns how long it took. */
static double ask(const char *action, const char *body, const char *list, size_t *ret_entries,
                  char ret_token[VIRGA_PAGE_TOKEN_SIZE]) {
    struct fake fake;
    fake_start(&fake, action, body);
    double start = now_us();
    actions_handle(&fixture.ecr, &fake.req);
    run_loop();
    double us = now_us() - start;
    if (fake.status != 200) {
        (void)fprintf(stderr, "%s %s: %d %s\n", action, body, fake.status, fake.body);
        exit(1);
    }
    if (list != NULL) {
        struct json_object *object = json_tokener_parse(fake.body);
        struct virga_str token = virga_awsjson_str(object, "nextToken");
        *ret_entries = virga_awsjson_length(object, list);
        (void)snprintf(ret_token, VIRGA_PAGE_TOKEN_SIZE, "%.*s", (int)token.len,
                       token.ptr != NULL ? token.ptr : "");
        json_object_put(object);
    }
    fake_finish(&fake);
    return us;
}

static int compare_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof values[0], compare_double);
    return values[count / 2];
}

static void add_row(struct result *result, const char *name, double us, size_t entries) {
    result->names[result->rows] = name;
    result->us[result->rows] = us;
    result->entries[result->rows++] = entries;
}

/* The median of `runs` times the same call. */
static void time_call(struct result *result, const char *name, const char *action, const char *body,
                      const char *list) {
    char token[VIRGA_PAGE_TOKEN_SIZE];
    double *times = calloc(runs, sizeof *times);
    size_t entries = 0;
    if (times == NULL) {
        die("out of memory");
    }
    for (size_t i = 0; i < runs; i++) {
        times[i] = ask(action, body, list, &entries, token);
    }
    add_row(result, name, median(times, runs), entries);
    free(times);
}

/* The body of a call for one page. */
static void page_body(char body[4096], const char *base, size_t max, const char *token) {
    bool begins = token[0] == '\0';
    (void)snprintf(body, 4096, "%s\"maxResults\":%zu%s%s%s}", base, max,
                   begins ? "" : ",\"nextToken\":\"", token, begins ? "" : "\"");
}

/* Times the first page of a listing, one in its middle, and the last one; they are found by going
 * all the way. `base` is the call's body without its end. */
static void time_pages(struct result *result, const char *const names[3], const char *action,
                       const char *base, const char *list) {
    char token[VIRGA_PAGE_TOKEN_SIZE] = "", body[4096];
    char(*tokens)[VIRGA_PAGE_TOKEN_SIZE] = NULL;
    size_t count = 0, entries = 0;
    do {
        char(*grown)[VIRGA_PAGE_TOKEN_SIZE] = realloc(tokens, (count + 1) * sizeof *tokens);
        if (grown == NULL) {
            die("out of memory");
        }
        tokens = grown;
        memcpy(tokens[count++], token, sizeof token);
        page_body(body, base, STEP, tokens[count - 1]);
        (void)ask(action, body, list, &entries, token);
    } while (token[0] != '\0');
    if (count > 1) {
        /* So that the last page is a whole one. */
        page_body(body, base, STEP + entries - PAGE, tokens[count - 2]);
        (void)ask(action, body, list, &entries, token);
        memcpy(tokens[count - 1], token, sizeof token);
    }
    const size_t at[3] = {0, (count - 1) / 2, count - 1};
    for (size_t i = 0; i < 3; i++) {
        page_body(body, base, PAGE, tokens[at[i]]);
        time_call(result, names[i], action, body, list);
    }
    free(tokens);
}

/* --- the wire's tags/list: its walk, without the HTTP around it --- */

struct tag_page {
    size_t count;
    size_t bytes;
};

static int on_tag(void *arg, struct virga_str tag, struct virga_str digest) {
    struct tag_page *page = arg;
    (void)digest;
    if (page->count == PAGE) {
        return 1;
    }
    page->count++;
    page->bytes += tag.len;
    return 0;
}

static void time_tags(struct result *result, const char *name, size_t after) {
    char last[64];
    double *times = calloc(runs, sizeof *times);
    struct tag_page page = {0};
    if (times == NULL) {
        die("out of memory");
    }
    (void)snprintf(last, sizeof last, "v%08zu", after);
    for (size_t i = 0; i < runs; i++) {
        page = (struct tag_page){0};
        double start = now_us();
        if (meta_tag_each(&fixture.ecr, &here, STR("app"),
                          after > 0 ? STR(last) : (struct virga_str){0}, on_tag, &page) < 0) {
            die("the tags could not be walked");
        }
        times[i] = now_us() - start;
    }
    add_row(result, name, median(times, runs), page.count);
    free(times);
}

/* --- single images --- */

/* A different tag each time, all over the repository. */
static void time_lookups(struct result *result, const struct layout *layout) {
    char body[256], token[VIRGA_PAGE_TOKEN_SIZE];
    size_t count = runs < LOOKUPS ? runs : LOOKUPS, entries = 0;
    double *times = calloc(count, sizeof *times);
    if (times == NULL) {
        die("out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        size_t number = (i * 7919 * 10) % layout->app_images / 10 * 10;
        (void)snprintf(body, sizeof body,
                       "{\"repositoryName\":\"app\",\"imageIds\":[{\"imageTag\":\"v%08zu\"}]}",
                       number);
        times[i] = ask("DescribeImages", body, "imageDetails", &entries, token);
    }
    add_row(result, "DescribeImages by tag, another each time", median(times, count), entries);
    free(times);
}

static void time_changes(struct result *result, const struct layout *layout) {
    double *puts = calloc(runs, sizeof *puts), *deletes = calloc(runs, sizeof *deletes);
    char digest[ECR_DIGEST_LEN + 1];
    if (puts == NULL || deletes == NULL) {
        die("out of memory");
    }
    for (size_t i = 0; i < runs; i++) {
        size_t number = ((size_t)1 << 40) + layout->app_images + i;
        double start = now_us();
        put_image("app", number, "a-new-one");
        puts[i] = now_us() - start;
        make_digest(number, digest);
        start = now_us();
        if (meta_image_delete(&fixture.ecr, &here, STR("app"), STR(digest)) != 0) {
            die("an image could not be deleted");
        }
        deletes[i] = now_us() - start;
    }
    add_row(result, "record an image with a tag", median(puts, runs), 0);
    add_row(result, "delete it", median(deletes, runs), 0);
    free(puts);
    free(deletes);
}

static void measure(const struct layout *layout, struct result *result) {
#define PAGES(label) (const char *const[3]){label ", first page", label ", middle", label ", last"}
    time_pages(result, PAGES("DescribeRepositories"), "DescribeRepositories", "{", "repositories");
    time_pages(result, PAGES("ListImages"), "ListImages", "{" APP ",", "imageIds");
    time_pages(result, PAGES("ListImages UNTAGGED"), "ListImages",
               "{" APP ",\"filter\":{\"tagStatus\":\"UNTAGGED\"},", "imageIds");
    time_pages(result, PAGES("DescribeImages"), "DescribeImages", "{" APP ",", "imageDetails");
    time_tags(result, "tags/list, first page", 0);
    time_tags(result, "tags/list, middle", layout->app_images / 2);
    time_tags(result, "tags/list, last",
              layout->app_images > LAST_TAGS ? layout->app_images - LAST_TAGS : 0);
    time_lookups(result, layout);
    time_call(result, "BatchGetImage by tag", "BatchGetImage",
              "{" APP ",\"imageIds\":[{\"imageTag\":\"real\"}]}", "images");
    time_changes(result, layout);
#undef PAGES
}

/* --- one layout in a store of its own --- */

static void remove_files(const char *path) {
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".lock"};
    char name[4096];
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

static void run_layout(const struct layout *layout, struct result *result) {
    char path[4096];
    struct stat st;
    struct error err = {0};
    void *state = NULL;
    (void)snprintf(path, sizeof path, "%s/bench-ecr-%ld.db", folder, (long)getpid());
    if (setup(&state) != 0) {
        die("no surroundings");
    }
    store_db_close(fixture.db);
    if (store_db_open(path, &fixture.db, &err) != 0) {
        die("the store could not be opened");
    }
    double start = now_us();
    fill(layout);
    result->fill_s = (now_us() - start) / 1e6;
    result->file_bytes = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    measure(layout, result);
    (void)teardown(&state);
    remove_files(path);
}

/* --- the command --- */

static size_t number(const char *text) {
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value == 0) {
        die("a number above 0 is needed");
    }
    return value;
}

static void usage(void) {
    (void)fprintf(stderr,
                  "usage: bench_ecr_store [--repositories N] [--images N] [--runs N] [--dir DIR] "
                  "[--markdown]\n"
                  "  --repositories N  in the largest layout (100000)\n"
                  "  --images N        in all of a large layout (1000000)\n"
                  "  --runs N          of each call; the median is shown (301)\n"
                  "  --dir DIR         where the stores are made, some 1.5 GiB (/tmp)\n"
                  "  --markdown        the table for a document\n");
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"repositories", required_argument, NULL, 'r'}, {"images", required_argument, NULL, 'i'},
        {"runs", required_argument, NULL, 'n'},         {"dir", required_argument, NULL, 'd'},
        {"markdown", no_argument, NULL, 'm'},           {NULL, 0, NULL, 0}};
    static struct result results[LAYOUTS];
    size_t repositories = 100000, images = 1000000;
    bool markdown = false;
    int option = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'r':
            repositories = number(optarg);
            break;
        case 'i':
            images = number(optarg);
            break;
        case 'n':
            runs = number(optarg);
            break;
        case 'd':
            folder = optarg;
            break;
        case 'm':
            markdown = true;
            break;
        default:
            usage();
            return 2;
        }
    }
    size_t base = images < BASE_IMAGES ? images : BASE_IMAGES;
    size_t some = repositories < 100 ? repositories : repositories / 100;
    struct layout layouts[LAYOUTS] = {
        {.app_images = base, .repositories = 1, .images = base},
        {.app_images = base,
         .repositories = some,
         .images = images < 10 * some ? images : 10 * some},
        {.app_images = base, .repositories = repositories, .images = images},
        {.app_images = images, .repositories = 1, .images = images},
    };
    for (size_t i = 0; i < LAYOUTS; i++) {
        struct layout *layout = &layouts[i];
        layout->images = layout->images < base ? base : layout->images;
        (void)snprintf(layout->title, sizeof layout->title, "%zu r, %zu i", layout->repositories,
                       layout->images);
        (void)fprintf(stderr, "filling and timing %s\n", layout->title);
        run_layout(layout, &results[i]);
    }
    ecr_report_print(layouts, results, markdown);
    return 0;
}
