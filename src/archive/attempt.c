/* SPDX-License-Identifier: Apache-2.0 */
/* attempt.c - see attempt.h. */
#include "archive/attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define REFUSED 0
#define DONE 3
#define UNKNOWN 4
#define LACKING 5
#define ROOT 3

static bool try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

/* The port is nobody's: a network that is open refuses the connection. */
static bool try_connect(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_port = htons(1),
		                 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 ||
	                   errno == ECONNREFUSED);
}

static bool try_open(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool try_above(void)
{
	return openat(ROOT, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0;
}

static bool try_write(void)
{
	return openat(ROOT, "made-by-the-child", O_WRONLY | O_CREAT | O_CLOEXEC,
	              0600) >= 0;
}

/* Is allowed with a directory as root: the other way round. */
static bool try_beneath(void)
{
	return openat(ROOT, "beneath", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool try_exec(void)
{
	char *const none[] = { NULL };

	execve("/bin/true", none, none);
	return errno == ENOENT;
}

static bool try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, 0, 0) == 0;
}

static bool try_kill(void)
{
	return kill(getppid(), 0) == 0;
}

/* The kernel would send it once something comes in. */
static bool try_signal(void)
{
	return fcntl(ROOT, F_SETOWN, getppid()) == 0;
}

static bool try_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool try_memory(void)
{
	size_t most = (size_t)4 << 30;

	return mmap(NULL, most, PROT_READ | PROT_WRITE,
	            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
	            0) != MAP_FAILED;
}

static const struct {
	const char *name;
	bool (*try)(void);
} things[] = {
	{ "socket", try_socket }, { "connect", try_connect },
	{ "open", try_open },     { "above", try_above },
	{ "write", try_write },   { "beneath", try_beneath },
	{ "fork", try_fork },     { "exec", try_exec },
	{ "ptrace", try_ptrace }, { "kill", try_kill },
	{ "code", try_code },     { "memory", try_memory },
	{ "signal", try_signal },
};

static bool is_alone(int argc, char **argv, const char *part)
{
	return argc > 1 && strcmp(argv[1], part) == 0;
}

void attempt_parse(struct sandbox *b, int argc, char **argv)
{
	b->no_seccomp = is_alone(argc, argv, "landlock");
	b->no_landlock = is_alone(argc, argv, "seccomp");
}

/* What is not refused under a sanitizer. */
static bool is_left_out(const struct sandbox *b, const char *what)
{
	return SANDBOX_LOOSE &&
	       (strcmp(what, "code") == 0 || strcmp(what, "memory") == 0 ||
	        strcmp(what, "signal") == 0 ||
	        (b->no_landlock && strcmp(what, "write") == 0));
}

int attempt(const struct sandbox *b, const char *what)
{
	if (is_left_out(b, what))
		return LACKING;
	if ((b->no_seccomp && !b->landlock) || (b->no_landlock && !b->seccomp))
		return LACKING;
	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++)
		if (strcmp(things[i].name, what) == 0)
			return things[i].try() ? DONE : REFUSED;
	return UNKNOWN;
}
