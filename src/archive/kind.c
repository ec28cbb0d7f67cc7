/* SPDX-License-Identifier: Apache-2.0 */
/* kind.c - see kind.h. */
#include "archive/kind.h"

#include <string.h>
#include <strings.h>

#include "archive/mbox.h"
#include "archive/packed.h"
#include "mime/header.h"
#include "util/buf.h"

#define FIELD_NAME_MOST 76
#define CFB "\xd0\xcf\x11\xe0" /* [MS-CFB] 2.2 */

struct text {
	const char *p, *end;
};

static size_t line(const struct text *t)
{
	const char *nl = memchr(t->p, '\n', (size_t)(t->end - t->p));

	return nl ? (size_t)(nl - t->p) + 1 : (size_t)(t->end - t->p);
}

static bool blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr(" \t\r\n", p[i]) || p[i] == '\0')
			return false;
	return true;
}

void kind_pass_front(const char *p, size_t n, size_t *at)
{
	struct text t = { p, p + n };

	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		t.p += 3;
	while (t.p < t.end && blank(t.p, line(&t)))
		t.p += line(&t);
	*at = (size_t)(t.p - p);
}

/* Octets of the field's name, 0 if the line is no field. */
static size_t field_name(const char *p, size_t n)
{
	size_t i = 0, end;

	while (i < n && p[i] > ' ' && p[i] < 0x7f && p[i] != ':')
		i++;
	end = i;
	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	return i < n && p[i] == ':' && end <= FIELD_NAME_MOST ? end : 0;
}

static bool one_of(const char *p, size_t n, const char *const *names)
{
	for (; *names; names++)
		if (((*names)[0] | 0x20) == (p[0] | 0x20) &&
		    strncasecmp(p, *names, n) == 0 && (*names)[n] == '\0')
			return true;
	return false;
}

/* How much a field speaks for mail: 4 is enough. Fields of HTTP, of package
 * lists and of patches speak against it. */
static int weight(const char *p, size_t name, size_t n)
{
	static const char *const only_mail[] = { "Received",
		                                 "Message-ID",
		                                 "Return-Path",
		                                 "Delivered-To",
		                                 "MIME-Version",
		                                 "In-Reply-To",
		                                 "Resent-From",
		                                 "Resent-Date",
		                                 "Reply-To",
		                                 "References",
		                                 "Envelope-To",
		                                 "X-Mailer",
		                                 "X-Priority",
		                                 "Status",
		                                 "X-UIDL",
		                                 "X-Unsent",
		                                 "Return-Receipt-To",
		                                 "Disposition-Notification-To",
		                                 NULL };
	static const char *const mail[] = { "From",   "To",  "Cc",   "Subject",
		                            "Sender", "Bcc", "Date", NULL };
	static const char *const mime[] = { "Content-Type",
		                            "Content-Transfer-Encoding",
		                            "Content-Disposition", NULL };
	static const char *const not_mail[] = { "Server",
		                                "ETag",
		                                "Set-Cookie",
		                                "Cache-Control",
		                                "Connection",
		                                "Package",
		                                "Last-Modified",
		                                "Accept-Ranges",
		                                "BEGIN",
		                                "VERSION",
		                                "dn",
		                                "Format",
		                                "Snapshot-Content-Location",
		                                "objectClass",
		                                NULL };

	if (one_of(p, name, not_mail))
		return -8;
	/* Programs write the names of their settings small. */
	if (one_of(p, name, only_mail))
		return p[0] >= 'a' ? 2 : 4;
	if (one_of(p, name, mail))
		return p[0] >= 'a' ? 1 : name == 4 && n < 7 ? 2 : 3;
	if (one_of(p, name, mime) || (name > 2 && strncasecmp(p, "X-", 2) == 0))
		return 2;
	return name > 5 && strncasecmp(p, "List-", 5) == 0 ? 2 : 0;
}

/* A first line in front of the header that is no field: a From_ line of
 * which the date is odd or the '>' was added. */
static bool odd_from(const char *p, size_t n)
{
	return (n > 5 && memcmp(p, "From ", 5) == 0) ||
	       (n > 6 && memcmp(p, ">From ", 6) == 0);
}

/* Does a header begin here? */
static bool looks_like_mail(struct text t, bool named)
{
	int sum = 0, fields = 0;

	if (t.p < t.end && odd_from(t.p, line(&t)))
		t.p += line(&t);
	for (; t.p < t.end; t.p += line(&t)) {
		size_t n = line(&t), name = field_name(t.p, n);

		if (blank(t.p, n))
			break;
		if (fields && (*t.p == ' ' || *t.p == '\t'))
			continue;
		/* One broken line is forgiven, but not in front. */
		if (!name && !fields)
			return false;
		sum += name ? weight(t.p, name, n) : -1;
		fields += name > 0;
	}
	return sum >= 4 || (named && fields && sum >= 0);
}

static bool is_emlx(struct text *t)
{
	size_t n = line(t), i = 0;

	while (i < n && t->p[i] >= '0' && t->p[i] <= '9')
		i++;
	if (i == 0 || i > 12 || i == n || !blank(t->p + i, n - i))
		return false;
	t->p += n;
	return true;
}

static bool begins(const struct text *t, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(t->end - t->p) >= n && strncasecmp(t->p, with, n) == 0;
}

bool name_ends(const char *name, const char *suffix)
{
	size_t n = name ? strlen(name) : 0, m = strlen(suffix);

	return n > m && strcasecmp(name + n - m, suffix) == 0;
}

static const char *by_content(const struct text *t)
{
	static const struct {
		const char *begins, *what;
	} known[] = {
		{ "BEGIN:VCALENDAR", "a calendar" },
		{ "BEGIN:VCARD", "an address book" },
		{ "dn:", "an address book" },
		{ "// <!-- <mdb:mork", "an index of a mail program" },
		{ "<!DOCTYPE html", "a web page" },
		{ "<html", "a web page" },
		{ "From: <Saved by", "a web page" },
		{ "\xff\xd8\xff", "a picture" },
		{ "\x89PNG", "a picture" },
		{ "GIF8", "a picture" },
		{ "II*", "a picture" },
		{ "%PDF", "a document" },
		{ "{\\rtf", "a document" },
		{ CFB, "a document" },
		{ "SQLite format 3", "a database" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (begins(t, known[i].begins))
			return known[i].what;
	return NULL;
}

/* Names only tell what a file is called that is no mail anyway. */
static const char *by_name(const char *name)
{
	static const struct {
		const char *suffix, *what;
	} known[] = {
		{ ".msf", "an index of a mail program" },
		{ ".idx", "an index of a mail program" },
		{ ".toc", "an index of a mail program" },
		{ ".index", "an index of a mail program" },
		{ ".dat", "an index of a mail program" },
		{ ".mab", "an address book" },
		{ ".ics", "a calendar" },
		{ ".vcf", "an address book" },
		{ ".ldif", "an address book" },
		{ ".html", "a web page" },
		{ ".mhtml", "a web page" },
		{ ".mht", "a web page" },
		{ ".doc", "a document" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (name_ends(name, known[i].suffix))
			return known[i].what;
	if (name && (strncmp(name, "dovecot", 7) == 0 ||
	             strncmp(name, "courier", 7) == 0 ||
	             strcmp(name, "maildirsize") == 0 ||
	             strcmp(name, "maildirfolder") == 0 ||
	             strcmp(name, "subscriptions") == 0))
		return "a mail server's own notes";
	return NULL;
}

static const char *what_is(const struct text *t, const char *name)
{
	const char *what = by_name(name);

	/* AppleDouble and the Finder's notes of a folder. */
	if (t->end - t->p >= 8 && (memcmp(t->p, "\0\5\26\7", 4) == 0 ||
	                           memcmp(t->p, "\0\0\0\1Bud1", 8) == 0))
		return "left by the Mac's Finder";
	if (!what)
		what = by_content(t);
	return what ? what : "not mail";
}

/* A From_ line that comes after something else. */
static bool from_line_below(struct text t)
{
	struct mail_date date;

	for (; t.p < t.end; t.p += line(&t))
		if (mbox_from_line(t.p, line(&t), &date))
			return true;
	return false;
}

/* [MS-PST] 2.2.2.6: where bCryptMethod stands depends on wVer. */
#define VERSION_AT 10
#define UNICODE_FROM 20
#define CRYPT_AT_ANSI 461
#define CRYPT_AT_UNICODE 513
#define CRYPT_WIP 0x10

static enum file_kind outlook_file(const unsigned char *head, size_t n)
{
	size_t at = n > VERSION_AT && head[VERSION_AT] >= UNICODE_FROM
	                    ? CRYPT_AT_UNICODE
	                    : CRYPT_AT_ANSI;

	return n > at && head[at] == CRYPT_WIP ? FILE_PST_LOCKED : FILE_PST;
}

enum file_kind kind_of(const unsigned char *head, size_t n, const char *name,
                       const char **what)
{
	struct text t = { (const char *)head, (const char *)head + n };
	struct mail_date date;
	size_t at;

	*what = what_is(&t, name);
	if (n >= 4 && memcmp(head, "!BDN", 4) == 0)
		return outlook_file(head, n);
	kind_pass_front(t.p, n, &at);
	t.p += at;
	if (t.p == t.end) {
		*what = "an empty file";
		return FILE_EMPTY;
	}
	if (mbox_from_line(t.p, line(&t), &date))
		return FILE_MBOX;
	if (packed_looks_like(head, n))
		return FILE_PACKED;
	/* Documents of Office begin like it. */
	if (name_ends(name, ".msg") && begins(&t, CFB))
		return FILE_MSG;
	/* Its front is damaged, but the name says what it was. */
	if ((name_ends(name, ".mbox") || name_ends(name, ".mbx")) &&
	    from_line_below(t))
		return FILE_MBOX;
	if (!by_content(&t) && looks_like_mail(t, name_ends(name, ".eml")))
		return FILE_EML;
	if (is_emlx(&t) && looks_like_mail(t, true))
		return FILE_EMLX;
	if (name_ends(name, ".pst") || name_ends(name, ".ost"))
		return FILE_PST;
	return FILE_OTHER;
}
