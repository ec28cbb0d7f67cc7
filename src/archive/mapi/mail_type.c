/* SPDX-License-Identifier: Apache-2.0 */
/* mail_type.c - see mail_type.h. */
#include "archive/mapi/mail_type.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/mail_int.h"
#include "util/utf8.h"

#define OCTETS "application/octet-stream"
#define OFFICE "application/vnd.openxmlformats-officedocument."
#define NAME_MOST 1000u
#define NAME_CUT 80u

static const struct {
	const char *suffix, *type;
} types[] = {
	{ "txt", "text/plain" },
	{ "htm", "text/html" },
	{ "html", "text/html" },
	{ "csv", "text/csv" },
	{ "ics", "text/calendar" },
	{ "vcf", "text/vcard" },
	{ "xml", "application/xml" },
	{ "rtf", "application/rtf" },
	{ "pdf", "application/pdf" },
	{ "doc", "application/msword" },
	{ "dot", "application/msword" },
	{ "xls", "application/vnd.ms-excel" },
	{ "ppt", "application/vnd.ms-powerpoint" },
	{ "pps", "application/vnd.ms-powerpoint" },
	{ "docx", OFFICE "wordprocessingml.document" },
	{ "xlsx", OFFICE "spreadsheetml.sheet" },
	{ "pptx", OFFICE "presentationml.presentation" },
	{ "odt", "application/vnd.oasis.opendocument.text" },
	{ "ods", "application/vnd.oasis.opendocument.spreadsheet" },
	{ "zip", "application/zip" },
	{ "gz", "application/gzip" },
	{ "jpg", "image/jpeg" },
	{ "jpeg", "image/jpeg" },
	{ "png", "image/png" },
	{ "gif", "image/gif" },
	{ "bmp", "image/bmp" },
	{ "tif", "image/tiff" },
	{ "tiff", "image/tiff" },
	{ "svg", "image/svg+xml" },
	{ "wmf", "image/wmf" },
	{ "emf", "image/emf" },
	{ "mp3", "audio/mpeg" },
	{ "wav", "audio/x-wav" },
	{ "mp4", "video/mp4" },
	{ "avi", "video/x-msvideo" },
	{ "mpg", "video/mpeg" },
	{ "p7m", "application/pkcs7-mime" },
	{ "p7s", "application/pkcs7-signature" },
	{ "rpmsg", "application/x-microsoft-rpmsg-message" },
};

static const char *by_suffix(const char *name)
{
	const char *dot = name ? strrchr(name, '.') : NULL;

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++)
		if (strcasecmp(dot + 1, types[i].suffix) == 0)
			return types[i].type;
	return OCTETS;
}

/* RFC 2045 5.1 */
static size_t token(const char *p)
{
	size_t n = 0;

	while (p[n] > ' ' && p[n] < 0x7f && !strchr("()<>@,;:\\\"/[]?=", p[n]))
		n++;
	return n;
}

static bool is_type(char *s)
{
	size_t n = token(s), m;

	if (!n || s[n] != '/' || n > 60)
		return false;
	m = token(s + n + 1);
	s += n + 1 + m;
	if (!m || m > 100 || (*s && *s != ';' && *s != ' '))
		return false;
	*s = '\0';
	return true;
}

bool mail_is_mac(struct mapi *attachment)
{
	static const unsigned char mac[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7,
		                             0x14, 0x03, 0x0b, 0x01 };
	struct mapi_value v;

	return mapi_get(attachment, PID_ATTACH_ENCODING, &v) == 1 &&
	       v.type == MAPI_BINARY && v.p && v.n == sizeof(mac) &&
	       memcmp(v.p, mac, sizeof(mac)) == 0;
}

/* A type that holds things is none for octets; what is in a file of a
 * Macintosh is not told by the type of the whole. */
static const char *type_instead(struct mapi *attachment, const char *tag,
                                const char *name)
{
	bool multi = strncasecmp(tag, "multipart/", 10) == 0;

	if ((multi || strncasecmp(tag, "application/", 12) == 0) &&
	    mail_is_mac(attachment))
		return by_suffix(name);
	return multi || strncasecmp(tag, "message/", 8) == 0 ? OCTETS : NULL;
}

char *mail_type_of(struct mapi *attachment, const char *name)
{
	char *tag = mapi_text(attachment, PID_ATTACH_MIME, 200);

	if (tag && is_type(tag)) {
		const char *instead = type_instead(attachment, tag, name);

		if (!instead)
			return tag;
		free(tag);
		return strdup(instead);
	}
	free(tag);
	return strdup(by_suffix(name));
}

static void clean(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '_';
}

char *mail_file_name(struct mapi *attachment)
{
	static const uint16_t ids[] = { PID_ATTACH_LONG_FILE, PID_ATTACH_FILE,
		                        PID_NAME };
	char *name = NULL;

	for (size_t i = 0; i < 3 && !name; i++)
		name = mapi_text(attachment, ids[i], NAME_MOST);
	if (name)
		clean(name);
	return name;
}

char *mail_name_for(const char *text, const char *otherwise, const char *suffix)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	size_t n;

	while (text && (*text == ' ' || *text == '.'))
		text++;
	n = text ? utf8_cut(text, NAME_CUT) : 0;
	while (n && (text[n - 1] == ' ' || text[n - 1] == '.'))
		n--;
	if ((n ? buf_add(&b, text, n) : buf_str(&b, otherwise)) ||
	    buf_str(&b, suffix))
		return NULL;
	clean(b.p);
	for (char *p = b.p; *p; p++)
		if (strchr("/\\:*?\"<>|", *p))
			*p = '_';
	return buf_take(&b);
}

bool mail_is_tnef(struct mapi *attachment)
{
	char *tag CLEANUP(free_p) = mapi_text(attachment, PID_ATTACH_MIME, 200);
	char *name CLEANUP(free_p) = mail_file_name(attachment);

	return (tag &&
	        (strncasecmp(tag, "application/ms-tnef", 19) == 0 ||
	         strncasecmp(tag, "application/vnd.ms-tnef", 23) == 0)) ||
	       (name && strcasecmp(name, "winmail.dat") == 0);
}
