/* SPDX-License-Identifier: MIT */
/* The write-ahead log of a store that has been quiet for a while goes into its file. */
#ifndef CORE_STORE_CHECKPOINT_H
#define CORE_STORE_CHECKPOINT_H

#include <uv.h>

#include "store_db.h"

/* From the first write to the checkpoint that follows. */
#define STORE_CHECKPOINT_MS 30000

/* From now on writes are followed by checkpoints; a second call does nothing. Without it, and
 * without a loop, only SQLite's own (every 512 pages, and at the end) happen. Errors: -ENOMEM. */
int store_checkpoint_watch(struct store_db *db, uv_loop_t *loop);
/* Moves the log into the file and empties it. Errors: -EBUSY a transaction or a scan is open, -EIO.
 */
int store_checkpoint_run(struct store_db *db);

#endif
