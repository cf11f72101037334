/* SPDX-License-Identifier: MIT */
/* A scanner's report as findings, and findings in the store. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ecr_fixture.h"
#include "scan_record.h"
#include "scan_report.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define VULNERABLE(members) "{\"Results\":[{\"Target\":\"t\",\"Vulnerabilities\":[" members "]}]}"
#define ONE(id, severity)                                                                          \
    "{\"VulnerabilityID\":\"" id "\",\"PkgName\":\"p\",\"Severity\":\"" severity "\"}"

static struct scan_subject subject(bool enhanced) {
    return (struct scan_subject){.tenant = {"123456789012", "us-east-1"},
                                 .name = "app",
                                 .digest = DIGEST,
                                 .enhanced = enhanced,
                                 .now_ms = 1700000000000};
}

static struct scan_report read_good(const char *text, bool enhanced) {
    struct scan_subject of = subject(enhanced);
    struct scan_report report;
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    int result = scan_report_read(STR(text), &of, &report, &err);
    if (result != 0) {
        fail_msg("%s", err.text);
    }
    return report;
}

static void assert_members(const struct scan_report *report, size_t index, const char *expected) {
    char *text = strndup(report->findings[index].members, report->findings[index].len);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_refused(const char *text, const char *reason) {
    struct scan_subject of = subject(false);
    struct scan_report report;
    struct virga_error err = {.struct_size = sizeof err, .text = ""};
    assert_int_equal(scan_report_read(STR(text), &of, &report, &err), -EINVAL);
    assert_string_equal(err.text, reason);
}

static void severities_are_mapped_and_the_gravest_come_first(void **state) {
    (void)state;
    struct scan_report report = read_good(
        VULNERABLE(ONE("A", "LOW") "," ONE("B", "UNKNOWN") "," ONE("C", "critical") "," ONE(
            "D", "NEGLIGIBLE") "," ONE("E", "HIGH") "," ONE("F", "HIGH")),
        false);
    static const enum scan_severity expected[] = {
        SCAN_CRITICAL, SCAN_HIGH, SCAN_HIGH, SCAN_LOW, SCAN_INFORMATIONAL, SCAN_UNDEFINED};
    assert_int_equal(report.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(report.findings[i].severity, expected[i]);
    }
    assert_int_equal(report.findings[1].order, 4);
    assert_int_equal(report.findings[2].order, 5);
    assert_int_equal(report.severities[SCAN_HIGH], 2);
    assert_int_equal(report.severities[SCAN_MEDIUM], 0);
    assert_string_equal(scan_severity_word(SCAN_UNDEFINED, false), "UNDEFINED");
    assert_string_equal(scan_severity_word(SCAN_UNDEFINED, true), "UNTRIAGED");
    scan_report_finish(&report);
}

static void a_basic_finding_omits_what_is_not_known(void **state) {
    (void)state;
    struct scan_report report = read_good(
        VULNERABLE("{\"VulnerabilityID\":\"CVE-1\",\"Title\":\"t\",\"References\":[\"https://r\"],"
                   "\"CVSS\":{\"ghsa\":{\"V3Vector\":\"CVSS:3.1/AV:N\",\"V3Score\":7},"
                   "\"nvd\":{\"V2Vector\":\"AV:N\",\"V2Score\":0,\"V3Score\":99}}}"),
        false);
    /* NVD's numbers go before others', but a score that is none is left out. */
    assert_members(&report, 0,
                   "\"name\":\"CVE-1\",\"description\":\"t\",\"uri\":\"https://r\","
                   "\"severity\":\"UNDEFINED\",\"attributes\":[{\"key\":\"CVSS2_VECTOR\","
                   "\"value\":\"AV:N\"}]");
    scan_report_finish(&report);
}

static void texts_are_cut_between_characters(void **state) {
    (void)state;
    enum { LEN = SCAN_DESCRIPTION_MAX + 10 };
    char *text = malloc(LEN + 200);
    int at = sprintf(text, "%s",
                     "{\"Results\":[{\"Vulnerabilities\":[{\"VulnerabilityID\":\"x\","
                     "\"Description\":\"y");
    for (int i = 0; i < LEN / 2; i++) {
        at += sprintf(text + at, "\xc3\xa4");
    }
    (void)sprintf(text + at, "\"}]}]}");
    struct scan_report report = read_good(text, false);
    const char *end = strstr(report.findings[0].members, "\",\"severity\"");
    assert_non_null(end);
    /* One byte less than the cap: the character on it would have been cut in two. */
    assert_int_equal(end - strstr(report.findings[0].members, "y\xc3"), SCAN_DESCRIPTION_MAX - 1);
    scan_report_finish(&report);
    free(text);
}

static void enhanced_findings_name_packages_as_inspector_does(void **state) {
    (void)state;
    struct scan_report report = read_good(
        "{\"Results\":[{\"Target\":\"a/package-lock.json\",\"Class\":\"lang-pkgs\",\"Type\":"
        "\"node-pkg\",\"Vulnerabilities\":[{\"VulnerabilityID\":\"CVE-2\",\"PkgName\":\"lodash\","
        "\"InstalledVersion\":\"4.17.19-rc1\",\"Severity\":\"UNKNOWN\","
        "\"SeveritySource\":\"ubuntu-cve\",\"Layer\":{\"Digest\":\"sha256:1\"},"
        "\"ExploitAvailable\":true}]}]}",
        true);
    const char *text = report.findings[0].members;
    assert_non_null(strstr(
        text, "\"vulnerablePackages\":[{\"filePath\":\"a/package-lock.json\",\"name\":\"lodash\","
              "\"packageManager\":\"NODEPKG\",\"version\":\"4.17.19-rc1\","
              "\"sourceLayerHash\":\"sha256:1\"}]"));
    assert_non_null(strstr(text, "\"source\":\"UBUNTU_CVE\""));
    assert_non_null(strstr(text, "\"severity\":\"UNTRIAGED\""));
    assert_non_null(strstr(text, "\"title\":\"CVE-2 - lodash\""));
    assert_non_null(strstr(text, "\"fixAvailable\":\"NO\",\"exploitAvailable\":\"YES\""));
    assert_null(strstr(text, "scoreDetails"));
    /* The same finding has the same ARN, another has another. */
    struct scan_report again =
        read_good(VULNERABLE(ONE("A", "LOW") "," ONE("A", "LOW") "," ONE("B", "LOW")), true);
    const char *arns[3];
    for (size_t i = 0; i < 3; i++) {
        arns[i] = strstr(again.findings[i].members, ":finding/");
        assert_non_null(arns[i]);
    }
    assert_memory_equal(arns[0], arns[1], 41);
    assert_memory_not_equal(arns[0], arns[2], 41);
    scan_report_finish(&again);
    scan_report_finish(&report);
}

static void what_is_no_report_is_refused(void **state) {
    (void)state;
    assert_refused("", "it is empty");
    assert_refused("nonsense", "it is no JSON object");
    assert_refused("[]", "it is no JSON object");
    assert_refused("{} {}", "it is no JSON object");
    assert_refused("{\"Results\":[],}", "it is no JSON object");
    assert_refused("{\"matches\":[]}",
                   "it has neither Results nor SchemaVersion: not a report of Trivy's");
    assert_refused("{\"Results\":{}}", "Results is no array");
    assert_refused("{\"Results\":[1]}", "an element of Results is no object");
    assert_refused("{\"Results\":[{\"Vulnerabilities\":{}}]}", "Vulnerabilities is no array");
    assert_refused("{\"Results\":[{\"Vulnerabilities\":[1]}]}",
                   "a vulnerability has no VulnerabilityID");
}

static void the_source_is_as_old_as_the_report_says(void **state) {
    (void)state;
    struct scan_report report = read_good(
        "{\"SchemaVersion\":2,\"CreatedAt\":\"2026-01-02T03:04:05.678901+01:00\"}", false);
    assert_int_equal(report.source_ms, 1767319445678);
    assert_false(report.unsupported);
    report = read_good(VULNERABLE("{\"VulnerabilityID\":\"x\",\"LastModifiedDate\":"
                                  "\"2020-01-01T00:00:00Z\"}"),
                       false);
    assert_int_equal(report.source_ms, 1577836800000);
    scan_report_finish(&report);
    report = read_good("{\"Results\":null,\"SchemaVersion\":2}", false);
    assert_int_equal(report.source_ms, 1700000000000);
}

static void an_image_of_nothing_known_is_unsupported(void **state) {
    (void)state;
    struct scan_report report =
        read_good("{\"ArtifactType\":\"container_image\",\"Metadata\":{\"ImageID\":\"x\"}}", false);
    assert_true(report.unsupported);
    report = read_good("{\"ArtifactType\":\"container_image\",\"Metadata\":{\"OS\":{}}}", false);
    assert_false(report.unsupported);
    report =
        read_good("{\"ArtifactType\":\"container_image\",\"Metadata\":{},\"Results\":[{}]}", false);
    assert_false(report.unsupported);
}

/* --- the store --- */

static const struct tenant here = {"123456789012", "us-east-1"};

struct seen {
    size_t count;
    char first[64];
    char last[64];
    int64_t first_ms; /* since when the first and the last finding are known */
    int64_t last_ms;
};

static int on_finding(void *arg, const struct scan_shown *shown) {
    struct seen *seen = arg;
    if (seen->count++ == 0) {
        (void)snprintf(seen->first, sizeof seen->first, "%.*s", (int)shown->position.len,
                       shown->position.ptr);
        seen->first_ms = shown->first_ms;
    }
    (void)snprintf(seen->last, sizeof seen->last, "%.*s", (int)shown->position.len,
                   shown->position.ptr);
    seen->last_ms = shown->first_ms;
    return 0;
}

static struct seen see(const char *after) {
    struct seen seen = {0};
    assert_int_equal(scan_findings_each(&fixture.ecr, &here, STR("app"), STR(DIGEST), STR(after),
                                        on_finding, &seen),
                     0);
    return seen;
}

static int count_order(void *arg, const struct image_order *order) {
    assert_string_equal(order->name, "app");
    assert_string_equal(order->digest, DIGEST);
    assert_string_equal(order->tenant.account, here.account);
    ++*(size_t *)arg;
    return 0;
}

static size_t orders(void) {
    size_t count = 0;
    assert_int_equal(image_order_each(&fixture.ecr, IMAGE_ORDER_SCAN, count_order, &count), 0);
    return count;
}

static struct image_order order(uint64_t id) {
    return (struct image_order){.id = id, .tenant = here, .name = "app", .digest = DIGEST};
}

static void put_image(void) {
    struct meta_repository repository = {.name = "app"};
    struct meta_image image = {.digest = DIGEST, .media_type = (char[]){"m"}};
    int result = meta_repository_create(&fixture.ecr, &here, &repository);
    assert_true(result == 0 || result == -EEXIST);
    assert_int_equal(meta_image_put(&fixture.ecr, &here, STR("app"), "", &image, STR(NULL)), 0);
}

static void an_outcome_replaces_findings_and_ends_its_order(void **state) {
    (void)state;
    struct scan_record record = {.status = SCAN_STATUS_IN_PROGRESS, .id = 7, .started_ms = 5};
    struct image_order one = order(7), two = order(8);
    struct scan_report report =
        read_good(VULNERABLE(ONE("A", "LOW") "," ONE("B", "LOW") "," ONE("C", "HIGH")), false);
    put_image();
    assert_int_equal(scan_record_begin(&fixture.ecr, &one, &record), 0);
    assert_int_equal(orders(), 1);
    record.status = SCAN_STATUS_COMPLETE;
    record.severities[SCAN_HIGH] = 1;
    (void)snprintf(record.description, sizeof record.description, "done");
    assert_int_equal(scan_record_finish(&fixture.ecr, &one, &record, &report), 0);
    assert_int_equal(orders(), 0);
    assert_int_equal(see(NULL).count, 3);
    assert_int_equal(see(see(NULL).first).count, 2);
    assert_int_equal(see(see(NULL).last).count, 0);
    struct scan_record back;
    assert_int_equal(scan_record_get(&fixture.ecr, &here, STR("app"), STR(DIGEST), &back), 0);
    assert_int_equal(back.status, SCAN_STATUS_COMPLETE);
    assert_int_equal(back.started_ms, 5);
    assert_int_equal(back.severities[SCAN_HIGH], 1);
    assert_string_equal(back.description, "done");
    /* Another scan began meanwhile: the first one's outcome is late. */
    assert_int_equal(scan_record_begin(&fixture.ecr, &one, &record), 0);
    assert_int_equal(scan_record_begin(&fixture.ecr, &two, &record), 0);
    assert_int_equal(orders(), 2);
    assert_int_equal(scan_record_finish(&fixture.ecr, &one, &record, NULL), 0);
    assert_int_equal(orders(), 1);
    assert_int_equal(see(NULL).count, 3);
    assert_int_equal(scan_record_finish(&fixture.ecr, &two, &record, NULL), 0);
    assert_int_equal(see(NULL).count, 0);
    scan_report_finish(&report);
}

static void findings_go_with_image_and_repository(void **state) {
    (void)state;
    struct scan_record record = {.status = SCAN_STATUS_COMPLETE};
    struct image_order one = order(9);
    struct scan_report report = read_good(VULNERABLE(ONE("A", "LOW")), false);
    for (int i = 0; i < 2; i++) {
        put_image();
        assert_int_equal(scan_record_begin(&fixture.ecr, &one, &record), 0);
        assert_int_equal(scan_record_finish(&fixture.ecr, &one, &record, &report), 0);
        assert_int_equal(see(NULL).count, 1);
        assert_int_equal(i == 0 ? meta_image_delete(&fixture.ecr, &here, STR("app"), STR(DIGEST))
                                : meta_repository_delete(&fixture.ecr, &here, STR("app")),
                         0);
        assert_int_equal(see(NULL).count, 0);
        assert_int_equal(scan_record_get(&fixture.ecr, &here, STR("app"), STR(DIGEST), &record),
                         -ENOENT);
    }
    scan_report_finish(&report);
}

static void a_finding_that_comes_again_keeps_its_first_time(void **state) {
    (void)state;
    struct scan_record record = {.status = SCAN_STATUS_ACTIVE, .completed_ms = 1000};
    struct image_order one = order(10);
    struct scan_report before = read_good(VULNERABLE(ONE("A", "HIGH")), true);
    struct scan_report after =
        read_good(VULNERABLE(ONE("B", "LOW") "," ONE("A", "CRITICAL")), true);
    put_image();
    assert_int_equal(scan_record_begin(&fixture.ecr, &one, &record), 0);
    assert_int_equal(scan_record_finish(&fixture.ecr, &one, &record, &before), 0);
    assert_int_equal(see(NULL).first_ms, 1000);
    record.completed_ms = 2000;
    assert_int_equal(scan_record_begin(&fixture.ecr, &one, &record), 0);
    assert_int_equal(scan_record_finish(&fixture.ecr, &one, &record, &after), 0);
    assert_int_equal(see(NULL).count, 2);
    assert_int_equal(see(NULL).first_ms, 1000);
    assert_int_equal(see(NULL).last_ms, 2000);
    scan_report_finish(&before);
    scan_report_finish(&after);
}

#define STORED(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(severities_are_mapped_and_the_gravest_come_first),
        cmocka_unit_test(a_basic_finding_omits_what_is_not_known),
        cmocka_unit_test(texts_are_cut_between_characters),
        cmocka_unit_test(enhanced_findings_name_packages_as_inspector_does),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(the_source_is_as_old_as_the_report_says),
        cmocka_unit_test(an_image_of_nothing_known_is_unsupported),
        STORED(an_outcome_replaces_findings_and_ends_its_order),
        STORED(a_finding_that_comes_again_keeps_its_first_time),
        STORED(findings_go_with_image_and_repository),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
