/* SPDX-License-Identifier: MIT */
/* What bench_ecr_store measured, and its table. */
#ifndef BENCH_ECR_REPORT_H
#define BENCH_ECR_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAYOUTS 4
#define ROWS_MAX 24
#define CELL_SIZE 64

/* What a store holds: "app" with its images, and other repositories with as many each. */
struct layout {
    char title[CELL_SIZE];
    size_t app_images;
    size_t repositories; /* with "app" */
    size_t images;       /* in all of them */
};

/* The rows of one layout. */
struct result {
    const char *names[ROWS_MAX];
    double us[ROWS_MAX];      /* medians */
    size_t entries[ROWS_MAX]; /* on the page */
    size_t rows;
    double fill_s;
    uint64_t file_bytes;
};

/* Prints the machine and the table, for a terminal or for a document. */
void ecr_report_print(const struct layout layouts[LAYOUTS], const struct result results[LAYOUTS],
                      bool markdown);

#endif
