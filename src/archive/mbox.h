/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbox.h - the messages of an mbox, whichever dialect, as they stream by.
 * in->fd >= 0 allows going to want and resume directly.
 */
#ifndef MAILHAUL_ARCHIVE_MBOX_H
#define MAILHAUL_ARCHIVE_MBOX_H

#include "archive/source.h"

/* 0 at the end (troubles are told as holes), -1 when the sink ends it. */
int mbox_walk(struct input *in, const struct where *at, struct sink *s);
/* True if the line is a From_ line; date (UTC if it names no zone). */
bool mbox_from_line(const char *p, size_t n, struct mail_date *date);

#endif
