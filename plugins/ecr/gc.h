/* SPDX-License-Identifier: MIT */
/* Garbage collection at the registry; backend_handle_gc() in backend.h begins one. */
#ifndef ECR_GC_H
#define ECR_GC_H

struct gc;

/* Breaks it off because the host stops; it ends soon and then calls backend_check_stopped(). */
void gc_cancel(struct gc *gc);

#endif
