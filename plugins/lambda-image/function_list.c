/* SPDX-License-Identifier: MIT */
/* ListFunctions and ListVersionsByFunction. */
#include "actions.h"
#include "function_write.h"

#include <errno.h>

struct listing {
    struct call *call;
    struct call_page page;
    struct virga_json_writer writer;
    bool versions; /* with qualified ARNs, and positions that name the version */
    bool named;    /* versions of one function: the position is the version alone */
    int error;     /* of a walk within a walk */
};

static bool add(void *arg, struct function *function) {
    struct listing *listing = arg;
    char position[VIRGA_PAGE_POSITION_MAX + 1];
    if (listing->named) {
        (void)snprintf(position, sizeof position, "%s", function->version);
    } else {
        (void)snprintf(position, sizeof position, "%s\n%s", function->name, function->version);
    }
    if (!call_page_take(&listing->page, position)) {
        return false;
    }
    function_write(&listing->writer, NULL, function, listing->versions ? function->version : NULL,
                   FUNCTION_WRITE_LISTED);
    return true;
}

/* A function with all its versions behind `after`. */
static bool add_versions(struct listing *listing, const char *name, const char *after) {
    listing->error =
        functions_each(listing->call->lambda, &listing->call->tenant, name, after, add, listing);
    return listing->error == 0 && !listing->page.more;
}

static bool add_function(void *arg, struct function *function) {
    struct listing *listing = arg;
    return listing->versions ? add_versions(listing, function->name, NULL) : add(listing, function);
}

/* Goes on behind "<name>\n<version>". */
static int walk_functions(struct listing *listing) {
    const char *after = listing->page.position;
    const char *end = strchr(after, '\n');
    char name[LAMBDA_ARN_MAX];
    if (end == NULL) {
        return functions_each(listing->call->lambda, &listing->call->tenant, NULL, NULL,
                              add_function, listing);
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(end - after), after);
    if (listing->versions && !add_versions(listing, name, end + 1)) {
        return listing->error;
    }
    return functions_each(listing->call->lambda, &listing->call->tenant, NULL, name, add_function,
                          listing);
}

static void answer(struct listing *listing, int result) {
    struct call *call = listing->call;
    if (result == 0) {
        result = listing->error;
    }
    virga_json_end_array(&listing->writer);
    if (result == 0) {
        result = call_page_end(call, &listing->page, &listing->writer);
    }
    if (result != 0) {
        virga_json_finish(&listing->writer);
        call_broken(call, "The functions could not be listed", result);
        return;
    }
    virga_json_end_object(&listing->writer);
    call_answer(call, 200, &listing->writer);
}

void action_list_functions(struct call *call) {
    struct virga_str master = call_str(call, "MasterRegion");
    struct listing listing = {.call = call, .versions = call_str(call, "FunctionVersion").len > 0};
    if (!call_page_start(call, CALL_PAGE_MAX, &listing.page)) {
        return;
    }
    virga_json_begin_object(&listing.writer, NULL);
    virga_json_begin_array(&listing.writer, "Functions");
    /* Functions that Lambda@Edge has copied from another region: there are none here. */
    bool own = master.len == 0 || virga_str_equal(master, virga_str_from("ALL")) ||
               virga_str_equal(master, virga_str_from(call->tenant.region));
    answer(&listing, own ? walk_functions(&listing) : 0);
}

void action_list_versions(struct call *call) {
    struct listing listing = {.call = call, .versions = true, .named = true};
    if (!call_function_exists(call) || !call_page_start(call, CALL_PAGE_MAX, &listing.page)) {
        return;
    }
    const char *after = listing.page.position[0] != '\0' ? listing.page.position : NULL;
    virga_json_begin_object(&listing.writer, NULL);
    virga_json_begin_array(&listing.writer, "Versions");
    answer(&listing,
           functions_each(call->lambda, &call->tenant, call->name.name, after, add, &listing));
}
