/* SPDX-License-Identifier: MIT */
/* virga's AWS port for containers: a listener where they reach it, that hands every request on to
 * the port itself, which usually is on 127.0.0.1 only. [loop] */
#ifndef LAMBDA_DOCKER_RELAY_H
#define LAMBDA_DOCKER_RELAY_H

#include "docker_reach.h"

struct docker_relay;

/* Opens it, at the AWS port's own number where that is free there. Errors: those of
 * virga_listener.open(), -ENOMEM. */
int docker_relay_open(struct lambda *lambda, const struct docker_reach *reach,
                      struct docker_relay **ret_relay);
uint16_t docker_relay_port(const struct docker_relay *relay);
/* Whether it was opened for this. */
bool docker_relay_fits(const struct docker_relay *relay, const struct docker_reach *reach);
/* Requests under way end as they would. NULL is fine. */
void docker_relay_close(struct docker_relay *relay);

#endif
