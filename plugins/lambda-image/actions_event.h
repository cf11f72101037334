/* SPDX-License-Identifier: MIT */
/* The actions that invoke a function. */
#ifndef LAMBDA_ACTIONS_EVENT_H
#define LAMBDA_ACTIONS_EVENT_H

#define ACTIONS_EVENT(X)

#endif
