/* SPDX-License-Identifier: Apache-2.0 */
/* graph_names.c - what attachments are called. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/graph_int.h"
#include "mime/graph_mime.h"
#include "mime/graph_words.h"
#include "mime/header.h"
#include "util/utf8.h"

#define PEEK 65536u /* of an attached message, for its subject */

/* name NULL: attachment-N with the ending. */
static const struct {
	const char *type, *name, *ending;
} kinds[] = {
	{ "text/calendar", "invite.ics", NULL },
	{ "application/pkcs7-signature", "smime.p7s", NULL },
	{ "application/x-pkcs7-signature", "smime.p7s", NULL },
	{ "application/pkcs7-mime", "smime.p7m", NULL },
	{ "application/x-pkcs7-mime", "smime.p7m", NULL },
	{ "application/pgp-signature", "signature.asc", NULL },
	{ "application/ms-tnef", "winmail.dat", NULL },
	{ "application/pgp-encrypted", "version.txt", NULL },
	{ "message/delivery-status", "delivery-status.txt", NULL },
	{ "message/disposition-notification", "disposition.txt", NULL },
	{ "text/rfc822-headers", "headers.txt", NULL },
	{ "text/plain", NULL, "txt" },
	{ "text/html", NULL, "html" },
	{ "text/csv", NULL, "csv" },
	{ "text/x-vcard", NULL, "vcf" },
	{ "text/vcard", NULL, "vcf" },
	{ "text/enriched", NULL, "txt" },
	{ "image/jpeg", NULL, "jpg" },
	{ "image/jpg", NULL, "jpg" },
	{ "image/pjpeg", NULL, "jpg" },
	{ "image/png", NULL, "png" },
	{ "image/gif", NULL, "gif" },
	{ "image/tiff", NULL, "tif" },
	{ "image/bmp", NULL, "bmp" },
	{ "image/svg+xml", NULL, "svg" },
	{ "audio/mpeg", NULL, "mp3" },
	{ "audio/wav", NULL, "wav" },
	{ "audio/x-wav", NULL, "wav" },
	{ "video/mp4", NULL, "mp4" },
	{ "video/mpeg", NULL, "mpg" },
	{ "application/pdf", NULL, "pdf" },
	{ "application/zip", NULL, "zip" },
	{ "application/gzip", NULL, "gz" },
	{ "application/rtf", NULL, "rtf" },
	{ "text/rtf", NULL, "rtf" },
	{ "application/msword", NULL, "doc" },
	{ "application/vnd.ms-excel", NULL, "xls" },
	{ "application/json", NULL, "json" },
	{ "application/xml", NULL, "xml" },
	{ "text/xml", NULL, "xml" },
};

struct peek {
	struct header_split split;
	char *subject;
	bool ended;
};

static int look(const char *field, size_t n, void *arg)
{
	struct peek *k = arg;
	const char *value;
	size_t len;

	if (k->subject || !header_is(field, n, "Subject"))
		return 0;
	value = header_value(field, n, &len);
	k->subject = value ? strndup(value, len) : NULL;
	return value && !k->subject ? -1 : 0;
}

static int peek_piece(const char *p, size_t n, void *arg, struct err *e)
{
	struct peek *k = arg;
	size_t used;
	int r;

	if (k->ended)
		return 0;
	r = header_split_data(&k->split, p, n, &used, look, k);
	k->ended = r > 0;
	return r < 0 ? err_memory(e) : 0;
}

/* The subject as a file name with its ending, "message.eml" without. */
static char *eml_name(const char *raw)
{
	char *name CLEANUP(free_p) = graph_words(raw ? raw : "");
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	if (!name)
		return NULL;
	for (char *p = name; *p; p++)
		if (strchr("\\/:*?\"<>|", *p))
			*p = '_';
	name[utf8_cut(name, GRAPH_NAME_MOST - 4)] = '\0';
	if (buf_str(&b, *name ? name : "message") || buf_str(&b, ".eml"))
		return NULL;
	return buf_take(&b);
}

/* Only the head of it is read, whatever its size. */
static char *message_name(struct graph_mail *g, const struct graph_part *p,
                          struct err *e)
{
	struct graph_part head = *p;
	struct peek k = { .split = HEADER_SPLIT_INIT };
	char *name = NULL;

	if (head.end - head.text > PEEK)
		head.end = head.text + PEEK;
	if (graph_mime_decode(g->b, &head, peek_piece, &k, e) == 0 &&
	    header_split_end(&k.split, look, &k) == 0)
		name = eml_name(k.subject);
	header_split_release(&k.split);
	free(k.subject);
	return name;
}

static char *made_up(const struct graph_part *p, size_t n)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *ending = "bin";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!graph_part_is(p, kinds[i].type))
			continue;
		if (kinds[i].name)
			return strdup(kinds[i].name);
		ending = kinds[i].ending;
		break;
	}
	return buf_fmt(&b, "attachment-%zu.%s", n, ending) ? NULL
	                                                   : buf_take(&b);
}

/* A long name loses its middle, not its ending. */
static char *shortened(const char *name)
{
	const char *dot = strrchr(name, '.');
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	size_t tail;

	if (strlen(name) <= GRAPH_NAME_MOST)
		return strdup(name);
	if (!dot || strlen(dot) > 20)
		dot = "";
	tail = strlen(dot);
	if (buf_add(&b, name, utf8_cut(name, GRAPH_NAME_MOST - tail)) ||
	    buf_str(&b, dot))
		return NULL;
	return buf_take(&b);
}

static bool is_message(const struct graph_part *p)
{
	return graph_part_is(p, "message/rfc822") ||
	       graph_part_is(p, "message/global");
}

/* A message without its ending would not open. */
static char *with_ending(const char *name)
{
	size_t n = strlen(name);
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	if (n > 4 && strcasecmp(name + n - 4, ".eml") == 0)
		return shortened(name);
	if (buf_add(&b, name, utf8_cut(name, GRAPH_NAME_MOST - 4)) ||
	    buf_str(&b, ".eml"))
		return NULL;
	return buf_take(&b);
}

char *graph_file_name(struct graph_mail *g, size_t i, size_t n, struct err *e)
{
	const struct graph_part *p = &g->parts.v[i];

	if (p->name && *p->name)
		return is_message(p) ? with_ending(p->name)
		                     : shortened(p->name);
	return is_message(p) ? message_name(g, p, e) : made_up(p, n);
}
