/* SPDX-License-Identifier: MIT */
/* The machine's description and the table of medians. */
#include "ecr_report.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <sqlite3.h>

static void print_machine(bool markdown) {
    struct utsname name;
    char line[256], cpu[256] = "unknown CPU";
    long memory_kb = 0;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "model name", 10) == 0) {
            (void)snprintf(cpu, sizeof cpu, "%s", strchr(line, ':') + 2);
            cpu[strcspn(cpu, "\n")] = '\0';
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    file = fopen("/proc/meminfo", "r");
    if (file != NULL) {
        if (fscanf(file, "MemTotal: %ld kB", &memory_kb) != 1) {
            memory_kb = 0;
        }
        (void)fclose(file);
    }
    (void)uname(&name);
    printf("%s, %ld cores, %.1f GiB, %s %s, gcc " __VERSION__ " (%s), SQLite %s%s\n", cpu,
           sysconf(_SC_NPROCESSORS_ONLN), (double)memory_kb / (1 << 20), name.sysname, name.release,
           BENCH_BUILD, sqlite3_libversion(), markdown ? "\n" : "");
}

/* One cell, right-justified unless it is the row's name. */
static void print_cell(const char *text, int width, bool markdown) {
    if (markdown) {
        printf(" %s |", text);
    } else {
        printf(width < 0 ? "%*s" : "  %*s", width, text);
    }
}

static void print_row(const char *name, char cells[LAYOUTS + 1][CELL_SIZE], bool markdown) {
    printf("%s", markdown ? "|" : "");
    print_cell(name, -42, markdown);
    for (size_t i = 0; i < LAYOUTS + 1; i++) {
        print_cell(cells[i], 17, markdown);
    }
    printf("\n");
}

/* The largest of the layouts' times over the smallest, of those whose page is as long. */
static double spread(const struct result results[LAYOUTS], size_t row) {
    size_t entries = 0;
    double low = 0, high = 0;
    for (size_t i = 0; i < LAYOUTS; i++) {
        entries = results[i].entries[row] > entries ? results[i].entries[row] : entries;
    }
    for (size_t i = 0; i < LAYOUTS; i++) {
        double us = results[i].us[row];
        if (results[i].entries[row] == entries) {
            low = low == 0 || us < low ? us : low;
            high = us > high ? us : high;
        }
    }
    return low > 0 ? high / low : 0;
}

void ecr_report_print(const struct layout layouts[LAYOUTS], const struct result results[LAYOUTS],
                      bool markdown) {
    char cells[LAYOUTS + 1][CELL_SIZE];
    print_machine(markdown);
    for (size_t i = 0; i < LAYOUTS; i++) {
        memcpy(cells[i], layouts[i].title, sizeof cells[i]);
    }
    (void)snprintf(cells[LAYOUTS], sizeof cells[LAYOUTS], "max / min");
    print_row("median, us", cells, markdown);
    if (markdown) {
        printf("|---|---:|---:|---:|---:|---:|\n");
    }
    for (size_t row = 0; row < results[0].rows; row++) {
        size_t most = 0;
        for (size_t i = 0; i < LAYOUTS; i++) {
            most = results[i].entries[row] > most ? results[i].entries[row] : most;
        }
        for (size_t i = 0; i < LAYOUTS; i++) {
            if (results[i].entries[row] == most) {
                (void)snprintf(cells[i], sizeof cells[i], "%.1f", results[i].us[row]);
            } else {
                (void)snprintf(cells[i], sizeof cells[i], "%.1f (of %zu)", results[i].us[row],
                               results[i].entries[row]);
            }
        }
        (void)snprintf(cells[LAYOUTS], sizeof cells[LAYOUTS], "%.2f", spread(results, row));
        print_row(results[0].names[row], cells, markdown);
    }
    for (size_t i = 0; i < LAYOUTS; i++) {
        (void)snprintf(cells[i], sizeof cells[i], "%.1f", results[i].fill_s);
    }
    cells[LAYOUTS][0] = '\0';
    print_row("filled in, s", cells, markdown);
    for (size_t i = 0; i < LAYOUTS; i++) {
        (void)snprintf(cells[i], sizeof cells[i], "%.1f",
                       (double)results[i].file_bytes / (1 << 20));
    }
    print_row("file, MiB", cells, markdown);
}
