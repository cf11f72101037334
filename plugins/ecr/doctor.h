/* SPDX-License-Identifier: MIT */
/* What ecr needs of the machine, for `virga doctor`: a registry program, a port, names, a folder.
 */
#ifndef ECR_DOCTOR_H
#define ECR_DOCTOR_H

#include "ecr.h"

/* virga_plugin.doctor */
void doctor_check(const struct virga_host *host, const struct virga_doctor *doctor);

#endif
