/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth_cache.c - tokens between runs: in the desktop's keyring, else in
 *
 *   $XDG_STATE_HOME/mailhaul/tokens/TENANT/CLIENT-ID/ACCOUNT.json
 *
 * (~/.local/state without that variable; "app" for ACCOUNT when the
 * registration signs in by itself). The file is for its owner only:
 *
 *   {"v": 1, "login": "https://login.microsoftonline.com",
 *    "tenant": "contoso.com", "client_id": "2222...",
 *    "account": "ann@contoso.com",      who signed in; not with "app"
 *    "refresh_token": "...",            not with "app"
 *    "access": {"graph": {"token": "...", "got": 1700000000,
 *                         "ends": 1700003599},
 *               "imap": {...}}}         seconds since the epoch
 *
 * What was written for another sign-in service, tenant or registration is
 * not used, and a damaged file is moved aside: both are as if there were
 * none. Beside it lie ACCOUNT.lock, which a process holds while it
 * refreshes, and last-sign-in, the name of the account that signed in last.
 */
#include "net/oauth_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/log.h"

#define FILE_MOST (1u << 20)
#define LAST "last-sign-in"
#define LOCK_PAUSE_MS 50

static const char *const resource_names[OAUTH_RESOURCES] = {
	[OAUTH_GRAPH] = "graph",
	[OAUTH_IMAP] = "imap",
};

void wipe_text(char **p)
{
	if (*p)
		explicit_bzero(*p, strlen(*p));
	free(*p);
	*p = NULL;
}

void wipe_text_p(char **p)
{
	wipe_text(p);
}

void wipe_buf(struct buf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
	buf_release(b);
}

static void json_decref_p(json_t **j)
{
	json_decref(*j);
}

/* --- tokens as JSON ----------------------------------------------------- */

void tokens_release(struct oauth_tokens *t)
{
	free(t->account);
	wipe_text(&t->refresh);
	for (size_t i = 0; i < OAUTH_RESOURCES; i++)
		wipe_text(&t->access[i].token);
	memset(t, 0, sizeof(*t));
}

int tokens_set(struct oauth_tokens *t, enum oauth_resource r, const char *token,
               int64_t got, int64_t ends)
{
	char *copy = strdup(token);

	if (!copy)
		return -1;
	wipe_text(&t->access[r].token);
	t->access[r] = (struct oauth_access){ copy, got, ends };
	return 0;
}

static json_t *access_json(const struct oauth_tokens *t)
{
	json_t *all = json_object();

	for (size_t i = 0; i < OAUTH_RESOURCES; i++) {
		const struct oauth_access *a = &t->access[i];

		if (a->token)
			json_object_set_new(
			        all, resource_names[i],
			        json_pack("{s:s, s:I, s:I}", "token", a->token,
			                  "got", (json_int_t)a->got, "ends",
			                  (json_int_t)a->ends));
	}
	return all;
}

char *tokens_json(const struct oauth_tokens *t, const struct oauth_who *w)
{
	CLEANUP(json_decref_p)
	json_t *all = json_pack("{s:i, s:s, s:s, s:s, s:o}", "v", 1, "login",
	                        w->login, "tenant", w->tenant, "client_id",
	                        w->client_id, "access", access_json(t));

	if (!all ||
	    (t->account &&
	     json_object_set_new(all, "account", json_string(t->account))) ||
	    (t->refresh && json_object_set_new(all, "refresh_token",
	                                       json_string(t->refresh))))
		return NULL;
	return json_dumps(all, JSON_COMPACT);
}

static bool same(const json_t *all, const char *name, const char *value)
{
	const char *s = json_string_value(json_object_get(all, name));

	return s && !strcmp(s, value);
}

static int take_access(struct oauth_tokens *t, const json_t *access)
{
	for (size_t i = 0; i < OAUTH_RESOURCES; i++) {
		const json_t *a = json_object_get(access, resource_names[i]);
		const char *token =
		        json_string_value(json_object_get(a, "token"));

		if (token &&
		    tokens_set(t, (enum oauth_resource)i, token,
		               json_integer_value(json_object_get(a, "got")),
		               json_integer_value(json_object_get(a, "ends"))))
			return -1;
	}
	return 0;
}

static int take_text(char **to, const json_t *all, const char *name)
{
	const char *s = json_string_value(json_object_get(all, name));

	if (!s)
		return 0;
	*to = strdup(s);
	return *to ? 0 : -1;
}

int tokens_parse(struct oauth_tokens *t, const char *json, size_t n,
                 const struct oauth_who *w)
{
	CLEANUP(json_decref_p) json_t *all = json_loadb(json, n, 0, NULL);

	memset(t, 0, sizeof(*t));
	if (!same(all, "login", w->login) || !same(all, "tenant", w->tenant) ||
	    !same(all, "client_id", w->client_id))
		return -1;
	if (take_text(&t->account, all, "account") ||
	    take_text(&t->refresh, all, "refresh_token") ||
	    take_access(t, json_object_get(all, "access"))) {
		tokens_release(t);
		return -1;
	}
	return 0;
}

/* --- where it lies ------------------------------------------------------ */

/* A name that is one level of a path, whatever it holds. */
static int add_name(struct buf *b, const char *s)
{
	static const char fine[] = "abcdefghijklmnopqrstuvwxyz0123456789@-_+.";

	for (const char *p = s; *p; p++) {
		char c = *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p;
		bool plain = strchr(fine, c) && (p != s || c != '.');

		if (plain ? buf_chr(b, c)
		          : buf_fmt(b, "%%%02X", (unsigned char)c))
			return -1;
	}
	return 0;
}

static int add_home(struct buf *b)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (state && *state == '/')
		return buf_fmt(b, "%s/mailhaul/tokens", state);
	if (home && *home == '/')
		return buf_fmt(b, "%s/.local/state/mailhaul/tokens", home);
	return -1;
}

static char *path_of(const struct oauth_who *w, const char *name,
                     const char *end)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);

	if (add_home(&b) || buf_chr(&b, '/') || add_name(&b, w->tenant) ||
	    buf_chr(&b, '/') || add_name(&b, w->client_id) ||
	    buf_chr(&b, '/') || add_name(&b, name) || buf_str(&b, end))
		return NULL;
	return buf_take(&b);
}

/* What others may look into is closed: from tokens/ on it is all ours. */
static int make_folder(const char *path, bool ours)
{
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -1;
	if (!ours)
		return 0;
	if (stat(path, &st) || st.st_uid != geteuid())
		return -1;
	return st.st_mode & 077 ? chmod(path, 0700) : 0;
}

static int make_folders(const char *file)
{
	CLEANUP(free_p) char *path = strdup(file);
	CLEANUP(buf_release_p) struct buf home = BUF_INIT(0);

	if (!path || add_home(&home))
		return -1;
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		bool ours = (size_t)(p - path) >= home.n;

		*p = '\0';
		if (make_folder(path, ours))
			return -1;
		*p = '/';
	}
	return 0;
}

static int not_kept(struct err *e)
{
	int why = errno;

	if (why == ENOSPC || why == EDQUOT)
		return err_set(e, ERR_RUN, NEXT_GIVE_UP, EC_DISK_FULL,
		               "The disk has no room to keep the sign-in. "
		               "Make room and sign in again.",
		               "%s", strerror(why));
	return err_set(e, ERR_RUN, NEXT_ASK_PERSON, EC_PERMISSION,
	               "The sign-in can't be kept under "
	               "$XDG_STATE_HOME/mailhaul (else "
	               "~/.local/state/mailhaul). Make that folder yours and "
	               "writable, then sign in again.",
	               "%s", strerror(why));
}

/* --- reading ------------------------------------------------------------ */

int secret_read(int fd, struct buf *b)
{
	char part[4096];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || buf_add(b, part, (size_t)n))
			break;
	}
	explicit_bzero(part, sizeof(part));
	return n == 0 ? 0 : -1;
}

/* -1: there is none that is ours. */
static int read_file(const char *path, struct buf *b)
{
	CLEANUP(close_p)
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return -1;
	if (st.st_uid != geteuid()) {
		log_msg("tokens: %s belongs to another user: not used", path);
		return -1;
	}
	if (st.st_mode & 077)
		(void)!fchmod(fd, 0600);
	return secret_read(fd, b);
}

static void move_aside(const char *path)
{
	CLEANUP(buf_release_p) struct buf aside = BUF_INIT(0);

	if (!buf_fmt(&aside, "%s.damaged", path) && !rename(path, aside.p))
		log_msg("tokens: %s was damaged, moved to .damaged", path);
}

static bool is_json(const struct buf *b)
{
	json_t *all = json_loadb(b->n ? b->p : "", b->n, 0, NULL);
	bool yes = json_is_object(all);

	json_decref(all);
	return yes;
}

static int load_file(const struct oauth_who *w, const char *name,
                     struct oauth_tokens *out)
{
	CLEANUP(free_p) char *path = path_of(w, name, ".json");
	struct buf b = BUF_INIT(FILE_MOST);
	int found = 0;

	if (!path || read_file(path, &b)) {
		wipe_buf(&b);
		return 0;
	}
	if (!is_json(&b))
		move_aside(path);
	else
		found = !tokens_parse(out, b.p, b.n, w);
	wipe_buf(&b);
	return found;
}

int cache_load(const struct oauth_who *w, const char *name,
               struct oauth_tokens *out, struct err *e)
{
	CLEANUP(wipe_text_p) char *json = NULL;

	memset(out, 0, sizeof(*out));
	if (load_file(w, name, out))
		return 1;
	if (keyring_load(w, name, &json) != 1)
		return 0;
	if (!json)
		return err_memory(e);
	return !tokens_parse(out, json, strlen(json), w);
}

/* --- writing ------------------------------------------------------------ */

static int write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return fsync(fd);
}

static void sync_folder(const char *file)
{
	CLEANUP(free_p) char *path = strdup(file);
	CLEANUP(close_p) int fd = -1;
	char *slash = path ? strrchr(path, '/') : NULL;

	if (!slash)
		return;
	*slash = '\0';
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
}

/* Whole or not at all, whenever the power goes. */
static int write_file(const char *path, const char *text)
{
	CLEANUP(buf_release_p) struct buf new = BUF_INIT(0);
	int fd, rc;

	if (buf_fmt(&new, "%s.XXXXXX", path))
		return -1;
	fd = mkostemp(new.p, O_CLOEXEC); /* 0600 */
	if (fd < 0)
		return -1;
	rc = write_all(fd, text, strlen(text));
	close(fd);
	if (!rc)
		rc = rename(new.p, path);
	if (rc) {
		int why = errno;

		unlink(new.p);
		errno = why;
		return -1;
	}
	sync_folder(path);
	return 0;
}

int cache_save(const struct oauth_who *w, const char *name,
               const struct oauth_tokens *t, struct err *e)
{
	CLEANUP(wipe_text_p) char *json = tokens_json(t, w);
	CLEANUP(free_p) char *path = path_of(w, name, ".json");

	if (!json)
		return err_memory(e);
	if (keyring_save(w, name, json) == 1) {
		if (path)
			unlink(path);
		return 0;
	}
	errno = ENOENT;
	if (!path || make_folders(path) || write_file(path, json))
		return not_kept(e);
	return 0;
}

static int not_removed(struct err *e)
{
	return err_set(e, ERR_RUN, NEXT_ASK_PERSON, EC_PERMISSION,
	               "The file with the sign-in can't be removed. "
	               "Remove it by hand from "
	               "$XDG_STATE_HOME/mailhaul/tokens (else "
	               "~/.local/state/mailhaul/tokens).",
	               "%s", strerror(errno));
}

int cache_drop(const struct oauth_who *w, const char *name, struct err *e)
{
	CLEANUP(free_p) char *path = path_of(w, name, ".json");

	keyring_drop(w, name);
	return path && unlink(path) && errno != ENOENT ? not_removed(e) : 0;
}

/* Locks stay: another process may hold one. */
static bool is_kept(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && (n < 5 || strcmp(name + n - 5, ".lock") != 0);
}

int cache_drop_all(const struct oauth_who *w, struct err *e)
{
	CLEANUP(free_p) char *path = path_of(w, LAST, "");
	DIR *d;
	int rc = 0;

	keyring_drop(w, NULL);
	if (!path)
		return err_memory(e);
	*strrchr(path, '/') = '\0';
	d = opendir(path);
	for (struct dirent *f; d && !rc && (f = readdir(d)) != NULL;)
		if (is_kept(f->d_name) && unlinkat(dirfd(d), f->d_name, 0) &&
		    errno != ENOENT)
			rc = not_removed(e);
	if (d)
		closedir(d);
	return rc;
}

char *cache_last(const struct oauth_who *w)
{
	CLEANUP(free_p) char *path = path_of(w, LAST, "");
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1024);
	size_t n;

	if (!path || read_file(path, &b) || !b.n)
		return NULL;
	n = strcspn(b.p, "\n");
	return n ? strndup(b.p, n) : NULL;
}

int cache_set_last(const struct oauth_who *w, const char *name, struct err *e)
{
	CLEANUP(free_p) char *path = path_of(w, LAST, "");
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);

	if (!name) {
		if (path)
			unlink(path);
		return 0;
	}
	if (buf_fmt(&b, "%s\n", name))
		return err_memory(e);
	errno = ENOENT;
	if (!path || make_folders(path) || write_file(path, b.p))
		return not_kept(e);
	return 0;
}

/* --- one at a time ------------------------------------------------------ */

int cache_lock(const struct oauth_who *w, const char *name,
               const atomic_int *cancel, int *fd, struct err *e)
{
	CLEANUP(free_p) char *path = path_of(w, name, ".lock");
	const struct timespec pause = { 0, LOCK_PAUSE_MS * 1000000L };

	*fd = -1;
	if (!path || make_folders(path))
		return 0;
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	while (*fd >= 0 && flock(*fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		if (cancel && atomic_load(cancel)) {
			close(*fd);
			*fd = -1;
			return err_setf(e, ERR_ACCOUNT, NEXT_RETRY,
			                EC_INTERRUPTED,
			                "Stopped while waiting for another "
			                "mailhaul that signs in. Nothing is "
			                "lost.");
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}
