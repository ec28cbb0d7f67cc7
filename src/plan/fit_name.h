/* SPDX-License-Identifier: Apache-2.0 */
/* fit_name.h - for src/plan/ only: one part of a folder's name, made fit for
 * a destination. */
#ifndef MAILHAUL_PLAN_FIT_NAME_H
#define MAILHAUL_PLAN_FIT_NAME_H

#include "mailhaul/writer.h"

/* malloc'd, never "", NULL: memory. */
char *fit_name(const struct name_rules *r, const char *name);
/* The same for a name at the top, where some are reserved. */
char *fit_top_name(const struct name_rules *r, const char *name);
/* A fit name with " (number)" behind it, cut so that both have room. */
char *fit_numbered(const struct name_rules *r, const char *name,
                   unsigned number);

#endif
