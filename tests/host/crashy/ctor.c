/* SPDX-License-Identifier: MIT */
/* No plugin at all: a library that crashes while it is loaded. */
#include <signal.h>

__attribute__((constructor)) static void crash(void) {
    (void)raise(SIGSEGV);
}
