/* SPDX-License-Identifier: MIT */
/* The idle timer and the checkpoint. */
#include "store_checkpoint.h"

#include <errno.h>
#include <stdlib.h>

#include "store_sql.h"

static void on_closed(uv_handle_t *timer) {
    free(timer);
}

static void on_timer(uv_timer_t *timer) {
    struct store_db *db = timer->data;
    if (store_checkpoint_run(db) == -EBUSY) {
        (void)uv_timer_start(timer, on_timer, STORE_CHECKPOINT_MS, 0);
    }
}

int store_checkpoint_watch(struct store_db *db, uv_loop_t *loop) {
    if (db->checkpoint_timer != NULL || !db->persistent) {
        return 0;
    }
    uv_timer_t *timer = malloc(sizeof *timer);
    if (timer == NULL) {
        return -ENOMEM;
    }
    int rc = uv_timer_init(loop, timer);
    if (rc < 0) {
        free(timer);
        return rc;
    }
    timer->data = db;
    uv_unref((uv_handle_t *)timer);
    db->checkpoint_timer = timer;
    return 0;
}

void store_checkpoint_arm(struct store_db *db) {
    if (db->checkpoint_timer != NULL && !db->checkpoint_armed) {
        db->checkpoint_armed = true;
        (void)uv_timer_start(db->checkpoint_timer, on_timer, STORE_CHECKPOINT_MS, 0);
    }
}

void store_checkpoint_stop(struct store_db *db) {
    if (db->checkpoint_timer != NULL) {
        uv_close((uv_handle_t *)db->checkpoint_timer, on_closed);
        db->checkpoint_timer = NULL;
    }
}

int store_checkpoint_run(struct store_db *db) {
    if (db->in_transaction) {
        return -EBUSY;
    }
    int code = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    /* A scan that somebody left open holds the log. */
    if ((code & 0xff) == SQLITE_LOCKED || (code & 0xff) == SQLITE_BUSY) {
        return -EBUSY;
    }
    db->checkpoint_armed = false;
    return store_sql_failed(db, code, "checkpoint");
}
