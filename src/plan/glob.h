/* SPDX-License-Identifier: Apache-2.0 */
/* glob.h - for src/plan/ only: the ceiling of plan_glob's patterns. */
#ifndef MAILHAUL_PLAN_GLOB_H
#define MAILHAUL_PLAN_GLOB_H

#define GLOB_MAX 1000 /* octets of a pattern; a longer one matches nothing */

#endif
