/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.c - see child.h. Descriptors: 0 what the parent asks, 1 what is
 * told, 3 the archive, 4 a file of its own (spool.h).
 */
#include "archive/child.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive/attempt.h"
#include "archive/kind.h"
#include "archive/mapi/text.h"
#include "archive/out.h"
#include "archive/sandbox.h"
#include "archive/spool.h"
#include "archive/tree.h"
#include "reader/wire.h"

#define ASKED 0
#define TOLD 1
#define ROOT 3
#define BROKEN 70 /* exit status: the parent starts another */
#define HEAD 8192

static int write_whole(const char *p, size_t n)
{
	return write(TOLD, p, n) == (ssize_t)n ? 0 : -1;
}

static unsigned kind_of_root(const struct sandbox *b)
{
	unsigned char head[HEAD];
	const char *what;
	ssize_t n = b->folder ? 0 : pread(b->root, head, sizeof(head), 0);

	return kind_of(head, n > 0 ? (size_t)n : 0, NULL, &what);
}

static int hello(const struct sandbox *b)
{
	struct buf r CLEANUP(buf_release_p) = BUF_INIT(0);
	size_t at = wire_begin(&r, W_HELLO);

	wire_u64(&r, b->landlock);
	wire_u64(&r, b->seccomp);
	wire_u64(&r, b->folder);
	wire_u64(&r, kind_of_root(b));
	return wire_end(&r, at) || write_whole(r.p, r.n) ? -1 : 0;
}

/*
 * While the parser works nobody reads what the parent asks: the kernel ends
 * this process when that pipe has no writer any more, be the parser where
 * it may. Threads of the parent come and go, so PR_SET_PDEATHSIG won't do.
 */
static void end_with_parent(bool on)
{
	int flags = fcntl(ASKED, F_GETFL);

	fcntl(ASKED, F_SETOWN, getpid());
	fcntl(ASKED, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC);
}

static int walk(const struct request *q)
{
	/* Only these hold items that are no mail. */
	enum want_kind want = q->flags & W_ITEMS ? WANT_PST : q->kind;
	struct out o;
	int r;

	lseek(ROOT, 0, SEEK_SET);
	out_begin(&o, q, TOLD);
	end_with_parent(true);
	r = tree_walk(ROOT, q->name, want, &o.s);
	end_with_parent(false);
	/* A walk ends before its end only when the sink says so. */
	r = r && !o.over ? -1 : out_done(&o);
	out_release(&o);
	return r;
}

/* What libraries read from disk at first use is read before the door
 * shuts. */
static void load(const struct sandbox *b)
{
	unsigned kind = kind_of_root(b);
	time_t now = 0;
	struct tm tm;

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
	/* The C library asks whether that file has changed each time that a
	 * time is taken apart, unless it is told which one it is. */
	setenv("TZ", ":/etc/localtime", 0);
	tzset();
	localtime_r(&now, &tm);
	if (b->folder || kind == FILE_PACKED || kind == FILE_PST)
		text_load();
}

static int life(int argc, char **argv)
{
	struct sandbox box = { .root = ROOT };
	struct request q;
	struct stat st;
	int r;

	if (fstat(ROOT, &st))
		return BROKEN;
	box.folder = S_ISDIR(st.st_mode);
	attempt_parse(&box, argc, argv);
	spool_begin();
	load(&box);
	if (sandbox_shut(&box))
		return BROKEN;
	if (argc > 0)
		return attempt(&box, argv[0]);
	if (hello(&box))
		return BROKEN;
	while ((r = request_read(&q, ASKED)) > 0) {
		r = walk(&q);
		request_release(&q);
		if (r)
			break;
	}
	return r ? BROKEN : 0;
}

int archive_child(int argc, char **argv)
{
	int status = life(argc, argv);

	/* The check for leaks at the end would have to trace the process. */
	if (SANDBOX_LOOSE)
		_exit(status);
	return status;
}
