/* SPDX-License-Identifier: MIT */
/* The evaluation of lifecycle policies: marks by rules, then what hangs together. */
#include "lifecycle_eval.h"

#include <errno.h>
#include <stdlib.h>

#define DAY_MS INT64_C(86400000)
#define ORPHAN_MS DAY_MS /* how long an artifact whose subject is not there is left alone */
/* How deep indexes and artifacts may rest on one another; what rests deeper is kept. */
#define STEPS_MAX 64
#define NONE UINT32_MAX

/* Makes room for one more element. */
static int reserve(void **array, size_t count, size_t *capacity, size_t size, size_t max) {
    if (count < *capacity) {
        return 0;
    }
    if (count >= max) {
        return -EOVERFLOW;
    }
    size_t more = *capacity > 0 ? 2 * *capacity : 64;
    void *grown = realloc(*array, more * size);
    if (grown == NULL) {
        return -ENOMEM;
    }
    *array = grown;
    *capacity = more;
    return 0;
}

static int add_relation(struct lifecycle_set *set, const char *digest, bool subject) {
    void *array = set->relations;
    int result = reserve(&array, set->relations_count, &set->relations_capacity,
                         sizeof *set->relations, LIFECYCLE_RELATIONS_MAX);
    set->relations = array;
    if (result == 0) {
        struct lifecycle_relation *relation = &set->relations[set->relations_count++];
        relation->from = (uint32_t)set->count;
        relation->subject = subject;
        (void)snprintf(relation->digest, sizeof relation->digest, "%s", digest);
    }
    return result;
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Sets what the verdict rests on. */
static void describe(struct lifecycle_image *ret_image, const struct lifecycle_policy *policy,
                     const struct meta_image *image) {
    *ret_image = (struct lifecycle_image){.rule = LIFECYCLE_NO_RULE};
    memcpy(ret_image->digest, image->digest, sizeof image->digest);
    ret_image->tagged = image->tags_count > 0;
    ret_image->status = image->status;
    ret_image->pushed_ms = later(image->pushed_ms, image->activated_ms);
    /* A pull from before the image was archived does not count for one that was restored. */
    ret_image->pulled_ms = later(ret_image->pushed_ms, image->pulled_ms);
    ret_image->archived_ms = image->archived_ms;
    ret_image->selects = lifecycle_policy_selects(policy, image);
}

int lifecycle_set_add(struct lifecycle_set *set, const struct lifecycle_policy *policy,
                      const struct meta_image *image) {
    void *array = set->images;
    int result =
        reserve(&array, set->count, &set->capacity, sizeof *set->images, LIFECYCLE_IMAGES_MAX);
    set->images = array;
    for (size_t i = 0; i < image->children_count && result == 0; i++) {
        result = add_relation(set, image->children[i], false);
    }
    if (result == 0 && image->subject != NULL) {
        result = add_relation(set, image->subject, true);
    }
    if (result == 0) {
        describe(&set->images[set->count++], policy, image);
    }
    return result;
}

void lifecycle_set_finish(struct lifecycle_set *set) {
    free(set->images);
    free(set->relations);
    free(set->order);
    *set = (struct lifecycle_set){0};
}

bool lifecycle_image_unchanged(const struct lifecycle_image *verdict,
                               const struct lifecycle_policy *policy,
                               const struct meta_image *now) {
    struct lifecycle_image image;
    describe(&image, policy, now);
    bool pull_counts = verdict->rule != LIFECYCLE_NO_RULE &&
                       policy->rules[verdict->rule].count == LIFECYCLE_SINCE_PULLED;
    return image.status == verdict->status && image.selects == verdict->selects &&
           image.tagged == verdict->tagged && image.pushed_ms == verdict->pushed_ms &&
           image.archived_ms == verdict->archived_ms &&
           (!pull_counts || image.pulled_ms == verdict->pulled_ms);
}

/* --- deciding --- */

struct decision {
    struct lifecycle_set *set;
    const struct lifecycle_policy *policy;
    int64_t as_of_ms;
    uint32_t *by_digest;
    uint32_t *by_age;        /* youngest first */
    uint32_t *subjects;      /* of each image; NONE: it has none, or that is not there */
    uint32_t *parents_begin; /* of each image: where its parents begin; count + 1 of them */
    uint32_t *parents;
};

/* qsort() takes no argument of the caller's. */
static _Thread_local const struct lifecycle_image *sorted_images;

static int compare_digest(const void *a, const void *b) {
    return strcmp(sorted_images[*(const uint32_t *)a].digest,
                  sorted_images[*(const uint32_t *)b].digest);
}

/* Youngest first; the digest settles a tie. */
static int compare_age(const void *a, const void *b) {
    const struct lifecycle_image *image_a = &sorted_images[*(const uint32_t *)a];
    const struct lifecycle_image *image_b = &sorted_images[*(const uint32_t *)b];
    if (image_a->pushed_ms != image_b->pushed_ms) {
        return image_a->pushed_ms > image_b->pushed_ms ? -1 : 1;
    }
    return strcmp(image_a->digest, image_b->digest);
}

static int64_t acting_time(const struct lifecycle_image *image) {
    return image->status == META_ARCHIVED ? image->archived_ms : image->pushed_ms;
}

/* What others rest on first, then older before newer. */
static int compare_acting(const void *a, const void *b) {
    const struct lifecycle_image *image_a = &sorted_images[*(const uint32_t *)a];
    const struct lifecycle_image *image_b = &sorted_images[*(const uint32_t *)b];
    if (image_a->step != image_b->step) {
        return image_a->step < image_b->step ? -1 : 1;
    }
    if (acting_time(image_a) != acting_time(image_b)) {
        return acting_time(image_a) < acting_time(image_b) ? -1 : 1;
    }
    return strcmp(image_a->digest, image_b->digest);
}

static void sort(struct lifecycle_set *set, uint32_t *list, size_t count,
                 int (*compare)(const void *, const void *)) {
    sorted_images = set->images;
    if (count > 0) {
        qsort(list, count, sizeof *list, compare);
    }
    sorted_images = NULL;
}

static uint32_t *sorted_list(struct lifecycle_set *set,
                             int (*compare)(const void *, const void *)) {
    uint32_t *list = malloc((set->count + 1) * sizeof *list);
    if (list != NULL) {
        for (size_t i = 0; i < set->count; i++) {
            list[i] = (uint32_t)i;
        }
        sort(set, list, set->count, compare);
    }
    return list;
}

static uint32_t find(const struct decision *decision, const char *digest) {
    size_t low = 0, high = decision->set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t index = decision->by_digest[middle];
        int order = strcmp(digest, decision->set->images[index].digest);
        if (order == 0) {
            return index;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NONE;
}

/* Finds out who rests on whom. */
static int relate(struct decision *decision) {
    struct lifecycle_set *set = decision->set;
    uint32_t *targets = malloc((set->relations_count + 1) * sizeof *targets);
    decision->subjects = malloc((set->count + 1) * sizeof *decision->subjects);
    decision->parents_begin = calloc(set->count + 1, sizeof *decision->parents_begin);
    decision->parents = malloc((set->relations_count + 1) * sizeof *decision->parents);
    if (targets == NULL || decision->subjects == NULL || decision->parents_begin == NULL ||
        decision->parents == NULL) {
        free(targets);
        return -ENOMEM;
    }
    for (size_t i = 0; i < set->count; i++) {
        decision->subjects[i] = NONE;
    }
    /* First how many parents each has, then where they end; filling from behind leaves where they
     * begin. */
    uint32_t *begin = decision->parents_begin, total = 0;
    for (size_t i = 0; i < set->relations_count; i++) {
        targets[i] = find(decision, set->relations[i].digest);
        if (targets[i] != NONE && set->relations[i].subject) {
            decision->subjects[set->relations[i].from] = targets[i];
        } else if (targets[i] != NONE) {
            begin[targets[i]]++;
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        total += begin[i];
        begin[i] = total;
    }
    begin[set->count] = total;
    for (size_t i = 0; i < set->relations_count; i++) {
        if (targets[i] != NONE && !set->relations[i].subject) {
            decision->parents[--begin[targets[i]]] = set->relations[i].from;
        }
    }
    free(targets);
    return 0;
}

static bool older_than(int64_t time_ms, int64_t days, int64_t as_of_ms) {
    return days <= INT64_MAX / DAY_MS && as_of_ms - time_ms > days * DAY_MS;
}

/* Whether a rule, which selects the image as the `seen`th youngest, marks it. */
static bool marks(const struct lifecycle_rule *rule, const struct lifecycle_image *image,
                  int64_t seen, int64_t as_of_ms) {
    switch (rule->count) {
    case LIFECYCLE_COUNT_MORE_THAN:
        return seen >= rule->number;
    case LIFECYCLE_SINCE_PUSHED:
        return older_than(image->pushed_ms, rule->number, as_of_ms);
    case LIFECYCLE_SINCE_PULLED:
        return older_than(image->pulled_ms, rule->number, as_of_ms);
    case LIFECYCLE_SINCE_TRANSITIONED:
        return older_than(image->archived_ms, rule->number, as_of_ms);
    }
    return false;
}

/* Lets each rule mark what it may; `wanted` gets the actions. */
static void apply_rules(const struct decision *decision, unsigned char *wanted) {
    struct lifecycle_set *set = decision->set;
    for (size_t r = 0; r < decision->policy->count; r++) {
        const struct lifecycle_rule *rule = &decision->policy->rules[r];
        uint64_t own = UINT64_C(1) << r;
        int64_t seen = 0;
        for (size_t i = 0; i < set->count; i++) {
            uint32_t index = decision->by_age[i];
            struct lifecycle_image *image = &set->images[index];
            if ((image->selects & own) == 0 || image->exempt) {
                continue;
            }
            bool first = (image->selects & (own - 1)) == 0;
            if (marks(rule, image, seen++, decision->as_of_ms) && first) {
                wanted[index] = (unsigned char)rule->action;
                image->rule = (signed char)r;
            }
        }
    }
}

/* Takes the untagged artifacts whose subjects are there out of the rules' sight, and wants those
 * gone that have lost theirs. */
static void apply_artifacts(const struct decision *decision, unsigned char *wanted) {
    struct lifecycle_set *set = decision->set;
    for (size_t i = 0; i < set->relations_count; i++) {
        const struct lifecycle_relation *relation = &set->relations[i];
        struct lifecycle_image *image = &set->images[relation->from];
        if (!relation->subject || image->tagged) {
            continue;
        }
        if (decision->subjects[relation->from] != NONE) {
            image->exempt = true;
        } else if (decision->as_of_ms - image->pushed_ms > ORPHAN_MS) {
            image->exempt = true;
            image->follows = true;
            wanted[relation->from] = LIFECYCLE_EXPIRE;
        }
    }
}

/* What happens to an image, or has happened to it. */
static enum lifecycle_action state_of(const struct lifecycle_image *image) {
    return image->action == LIFECYCLE_KEEP && image->status == META_ARCHIVED ? LIFECYCLE_TRANSITION
                                                                             : image->action;
}

/* Decides on one image from what was decided on others so far. Returns whether that is news. */
static bool settle(const struct decision *decision, uint32_t index, enum lifecycle_action wanted,
                   uint32_t step) {
    struct lifecycle_set *set = decision->set;
    struct lifecycle_image *image = &set->images[index];
    uint32_t subject = decision->subjects[index];
    bool follows = image->follows;
    if (subject != NONE && set->images[subject].step < step) {
        enum lifecycle_action action = state_of(&set->images[subject]);
        if (action == LIFECYCLE_TRANSITION && image->status != META_ACTIVE) {
            action = LIFECYCLE_KEEP;
        }
        if (action > wanted) {
            wanted = action;
            follows = true;
        }
    }
    if (wanted <= image->action) {
        return false;
    }
    for (uint32_t i = decision->parents_begin[index]; i < decision->parents_begin[index + 1]; i++) {
        const struct lifecycle_image *parent = &set->images[decision->parents[i]];
        if (state_of(parent) < wanted ||
            (parent->action != LIFECYCLE_KEEP && parent->step >= step)) {
            return false;
        }
    }
    image->action = wanted;
    image->follows = follows;
    image->step = step;
    if (follows) {
        image->rule = subject != NONE ? set->images[subject].rule : LIFECYCLE_NO_RULE;
    }
    return true;
}

/* Settles step by step until nothing more follows from what is settled. */
static void settle_all(const struct decision *decision, const unsigned char *wanted) {
    bool news = true;
    for (uint32_t step = 1; news && step <= STEPS_MAX; step++) {
        news = false;
        for (size_t i = 0; i < decision->set->count; i++) {
            if (wanted[i] != LIFECYCLE_KEEP || decision->subjects[i] != NONE) {
                news |= settle(decision, (uint32_t)i, (enum lifecycle_action)wanted[i], step);
            }
        }
    }
}

static int make_order(struct lifecycle_set *set) {
    free(set->order);
    set->order = malloc((set->count + 1) * sizeof *set->order);
    set->order_count = 0;
    if (set->order == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < set->count; i++) {
        if (set->images[i].action != LIFECYCLE_KEEP) {
            set->order[set->order_count++] = (uint32_t)i;
        } else {
            set->images[i].rule = LIFECYCLE_NO_RULE;
        }
    }
    sort(set, set->order, set->order_count, compare_acting);
    return 0;
}

int lifecycle_set_decide(struct lifecycle_set *set, const struct lifecycle_policy *policy,
                         int64_t as_of_ms) {
    struct decision decision = {.set = set, .policy = policy, .as_of_ms = as_of_ms};
    unsigned char *wanted = calloc(set->count + 1, 1);
    decision.by_digest = sorted_list(set, compare_digest);
    decision.by_age = sorted_list(set, compare_age);
    int result =
        wanted == NULL || decision.by_digest == NULL || decision.by_age == NULL ? -ENOMEM : 0;
    if (result == 0) {
        result = relate(&decision);
    }
    if (result == 0) {
        apply_artifacts(&decision, wanted);
        apply_rules(&decision, wanted);
        settle_all(&decision, wanted);
        result = make_order(set);
    }
    free(wanted);
    free(decision.by_digest);
    free(decision.by_age);
    free(decision.subjects);
    free(decision.parents_begin);
    free(decision.parents);
    return result;
}
