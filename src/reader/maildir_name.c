/* SPDX-License-Identifier: Apache-2.0 */
/* maildir_name.c - names of messages in a Maildir; see maildir.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mailhaul/maildir.h"
#include "mime/keywords.h"
#include "mime/mix.h"
#include "reader/local.h"
#include "util/buf.h"

const char *maildir_sub_name(enum maildir_sub sub)
{
	return sub == MAILDIR_CUR ? "cur" : "new";
}

/* Some systems can't have ':' in names. */
static const char *info(const char *name)
{
	for (const char *p = name; *p; p++)
		if ((*p == ':' || *p == ';' || *p == '!') && p[1] == '2' &&
		    p[2] == ',')
			return p;
	return strchr(name, ':');
}

size_t maildir_base(const char *name)
{
	const char *p = info(name);

	return p ? (size_t)(p - name) : strlen(name);
}

const char *maildir_letters(const char *name)
{
	const char *p = info(name);

	return p && p[1] == '2' && p[2] == ',' ? p + 3 : "";
}

bool maildir_is_message(const char *name)
{
	return name[0] != '.' && name[0] != '\0' && maildir_base(name) > 0;
}

unsigned maildir_flags(const char *letters)
{
	unsigned flags = 0;

	for (; *letters && *letters != ','; letters++)
		flags |= *letters == 'S'   ? MAIL_SEEN
		         : *letters == 'R' ? MAIL_ANSWERED
		         : *letters == 'F' ? MAIL_FLAGGED
		         : *letters == 'D' ? MAIL_DRAFT
		         : *letters == 'T' ? MAIL_DELETED
		                           : 0;
	return flags;
}

int maildir_keywords_of(const struct maildir_keywords *k, const char *letters,
                        char **out)
{
	*out = NULL;
	for (; *letters && *letters != ','; letters++) {
		const char *word;

		if (*letters < 'a' || *letters > 'z')
			continue;
		word = k->v[*letters - 'a'];
		if (word &&
		    keywords_add(out, word, strlen(word), MAILDIR_KEYWORDS_MAX))
			return -1;
	}
	return 0;
}

/* A line "NUMBER NAME". */
static int keyword_line(struct maildir_keywords *k, const char *p, size_t n)
{
	size_t i = 0, number = 0;

	while (i < n && p[i] >= '0' && p[i] <= '9' && number < 1000)
		number = number * 10 + (size_t)(p[i++] - '0');
	if (i == 0 || i + 1 >= n || p[i] != ' ' || number >= MAILDIR_KEYWORDS)
		return 0;
	i++;
	for (size_t j = i; j < n; j++)
		if ((unsigned char)p[j] <= ' ' || p[j] == 0x7f)
			return 0;
	free(k->v[number]);
	k->v[number] = strndup(p + i, n - i);
	return k->v[number] ? 0 : -1;
}

int maildir_keywords_text(struct maildir_keywords *k, const char *p, size_t n)
{
	for (const char *end = p + n; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *to = nl ? nl : end;

		if (keyword_line(k, p, (size_t)(to - p)))
			return -1;
		p = to + 1;
	}
	return 0;
}

int maildir_keywords_read(struct maildir_keywords *k, int fd)
{
	int file CLEANUP(close_p) =
	        local_open(fd, "dovecot-keywords", 0, false);
	char *text CLEANUP(free_p) = NULL;
	ssize_t n;

	if (file < 0)
		return 0;
	text = malloc(MAILDIR_KEYWORD_FILE);
	if (!text)
		return -1;
	n = read(file, text, MAILDIR_KEYWORD_FILE);
	return maildir_keywords_text(k, text, n > 0 ? (size_t)n : 0);
}

void maildir_keywords_release(struct maildir_keywords *k)
{
	for (size_t i = 0; i < MAILDIR_KEYWORDS; i++)
		free(k->v[i]);
	memset(k, 0, sizeof(*k));
}

/* Digits at *p, at most 15 (what is more is no number of ours). */
static bool number(const char **p, uint64_t *out)
{
	const char *from = *p;

	*out = 0;
	for (; **p >= '0' && **p <= '9'; (*p)++)
		if (*p - from < 15)
			*out = *out * 10 + (uint64_t)(**p - '0');
	return *p > from && *p - from <= 15;
}

static uint64_t field(const char *name, size_t base, const char *key)
{
	const char *p = memmem(name, base, key, 3);
	uint64_t v;

	if (!p)
		return 0;
	p += 3;
	return number(&p, &v) ? v : 0;
}

/* 33 bits of seconds, 20 of what is below, 10 of the name: those who ask
 * for "beyond this uid" must not lose two that came in one moment. */
static uint64_t uid(uint64_t sec, uint64_t below, uint64_t hash)
{
	return (sec & ((UINT64_C(1) << 33) - 1)) << 30 |
	       (below & 0xfffff) << 10 | (hash & 0x3ff);
}

uint64_t maildir_uid(int64_t sec, const char *name)
{
	uint64_t h = mix_of(name, maildir_base(name));

	return uid(sec < 0 ? 0 : (uint64_t)sec, h >> 10, h);
}

struct maildir_told maildir_told(const char *name)
{
	struct maildir_told t = { 0 };
	size_t base = maildir_base(name);
	const char *p = name, *m;
	uint64_t sec, below;

	t.size = field(name, base, ",S=");
	t.wire_size = field(name, base, ",W=");
	t.wire = t.size && t.size == t.wire_size;
	if (!number(&p, &sec) || *p != '.' || sec >> 33)
		return t;
	t.have_time = true;
	m = p + 1 + strcspn(p + 1, "M.,:");
	p = m + 1;
	if (*m == 'M' && number(&p, &below))
		t.uid = uid(sec, below, mix_of(name, base));
	else
		t.uid = maildir_uid((int64_t)sec, name);
	return t;
}
