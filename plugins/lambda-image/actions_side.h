/* SPDX-License-Identifier: MIT */
/* The actions on what belongs to a function: aliases, permissions, tags, concurrency, URLs ... */
#ifndef LAMBDA_ACTIONS_SIDE_H
#define LAMBDA_ACTIONS_SIDE_H

#define ACTIONS_SIDE(X)

#endif
