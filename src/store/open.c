/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.c - store_open(): whose file it is, whether it is whole, and on
 * what kind of disk.
 *
 * The file itself is never opened here by a descriptor of our own while
 * SQLite may have it: closing that would drop SQLite's POSIX locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/schema.h"
#include "util/step.h"

#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xFF534D42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xFE534D42
#endif
#ifndef CODA_SUPER_MAGIC
#define CODA_SUPER_MAGIC 0x73757245
#endif
#define KAFS_SUPER_MAGIC 0x6B414653

/* A full quick_check() reads the whole file: about a second for this. */
#define CHECK_WHOLE_MB 200

/* --- The disk --- */

const char *network_fs(long f_type)
{
	switch ((unsigned long)f_type & 0xffffffffUL) {
	case NFS_SUPER_MAGIC:
		return "NFS";
	case SMB_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
		return "SMB";
	case AFS_SUPER_MAGIC:
	case KAFS_SUPER_MAGIC:
		return "AFS";
	case CODA_SUPER_MAGIC:
		return "Coda";
	default:
		return NULL;
	}
}

static int check_disk(const char *path, struct err *e)
{
	CLEANUP(free_p) char *copy = strdup(path);
	struct statfs fs;
	const char *name;

	if (!copy)
		return err_memory(e);
	if (statfs(path, &fs) && statfs(dirname(copy), &fs))
		return err_set(e, ERR_RUN, NEXT_ASK_PERSON, EC_STORE,
		               "The folder for the job store is not there. "
		               "Make it, or name another file with --store.",
		               "%s: %s", path, strerror(errno));
	name = network_fs((long)fs.f_type);
	if (!name)
		return 0;
	return err_set(e, ERR_RUN, NEXT_ASK_PERSON, EC_STORE,
	               "The job store would be on a network disk, where a "
	               "lost connection can damage it. Name a file on a disk "
	               "of this computer with --store.",
	               "%s is on %s", path, name);
}

static int make_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0 && (errno == ENOSPC || errno == EDQUOT))
		return db_error(NULL, SQLITE_FULL, e);
	if (fd < 0)
		return err_set(e, ERR_RUN, NEXT_ASK_PERSON, EC_STORE,
		               "The job store can't be made. Make sure that "
		               "you may write in its folder, or name another "
		               "file with --store.",
		               "%s: %s", path, strerror(errno));
	close(fd);
	return 0;
}

static int check_file(const char *path, bool create, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, ERR_RUN, NEXT_ASK_PERSON, EC_STORE_FOREIGN,
		               "What is named as job store is not a file. "
		               "Name a file with --store.",
		               "%s, mode %o", path, (unsigned)st.st_mode);
	if (access(path, F_OK) == 0)
		return 0;
	if (!create)
		return err_set(e, ERR_RUN, NEXT_ASK_PERSON, EC_STORE,
		               "There is no job store here yet. Begin with "
		               "'mailhaul add' or 'mailhaul copy', or name "
		               "your store with --store.",
		               "%s: %s", path, strerror(errno));
	return make_file(path, e);
}

/* --- Whose it is --- */

/* The file's name stands last: a long one may be cut. */
static int foreign(const char *path, int64_t id, struct err *e)
{
	err_setf(e, ERR_RUN, NEXT_ASK_PERSON, EC_STORE_FOREIGN,
	         "The file given as job store is another program's database. "
	         "It was not touched. Name another file with --store. The "
	         "file is %s",
	         path);
	err_detail(e, "application_id %llx", (long long)id);
	return -1;
}

static void no_database(const char *path, struct err *e)
{
	err_setf(e, ERR_RUN, NEXT_ASK_PERSON, EC_STORE_FOREIGN,
	         "The file given as job store is not a job store of mailhaul. "
	         "It was not touched. Name another file with --store. The "
	         "file is %s",
	         path);
}

/* *fresh: empty, to be made; *old: made or to be made up to our version. */
static int identify(struct store *s, bool *fresh, bool *old, struct err *e)
{
	int64_t id, version, tables;

	if (conn_number(&s->writer, "PRAGMA application_id", &id, e) ||
	    conn_number(&s->writer, "PRAGMA user_version", &version, e) ||
	    conn_number(&s->writer, "SELECT count(*) FROM sqlite_schema",
	                &tables, e)) {
		if (e && e->code == EC_STORE_FOREIGN)
			no_database(s->path, e);
		return -1;
	}
	*fresh = id == 0 && version == 0 && tables == 0;
	*old = version < schema_version();
	if (*fresh)
		return 0;
	if (id != STORE_APPLICATION_ID)
		return foreign(s->path, id, e);
	if (version <= schema_version())
		return 0;
	return err_set(e, ERR_RUN, NEXT_ASK_PERSON, EC_STORE_NEWER,
	               "This job store was made by a newer mailhaul. Use that "
	               "version, or a new store (--store NEWFILE).",
	               "%s, version %lld, ours %d", s->path, (long long)version,
	               schema_version());
}

/* --- Whether it is whole --- */

static int quick_check(struct store *s, const char *sql, struct err *e)
{
	sqlite3 *db = s->writer.db;
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
	const char *said = NULL;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		said = (const char *)sqlite3_column_text(st, 0);
	if (rc != SQLITE_ROW)
		db_error(db, rc, e);
	else if (!said || strcmp(said, "ok") != 0)
		db_error(NULL, SQLITE_CORRUPT, e);
	else
		rc = SQLITE_DONE;
	if (rc == SQLITE_ROW)
		err_detail(e, "%s: %s", s->path, said ? said : "no answer");
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int check_whole(struct store *s, struct err *e)
{
	static const char *const small[] = {
		"PRAGMA quick_check(mailbox)",
		"PRAGMA quick_check(source_folder)",
		"PRAGMA quick_check(dest_folder)",
		"PRAGMA quick_check(tally)",
	};
	long mb = step_number("MAILHAUL_TEST_STORE_CHECK_MB", CHECK_WHOLE_MB);
	int64_t pages, size;

	if (conn_number(&s->writer, "PRAGMA page_count", &pages, e) ||
	    conn_number(&s->writer, "PRAGMA page_size", &size, e))
		return -1;
	if (pages * size <= (int64_t)mb << 20)
		return quick_check(s, "PRAGMA quick_check(1)", e);
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		if (quick_check(s, small[i], e))
			return -1;
	return 0;
}

/* --- Opening --- */

static int set_up(struct conn *c, bool reader, struct err *e)
{
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return conn_exec(c,
	                 reader ? "PRAGMA query_only=ON;"
	                          "PRAGMA cache_size=-4000"
	                        : "PRAGMA foreign_keys=ON;"
	                          "PRAGMA synchronous=FULL;"
	                          "PRAGMA cell_size_check=ON;"
	                          "PRAGMA cache_size=-8000;"
	                          "PRAGMA wal_autocheckpoint=2000;"
	                          "PRAGMA journal_size_limit=33554432",
	                 e);
}

static int use_wal(struct conn *c, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(c->db, "PRAGMA journal_mode=WAL", -1, &st,
	                            NULL);
	const char *mode = NULL;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		mode = (const char *)sqlite3_column_text(st, 0);
	if (rc != SQLITE_ROW)
		db_error(c->db, rc, e);
	else if (!mode || strcmp(mode, "wal") != 0)
		err_set(e, ERR_RUN, NEXT_ASK_PERSON, EC_STORE,
		        "The disk named for the job store can't hold one. Name "
		        "a file on a local disk with --store.",
		        "journal_mode=%s", mode ? mode : "none");
	else
		rc = SQLITE_DONE;
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* For tests of a full disk. */
static int limit_pages(struct store *s, struct err *e)
{
	long pages = step_number("MAILHAUL_TEST_STORE_PAGES", 0);
	char sql[64];

	if (pages <= 0)
		return 0;
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count=%ld", pages);
	return conn_exec(&s->writer, sql, e);
}

static int open_writer(struct store *s, struct err *e)
{
	bool fresh, old;

	if (conn_open(&s->writer, s->path, e) || identify(s, &fresh, &old, e))
		return -1;
	if (sqlite3_db_readonly(s->writer.db, "main"))
		return db_error(NULL, SQLITE_READONLY, e);
	if (!fresh && check_whole(s, e))
		return -1;
	if (set_up(&s->writer, false, e) || use_wal(&s->writer, e) ||
	    limit_pages(s, e))
		return -1;
	if (!old)
		return 0;
	return schema_upgrade(s->writer.db, schema_upgrades, schema_upgrades_n,
	                      e);
}

static int open_all(struct store *s, const char *path, bool create,
                    struct err *e)
{
	if (sqlite3_libversion_number() < 3037000)
		return err_set(e, ERR_RUN, NEXT_ASK_PERSON, EC_STORE,
		               "The SQLite library of this computer is too "
		               "old. Version 3.37 or newer is needed.",
		               "%s", sqlite3_libversion());
	if (check_disk(path, e) || check_file(path, create, e))
		return -1;
	s->path = realpath(path, NULL);
	if (!s->path)
		return db_error(NULL, SQLITE_CANTOPEN, e);
	if (open_writer(s, e))
		return -1;
	return conn_open(&s->reader, s->path, e) || set_up(&s->reader, true, e)
	               ? -1
	               : 0;
}

int store_open(struct store **out, const char *path, bool create, struct err *e)
{
	struct store *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return err_memory(e);
	s->lock_fd = -1;
	pthread_mutex_init(&s->write_lock, NULL);
	pthread_mutex_init(&s->read_lock, NULL);
	pthread_mutex_init(&s->held_lock, NULL);
	if (open_all(s, path, create, e)) {
		store_close(&s);
		return -1;
	}
	*out = s;
	return 0;
}

void store_close(struct store **sp)
{
	struct store *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	locks_release(s);
	/* The writer last: it folds the WAL into the file. */
	conn_close(&s->reader);
	conn_close(&s->writer);
	pthread_mutex_destroy(&s->write_lock);
	pthread_mutex_destroy(&s->read_lock);
	pthread_mutex_destroy(&s->held_lock);
	free(s->path);
	free(s);
}
