/* SPDX-License-Identifier: MIT */
/* What doctor() gets: the report is kept, programs are scripted. */
#include "kit.h"

struct doctor {
    struct virga_doctor pub; /* first */
    struct testkit *kit;
};

static struct testkit *kit_of(const struct virga_doctor *doctor) {
    return ((const struct doctor *)(const void *)doctor)->kit;
}

static void report(const struct virga_doctor *doctor, enum virga_doctor_verdict verdict,
                   const char *check, const char *found, const char *remedy) {
    static const char *const words[] = {"ok", "note", "warn", "fail"};
    kit_text_printf(&kit_of(doctor)->doctor, "%s %s: %s%s%s\n",
                    (unsigned)verdict < 4 ? words[verdict] : "?", check, found != NULL ? found : "",
                    remedy != NULL ? "; " : "", remedy != NULL ? remedy : "");
}

static int run(const struct virga_doctor *doctor, const char *const *argv, char *output,
               size_t size) {
    struct text command = {0};
    const struct text none = {0};
    for (size_t i = 0; argv[i] != NULL; i++) {
        kit_text_add(&command, " ", i > 0);
        kit_text_add(&command, argv[i], strlen(argv[i]));
    }
    const struct testkit_answer *answer =
        kit_script_take(kit_of(doctor), TESTKIT_RUN, "run", kit_text_get(&command), &none,
                        (struct virga_str){"", 0});
    kit_text_free(&command);
    if (size > 0) {
        const char *line = answer != NULL ? answer->body : "";
        (void)snprintf(output, size, "%.*s", (int)strcspn(line, "\n"), line);
    }
    if (answer == NULL) {
        return -ENOENT;
    }
    return answer->error != 0 ? answer->error : answer->status;
}

static int try_port(const struct virga_doctor *doctor, uint16_t port) {
    const struct testkit *kit = kit_of(doctor);
    for (size_t i = 0; i < kit->taken_ports_count; i++) {
        if (kit->taken_ports[i] == port) {
            return -EADDRINUSE;
        }
    }
    return 0;
}

const char *testkit_doctor(struct testkit *kit) {
    const struct doctor doctor = {
        .pub = {.struct_size = sizeof doctor.pub,
                .report = report,
                .run = run,
                .try_port = try_port},
        .kit = kit,
    };
    struct kit_call call;
    kit->doctor.len = 0;
    if (kit->plugin.doctor == NULL || kit->state != KIT_IDLE) {
        return "";
    }
    kit->in_doctor = true;
    kit_enter(&call, kit, "doctor");
    kit->plugin.doctor(&kit->host, &doctor.pub);
    kit_leave(&call);
    kit->in_doctor = false;
    return kit_text_get(&kit->doctor);
}
