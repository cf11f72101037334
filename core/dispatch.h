/* SPDX-License-Identifier: MIT */
/* From a request's head to its plugin's handler: identity, route, body policy, the call; and the
 * answers for what nobody serves, in the shape of the protocol that the client speaks. */
#ifndef CORE_DISPATCH_H
#define CORE_DISPATCH_H

struct request;

/* The head is there (listener_options.on_head of the host's port; arg is the host). Thread: [loop].
 */
void dispatch_head(void *arg, struct request *req);
/* The body is there, or streams (listener_options.on_request). */
void dispatch_request(void *arg, struct request *req);
/* Calls the handler of the plugin whose route matched, or says why not. */
void dispatch_call(struct request *req);

#endif
