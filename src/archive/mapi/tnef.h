/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tnef.h - winmail.dat ([MS-OXTNEF]) as a MAPI message: its properties, its
 * attachments. Long values are in memory: at most TNEF_MOST octets as a
 * whole, more stays packed.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_TNEF_H
#define MAILHAUL_ARCHIVE_MAPI_TNEF_H

#include "archive/mapi/mapi.h"

#define TNEF_MOST (16u << 20)
/* NULL: in is none, is longer, ends in the middle of an attribute, or memory.
 * spoilt of what comes counts checksums that are wrong, properties that can't
 * be read, and octets behind its end: then something of it may be missing. */
struct mapi *tnef_open(struct input *in);

#endif
