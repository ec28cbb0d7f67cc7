/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtf.h - bodies as RTF: unpacked ([MS-OXRTFCP]), and HTML or plain text
 * taken out of it ([MS-OXRTFEX]); plain RTF becomes text. All in order and in
 * little memory: an RTF of any length.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_RTF_H
#define MAILHAUL_ARCHIVE_MAPI_RTF_H

#include "archive/mapi/mapi.h"

/* What of (PidTagRtfCompressed as it stands) unpacked. in.size is what its
 * header says. doubt: the checksum is wrong (0 counts as none) or it ends
 * early; known once the end has been read. -1: it is no such thing, or
 * memory. */
struct lzfu {
	struct input in;
	struct input *of;
	bool doubt;
	void *state;
};
int lzfu_begin(struct lzfu *l, struct input *of);
void lzfu_end(struct lzfu *l);

enum rtf_kind {
	RTF_NONE,  /* no RTF at all */
	RTF_PLAIN, /* \rtf without the other two */
	RTF_TEXT,  /* \fromtext */
	RTF_HTML   /* \fromhtml1 */
};
/* By its head; reads at most 4 kB of in (open it anew after). */
enum rtf_kind rtf_kind(struct input *in);
/* Writes what is in the RTF as UTF-8 with LF: HTML of RTF_HTML, whose own
 * words on its charset don't count any more, else text. in is read to its end.
 * -1: out wants no more, or memory, or the input ended damaged (*bad; what
 * was readable has been written). */
int rtf_out(struct input *in, enum rtf_kind kind, struct mapi_out *out,
            bool *bad);

#endif
