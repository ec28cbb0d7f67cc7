/* SPDX-License-Identifier: Apache-2.0 */
/* manners.c - see manners.h. */
#include "writer/manners.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"

#define KEYWORDS_MOST 1000

struct manners {
	struct manners *next;
	char *host;
	bool plain;    /* an APPEND has been accepted at all */
	bool distrust; /* it has answered BAD */
	unsigned flags;
	char **keyword;
	size_t keywords;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct manners *all;

static struct manners *find(const char *host, bool make)
{
	struct manners *m;

	for (m = all; m; m = m->next)
		if (strcmp(m->host, host) == 0)
			return m;
	if (!make || !(m = calloc(1, sizeof(*m))))
		return NULL;
	m->host = strdup(host);
	if (!m->host) {
		free(m);
		return NULL;
	}
	m->next = all;
	all = m;
	return m;
}

static bool knows(const struct manners *m, const char *word, size_t len)
{
	for (size_t i = 0; i < m->keywords; i++)
		if (strlen(m->keyword[i]) == len &&
		    strncmp(m->keyword[i], word, len) == 0)
			return true;
	return false;
}

static bool knows_all(const struct manners *m, const char *keywords)
{
	while (keywords && *keywords) {
		size_t len = strcspn(keywords, " ");

		if (len && !knows(m, keywords, len))
			return false;
		keywords += len + strspn(keywords + len, " ");
	}
	return true;
}

static void learn(struct manners *m, const char *word, size_t len)
{
	char **v;

	if (!len || m->keywords == KEYWORDS_MOST || knows(m, word, len))
		return;
	v = realloc(m->keyword, (m->keywords + 1) * sizeof(*v));
	if (!v)
		return;
	m->keyword = v;
	v[m->keywords] = strndup(word, len);
	if (v[m->keywords])
		m->keywords++;
}

bool manners_trusts(const char *host, unsigned flags, const char *keywords)
{
	const struct manners *m;
	bool trusts;

	pthread_mutex_lock(&lock);
	m = find(host, false);
	trusts = m && m->plain && !m->distrust && !(flags & ~m->flags) &&
	         knows_all(m, keywords);
	pthread_mutex_unlock(&lock);
	return trusts;
}

void manners_accepted(const char *host, unsigned flags, const char *keywords)
{
	struct manners *m;

	pthread_mutex_lock(&lock);
	m = find(host, true);
	if (m) {
		m->plain = true;
		m->flags |= flags;
	}
	while (m && keywords && *keywords) {
		size_t len = strcspn(keywords, " ");

		learn(m, keywords, len);
		keywords += len + strspn(keywords + len, " ");
	}
	pthread_mutex_unlock(&lock);
}

void manners_refused(const char *host)
{
	struct manners *m;

	pthread_mutex_lock(&lock);
	m = find(host, true);
	if (m)
		m->distrust = true;
	pthread_mutex_unlock(&lock);
}
