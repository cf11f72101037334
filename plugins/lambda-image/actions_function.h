/* SPDX-License-Identifier: MIT */
/* The actions on functions and their versions. */
#ifndef LAMBDA_ACTIONS_FUNCTION_H
#define LAMBDA_ACTIONS_FUNCTION_H

#define ACTIONS_FUNCTION(X)

#endif
