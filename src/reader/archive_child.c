/* SPDX-License-Identifier: Apache-2.0 */
/* archive_child.c - see archive_child.h. */
#include "reader/archive_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "archive/child.h"
#include "archive/sandbox.h"
#include "archive/spool.h"
#include "mailhaul/body.h"
#include "reader/local.h"
#include "util/log.h"
#include "util/step.h"

#define PROGRAM "/proc/self/exe"
#define ANSWERS_ROOM (1 << 20)
#define LOOK_MS 100 /* between two looks at the clock */
#define CPU_MOST_MS 30000
#define STARTS 3   /* tries, until it has said hello */
#define FREE_FD 10 /* above those that the child is given */

extern char **environ;

/* --- starting ------------------------------------------------------------ */

static bool is_passed_on(const char *variable)
{
	static const char *const kept[] = {
		"LANG=", "LC_ALL=",        "LC_CTYPE=",
		"TZ=",   "MAILHAUL_TEST_", "LD_LIBRARY_PATH="
	};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
			return true;
	return SANDBOX_LOOSE &&
	       memmem(variable, strcspn(variable, "="), "SAN_", 4) != NULL;
}

/* Set in the child. A program that reads archives and does not hand
 * ARCHIVE_CHILD to archive_child() would else start itself for ever. */
#define MARK "MAILHAUL_ARCHIVE_CHILD"

/* The variables themselves are the parent's; only the list is malloc'd. */
static char **child_environment(void)
{
	static char mark[] = MARK "=1";
	size_t n = 0, to = 0;
	char **v;

	while (environ[n])
		n++;
	v = calloc(n + 2, sizeof(*v));
	for (size_t i = 0; v && i < n; i++)
		if (is_passed_on(environ[i]))
			v[to++] = environ[i];
	if (v)
		v[to] = mark;
	return v;
}

/* The descriptors that the child gets, all FREE_FD or above here. */
struct ends {
	int ask, answers, null, root, spool;
};

static int moved_up(int fd)
{
	int up = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FREE_FD);

	close_p(&fd);
	return up;
}

/* Where it tells. A pipe would do, but Linux takes half the time to get the
 * same octets through a socket. */
static int open_answers(int ends[2])
{
	const int room = ANSWERS_ROOM;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -1;
	(void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return 0;
}

static int open_ends(struct child *c, struct ends *to, int root,
                     const struct account *a)
{
	int ask[2] = { -1, -1 }, answers[2] = { -1, -1 };

	if (pipe2(ask, O_CLOEXEC) == 0 && open_answers(answers) == 0)
		fcntl(ask[1], F_SETFL, O_NONBLOCK);
	to->ask = moved_up(ask[0]);
	to->answers = moved_up(answers[1]);
	to->null = moved_up(open("/dev/null", O_RDWR | O_CLOEXEC));
	to->root = fcntl(root, F_DUPFD_CLOEXEC, FREE_FD);
	to->spool = moved_up(body_spool(a->spool_dir));
	c->ask = ask[1];
	c->answers = answers[0];
	return to->ask < 0 || to->answers < 0 || to->null < 0 || to->root < 0;
}

static void close_ends(struct ends *to)
{
	close_p(&to->ask);
	close_p(&to->answers);
	close_p(&to->null);
	close_p(&to->root);
	close_p(&to->spool);
}

static int actions(posix_spawn_file_actions_t *fa, const struct ends *to)
{
	return posix_spawn_file_actions_adddup2(fa, to->ask, 0) ||
	       posix_spawn_file_actions_adddup2(fa, to->answers, 1) ||
	       (!SANDBOX_LOOSE &&
	        posix_spawn_file_actions_adddup2(fa, to->null, 2)) ||
	       posix_spawn_file_actions_adddup2(fa, to->root, 3) ||
	       (to->spool >= 0 &&
	        posix_spawn_file_actions_adddup2(fa, to->spool, SPOOL_FD)) ||
	       posix_spawn_file_actions_addclosefrom_np(
	               fa, to->spool >= 0 ? SPOOL_FD + 1 : SPOOL_FD);
}

/* A process group of its own: Ctrl-C is for the parent, who decides. */
static int attributes(posix_spawnattr_t *at)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	return posix_spawnattr_setpgroup(at, 0) ||
	       posix_spawnattr_setsigdefault(at, &all) ||
	       posix_spawnattr_setsigmask(at, &none) ||
	       posix_spawnattr_setflags(at, POSIX_SPAWN_SETPGROUP |
	                                            POSIX_SPAWN_SETSIGDEF |
	                                            POSIX_SPAWN_SETSIGMASK);
}

static int spawn_with(struct child *c, const struct ends *to, char **env)
{
	char program[] = "mailhaul", word[] = ARCHIVE_CHILD;
	char *argv[] = { program, word, NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	int r;

	if (posix_spawn_file_actions_init(&fa))
		return ENOMEM;
	if (posix_spawnattr_init(&at)) {
		posix_spawn_file_actions_destroy(&fa);
		return ENOMEM;
	}
	r = actions(&fa, to) || attributes(&at)
	            ? ENOMEM
	            : posix_spawn(&c->pid, PROGRAM, &fa, &at, argv, env);
	posix_spawnattr_destroy(&at);
	posix_spawn_file_actions_destroy(&fa);
	if (r)
		c->pid = 0;
	return r;
}

int child_fault(struct child *c, const char *detail, struct err *e)
{
	child_stop(c);
	return err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INTERNAL,
	               "mailhaul could not start the part of itself that "
	               "reads archives, apart from everything else. Run it "
	               "again; if that does not help, report this with the "
	               "log (--verbose).",
	               "%s", detail);
}

static int spawn(struct child *c, int root, const struct account *a,
                 struct err *e)
{
	struct ends to = { -1, -1, -1, -1, -1 };
	char **env = child_environment();
	int r = EMFILE;

	if (env && !getenv(MARK) && !open_ends(c, &to, root, a))
		r = spawn_with(c, &to, env);
	free(env);
	close_ends(&to);
	return r ? child_fault(c, strerror(r), e) : 0;
}

static void tell_sandbox(const struct wire_hello *h)
{
	log_msg("archive: the child is shut in by limits%s%s",
	        h->landlock ? ", Landlock" : "", h->seccomp ? ", seccomp" : "");
	if (!h->landlock)
		log_msg("archive: this kernel has no Landlock");
	if (!h->seccomp)
		log_msg("archive: this kernel or build has no seccomp");
}

/* As child_record(), of a child that has just been started. */
static int begin(struct child *c, int root, const struct account *a,
                 struct wire *rec, struct err *e)
{
	child_stop(c);
	c->why[0] = '\0';
	c->cpu_ms = 0;
	if (spawn(c, root, a, e))
		return -1;
	c->feed = feed_new(c->answers);
	if (!c->feed)
		return child_fault(c, "no thread", e);
	return child_record(c, rec, a, e);
}

int child_start(struct child *c, int root, const struct account *a,
                struct err *e)
{
	struct wire rec;
	int got = 0;

	c->cpu_most = (uint64_t)step_number("MAILHAUL_TEST_ARCHIVE_CPU_MS",
	                                    CPU_MOST_MS);
	/* It may have been killed from outside: for memory, by a person. */
	for (int tries = 0; got == 0 && tries < STARTS; tries++)
		got = begin(c, root, a, &rec, e);
	if (got < 0)
		return -1;
	if (got == 0 || wire_hello(&rec, &c->hello))
		return child_fault(c, got ? "no hello" : c->why, e);
	tell_sandbox(&c->hello);
	return 0;
}

/* --- watching ------------------------------------------------------------ */

static void tell_end(struct child *c, int status, const char *why)
{
	if (*why)
		snprintf(c->why, sizeof(c->why), "%s", why);
	else if (WIFSIGNALED(status))
		snprintf(c->why, sizeof(c->why), "signal %d (%s)",
		         WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(c->why, sizeof(c->why), "exit %d",
		         WEXITSTATUS(status));
}

/* It has been waited for. */
static void closed(struct child *c)
{
	c->pid = 0;
	feed_free(&c->feed);
	close_p(&c->ask);
	close_p(&c->answers);
	c->ask = c->answers = -1;
}

/* why "": as its exit status says. Always 0. */
static int lost(struct child *c, const char *why)
{
	int status = 0;

	if (c->pid) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
			;
		tell_end(c, status, why);
		log_msg("archive: the child has ended: %s", c->why);
	}
	closed(c);
	return 0;
}

void child_stop(struct child *c)
{
	if (c->pid) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	closed(c);
}

static uint64_t cpu_ms(const struct child *c)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(c->pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* 1: fd is ready, 0: it has died, -1: e. */
static int wait_for(struct child *c, int fd, short events,
                    const struct account *a, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = events };
	int r;

	for (;;) {
		if (local_cancelled(a, e))
			return -1;
		r = poll(&p, 1, LOOK_MS);
		if (r > 0)
			return 1;
		if (r < 0 && errno != EINTR)
			return lost(c, "poll");
		if (r == 0 && cpu_ms(c) > c->cpu_ms + c->cpu_most)
			return lost(c, "it told nothing for too long");
	}
}

/* A child that has gone away must not end us by SIGPIPE. */
static ssize_t write_quietly(int fd, const void *p, size_t n)
{
	const struct timespec now = { 0, 0 };
	sigset_t pipe_only, before, waiting;
	ssize_t r;
	int err;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&waiting);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
	r = write(fd, p, n);
	err = errno;
	if (r < 0 && err == EPIPE && !sigismember(&waiting, SIGPIPE))
		sigtimedwait(&pipe_only, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = err;
	return r;
}

int child_ask(struct child *c, const struct buf *b, const struct account *a,
              struct err *e)
{
	size_t at = 0;

	while (at < b->n) {
		ssize_t r = write_quietly(c->ask, b->p + at, b->n - at);
		int got;

		if (r > 0)
			at += (size_t)r;
		if (r >= 0 || errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return lost(c, "");
		got = wait_for(c, c->ask, POLLOUT, a, e);
		if (got <= 0)
			return got;
	}
	return 1;
}

/* Nothing has come for a while. 1: that may go on, else as child_record(). */
static int silent(struct child *c, bool first, const struct account *a,
                  struct err *e)
{
	if (local_cancelled(a, e))
		return -1;
	/* All that it has told has been read: from here it is timed. */
	if (first)
		c->cpu_ms = cpu_ms(c);
	if (cpu_ms(c) > c->cpu_ms + c->cpu_most)
		return lost(c, "it told nothing for too long");
	return 1;
}

int child_record(struct child *c, struct wire *rec, const struct account *a,
                 struct err *e)
{
	bool first = true;
	int got;

	while (c->pid) {
		got = feed_record(c->feed, rec, LOOK_MS, &c->sha256);
		if (got > 0)
			return 1;
		if (got == 0)
			return lost(c, rec->bad ? "a record that is too long"
			                        : "");
		got = silent(c, first, a, e);
		if (got <= 0)
			return got;
		first = false;
	}
	return 0;
}
