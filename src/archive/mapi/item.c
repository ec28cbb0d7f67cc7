/* SPDX-License-Identifier: Apache-2.0 */
/* item.c - see item.h. */
#include "archive/mapi/item.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/calendar_int.h"
#include "archive/mapi/vcard.h"
#include "util/utf8.h"

#define PID_NAME 0x3001
#define PID_COMPANY 0x3a16
#define PID_CREATED 0x3007
#define PID_CHANGED 0x3008
#define LID_LIST_NAME 0x8053
#define LID_FILE_AS 0x8005

/* Of PSETID_Log ([MS-OXOJRNL] 2.2.1). */
#define LID_LOG_TYPE 0x8700
#define LID_LOG_START 0x8706
#define LID_LOG_MINUTES 0x8707
#define LID_LOG_END 0x8708
#define LID_LOG_WORDS 0x8712

#define NAME_MOST 80

const char *item_suffix(enum mapi_kind k)
{
	switch (k) {
	case MAPI_CONTACT:
	case MAPI_DISTLIST:
		return "vcf";
	case MAPI_APPOINTMENT:
	case MAPI_TASK:
		return "ics";
	default:
		return "txt";
	}
}

/* --- names of files ------------------------------------------------------ */

static char *words_of(struct mapi *o, enum mapi_kind k)
{
	char *s = NULL;

	if (k == MAPI_DISTLIST)
		s = item_text(o, MAPI_PS_ADDRESS, LID_LIST_NAME);
	if (!s && (k == MAPI_DISTLIST || k == MAPI_CONTACT))
		s = mapi_text(o, PID_NAME, 0);
	if (!s && k == MAPI_CONTACT)
		s = item_text(o, MAPI_PS_ADDRESS, LID_FILE_AS);
	if (!s && k == MAPI_CONTACT)
		s = mapi_text(o, PID_COMPANY, 0);
	return s ? s : item_subject(o);
}

/* Control characters, what some disk forbids, and what turns the direction
 * of what is shown. */
static bool is_forbidden(uint32_t cp)
{
	return utf8_control(cp) || cp == 0x7f ||
	       (cp < 0x80 && cp && strchr("/\\:*?\"<>|", (int)cp)) ||
	       (cp >= 0x202a && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

/* Names that Windows keeps for devices. */
static bool is_device(const char *s)
{
	static const char *const names[] = { "CON", "PRN", "AUX", "NUL" };
	size_t n = strcspn(s, ".");

	for (size_t i = 0; i < 4; i++) {
		if (n == 3 && strncasecmp(s, names[i], 3) == 0)
			return true;
	}
	return n == 4 && s[3] >= '0' && s[3] <= '9' &&
	       (strncasecmp(s, "COM", 3) == 0 || strncasecmp(s, "LPT", 3) == 0);
}

int item_clean(struct buf *out, const char *s)
{
	uint32_t cp;
	size_t n;

	for (; *s; s += n) {
		n = utf8_next(s, &cp);
		if (n == 0 || is_forbidden(cp)) {
			n = n ? n : 1;
			cp = '_';
		}
		if (cp == ' ' && (out->n == 0 || out->p[out->n - 1] == ' '))
			continue;
		if (out->n == 0 && cp == '.')
			continue;
		if (cp == '_' ? buf_chr(out, '_') : buf_add(out, s, n))
			return -1;
	}
	return 0;
}

char *item_name(struct mapi *o, enum mapi_kind k)
{
	static const char *const fallback[] = { [MAPI_MAIL] = "Item",
		                                [MAPI_CONTACT] = "Contact",
		                                [MAPI_APPOINTMENT] =
		                                        "Appointment",
		                                [MAPI_TASK] = "Task",
		                                [MAPI_STICKY] = "Note",
		                                [MAPI_JOURNAL] = "Journal",
		                                [MAPI_DISTLIST] = "List",
		                                [MAPI_SETTINGS] = "Setting" };
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);
	char *s CLEANUP(free_p) = words_of(o, k);

	if (s && item_clean(&out, s))
		return NULL;
	if (out.n > NAME_MOST)
		out.n = utf8_cut(out.p, NAME_MOST);
	while (out.n && (out.p[out.n - 1] == ' ' || out.p[out.n - 1] == '.'))
		out.n--;
	if (out.n)
		out.p[out.n] = '\0';
	if (out.n == 0 || is_device(out.p))
		return strdup(fallback[k]);
	return buf_take(&out);
}

/* --- texts --------------------------------------------------------------- */

static void when(struct lines *l, const char *name, struct mail_date d)
{
	char *s CLEANUP(free_p) = item_when(d);

	lines_field(l, name, s);
}

static void journal(struct lines *l, struct mapi *o)
{
	int64_t minutes = item_number(o, MAPI_PS_LOG, LID_LOG_MINUTES, 0);
	char *words CLEANUP(free_p) = item_text(o, MAPI_PS_LOG, LID_LOG_WORDS);

	if (!words)
		words = item_text(o, MAPI_PS_LOG, LID_LOG_TYPE);
	lines_field(l, "Type", words);
	when(l, "Start", item_date(o, MAPI_PS_LOG, LID_LOG_START));
	when(l, "End", item_date(o, MAPI_PS_LOG, LID_LOG_END));
	if (minutes > 0) {
		lines_fmt(l, "Duration: %lld min", (long long)minutes);
		lines_end(l);
	}
}

static int text_write(struct mapi *o, enum mapi_kind k, struct mapi_out *out)
{
	char *subject CLEANUP(free_p) = item_subject(o);
	struct lines l;
	struct note n;

	lines_begin(&l, out, false);
	lines_field(&l, "Subject", subject);
	if (k == MAPI_JOURNAL)
		journal(&l, o);
	when(&l, "Created", mapi_date(o, PID_CREATED));
	when(&l, "Changed", mapi_date(o, PID_CHANGED));
	item_categories(&l, "Categories", o);
	note_begin(&n, &l, "\r\n");
	note_body(&n, o);
	item_fields(&n, o);
	item_attached(&n, o, true, ITEM_NONE);
	note_end(&n);
	return lines_done(&l);
}

int item_write(struct mapi *o, enum mapi_kind k, struct mapi_out *out)
{
	switch (k) {
	case MAPI_CONTACT:
		return vcard_contact(o, out);
	case MAPI_DISTLIST:
		return vcard_group(o, out);
	case MAPI_APPOINTMENT:
		return calendar_file(o, out);
	case MAPI_TASK:
		return calendar_todo(o, out);
	default:
		return text_write(o, k, out);
	}
}
