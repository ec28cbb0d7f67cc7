/* SPDX-License-Identifier: Apache-2.0 */
/* secret_source.c - reads a password from a file, a command, a CSV or the
 * terminal. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli/secret.h"
#include "cli/signals.h"
#include "cli/text.h"
#include "util/buf.h"
#include "util/clock.h"

#define SECRET_MAX 8192 /* a token may be long, a password is not */
#define COMMAND_MS 120000
#define TTY "/dev/tty"

extern char **environ;

static void wipe_buf(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_release(b);
}

static int bad(struct err *e, const char *what, const char *where,
               const char *next)
{
	return err_setf(e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_PASSWORD_MISSING,
	                "The %s '%.160s' for the password or secret %s", what,
	                where, next);
}

/* The first line of b, without its end; NULL: there is none, or a NUL. */
static char *first_line(const struct buf *b)
{
	size_t n;
	char *nl;

	if (b->n == 0)
		return NULL;
	nl = memchr(b->p, '\n', b->n);
	n = nl != NULL ? (size_t)(nl - b->p) : b->n;
	if (n > 0 && b->p[n - 1] == '\r')
		n--;
	if (n == 0 || memchr(b->p, '\0', n) != NULL)
		return NULL;
	return strndup(b->p, n);
}

/* template with {user} replaced. */
static char *fill_in(const char *template, const char *user)
{
	struct buf b = BUF_INIT(1 << 16);
	const char *at;

	while ((at = strstr(template, "{user}")) != NULL) {
		if (buf_add(&b, template, (size_t)(at - template)) != 0 ||
		    buf_str(&b, user) != 0) {
			buf_release(&b);
			return NULL;
		}
		template = at + strlen("{user}");
	}
	if (buf_str(&b, template) != 0) {
		buf_release(&b);
		return NULL;
	}
	return buf_take(&b);
}

static int not_closed(const char *path, struct err *e)
{
	CLEANUP(buf_release_p) struct buf next = BUF_INIT(1 << 16);

	if (buf_str(&next, "may be read by others on this machine. Close it: "
	                   "chmod 600 ") != 0 ||
	    text_shell(&next, path) != 0)
		return err_memory(e);
	return bad(e, "file", path, next.p);
}

static int check_file(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return bad(e, "file", path, "cannot be read.");
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return bad(e, "file", path, "is not a file.");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return bad(e, "file", path,
		           "belongs to another user, who could change it. "
		           "Make a copy of your own.");
	return (st.st_mode & 077) != 0 ? not_closed(path, e) : 0;
}

static int read_all(int fd, struct buf *b)
{
	char part[1024];
	ssize_t n;

	for (;;) {
		n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (buf_add(b, part, (size_t)n) != 0)
			n = -1;
		explicit_bzero(part, sizeof(part));
		if (n < 0)
			break;
	}
	return n < 0 ? -1 : 0;
}

int secret_from_file(const char *path, const char *user, char **out,
                     struct err *e)
{
	CLEANUP(free_p) char *name = NULL;
	CLEANUP(close_p) int fd = -1;
	struct buf b = BUF_INIT(SECRET_MAX);
	int rc = 0;

	if (strstr(path, "{user}") != NULL &&
	    (strchr(user, '/') != NULL || user[0] == '.'))
		return bad(e, "file", path,
		           "cannot be named for this user: the user name holds "
		           "'/' or begins with a dot. Name the file itself.");
	name = fill_in(path, user);
	if (name == NULL)
		return err_memory(e);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		bad(e, "file", name,
		    "cannot be opened. Check its name and whose it is.");
		err_detail(e, "%s", strerror(errno));
		return -1;
	}
	if (check_file(fd, name, e) != 0)
		return -1;
	if (read_all(fd, &b) != 0)
		rc = bad(e, "file", name, "cannot be read, or is too long.");
	*out = rc == 0 ? first_line(&b) : NULL;
	wipe_buf(&b);
	if (rc == 0 && *out == NULL)
		rc = bad(e, "file", name,
		         "is empty: its first line must be it.");
	return rc;
}

/* {user} is put in as it is only if no shell could misread it; else a
 * variable stands for it, which a shell never reads as a command. */
static int command_line(const char *command, const char *user, char **out,
                        struct err *e)
{
	static const char harmless[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	        "0123456789@%+=:,._-";
	bool plain = user[0] != '-' && user[strspn(user, harmless)] == '\0';

	if (!plain && strstr(command, "{user}") != NULL &&
	    strpbrk(command, "'\"`\\") != NULL)
		return bad(e, "command", command,
		           "holds quotes around a user name with special "
		           "characters. Write \"$MAILHAUL_USER\" in place of "
		           "{user}.");
	*out = fill_in(command, plain ? user : "\"$MAILHAUL_USER\"");
	return *out != NULL ? 0 : err_memory(e);
}

/* The environment with MAILHAUL_USER=user in front; free the array and its
 * first string. */
static char **with_user(const char *user)
{
	struct buf b = BUF_INIT(1 << 16);
	size_t n = 0;
	char **env;

	while (environ[n] != NULL)
		n++;
	env = reallocarray(NULL, n + 2, sizeof(*env));
	if (env == NULL || buf_fmt(&b, "MAILHAUL_USER=%s", user) != 0) {
		free(env);
		buf_release(&b);
		return NULL;
	}
	memcpy(env + 1, environ, (n + 1) * sizeof(*env));
	env[0] = buf_take(&b);
	return env;
}

/* sh -c line, its stdout into fd. */
static int spawn(const char *line, const char *user, int fd, pid_t *pid)
{
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char *)line,
		               NULL };
	char **env = with_user(user);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, pipe_only;
	int rc;

	if (env == NULL)
		return -1;
	sigemptyset(&none);
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, fd, 1);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &pipe_only);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
	                                        POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn(pid, "/bin/sh", &files, &attr, argv, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	free(env[0]);
	free(env);
	return rc == 0 ? 0 : -1;
}

/* Until the end of the output; -1: time is up, too long, or stop. */
static int listen_to(int fd, struct buf *b, const atomic_int *stop)
{
	uint64_t end = clock_ms() + COMMAND_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char part[1024];

	while (clock_ms() < end && !(stop != NULL && atomic_load(stop))) {
		int ready = poll(&p, 1, 200);
		ssize_t n;

		if (ready <= 0)
			continue;
		n = read(fd, part, sizeof(part));
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || buf_add(b, part, (size_t)n) != 0)
			return -1;
		explicit_bzero(part, sizeof(part));
	}
	return -1;
}

static int collect(int fd, pid_t pid, const atomic_int *stop, struct buf *b)
{
	int rc = listen_to(fd, b, stop), status = 0;

	if (rc != 0)
		kill(pid, SIGTERM);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return rc == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0
	                                                                : -1;
}

int secret_from_command(const char *command, const char *user,
                        const atomic_int *stop, char **out, struct err *e)
{
	CLEANUP(free_p) char *line = NULL;
	struct buf b = BUF_INIT(SECRET_MAX);
	int fd[2], rc;
	pid_t pid;

	if (command_line(command, user, &line, e) != 0)
		return -1;
	if (pipe2(fd, O_CLOEXEC) != 0)
		return bad(e, "command", command, "cannot be run.");
	rc = spawn(line, user, fd[1], &pid);
	close(fd[1]);
	if (rc == 0)
		rc = collect(fd[0], pid, stop, &b);
	close(fd[0]);
	*out = rc == 0 ? first_line(&b) : NULL;
	wipe_buf(&b);
	if (rc != 0)
		return bad(e, "command", command,
		           "failed or took too long. Try it by hand: it must "
		           "print the password and end with exit code 0.");
	if (*out == NULL)
		return bad(e, "command", command,
		           "printed nothing: its first line must be the "
		           "password.");
	return 0;
}

bool secret_terminal(void)
{
	int fd = open(TTY, O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* A line from the terminal, with echo off; stops when stop does. */
static int read_line(int tty, const atomic_int *stop, struct buf *b)
{
	struct pollfd p = { .fd = tty, .events = POLLIN };
	char c;

	for (;;) {
		ssize_t n;

		if (stop != NULL && atomic_load(stop))
			return -1;
		if (poll(&p, 1, 200) <= 0)
			continue;
		n = read(tty, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return b->n > 0 ? 0 : -1;
		if (c == '\n' || c == '\r')
			return 0;
		if (buf_chr(b, c) != 0)
			return -1;
	}
}

static int ask(struct vault *v, int tty, const char *prompt, struct buf *b)
{
	struct termios was, now;
	int rc;

	if (tcgetattr(tty, &was) != 0)
		return -1;
	now = was;
	now.c_lflag &= ~(tcflag_t)ECHO;
	now.c_lflag |= ICANON;
	signals_echo_off(tty);
	tcsetattr(tty, TCSAFLUSH, &now);
	(void)!write(tty, prompt, strlen(prompt));
	rc = read_line(tty, v->stop, b);
	(void)!write(tty, "\n", 1);
	tcsetattr(tty, TCSAFLUSH, &was);
	signals_echo_off(-1);
	return rc;
}

int secret_ask(struct vault *v, const char *prompt, char **out, struct err *e)
{
	CLEANUP(close_p) int tty = open(TTY, O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct buf b = BUF_INIT(SECRET_MAX);
	int rc;

	*out = NULL;
	if (tty < 0)
		return 0;
	talk_hold(v->talk);
	rc = ask(v, tty, prompt, &b);
	talk_go_on(v->talk);
	*out = rc == 0 ? first_line(&b) : NULL;
	wipe_buf(&b);
	if (rc != 0 && v->stop != NULL && atomic_load(v->stop))
		return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INTERRUPTED,
		                "Stopped while asking for a password. Nothing "
		                "was changed.");
	return 0;
}

int secret_from_terminal(struct vault *v, const struct account *a, bool again,
                         char **out, struct err *e)
{
	CLEANUP(buf_release_p) struct buf prompt = BUF_INIT(4096);

	if (buf_fmt(&prompt, "%sPassword of %s at %s (%s): ",
	            again ? "That password was not accepted. " : "",
	            a->user != NULL ? a->user : "?",
	            a->host != NULL ? a->host : "?",
	            a->is_from ? "source" : "destination") != 0)
		return err_memory(e);
	return secret_ask(v, prompt.p, out, e);
}
