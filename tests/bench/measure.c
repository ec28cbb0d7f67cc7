/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one command and writes what it cost as JSON: wall time, processor
 * time and peak memory of it and the children it waited for.
 *
 *	measure RESULT.json COMMAND [ARGUMENT...]
 *
 * A small program of its own, because the peak memory that the kernel reports
 * counts the process that called exec too, and an interpreter is a large one.
 * SIGTERM is passed on. Exits as the command did.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile pid_t child;

static void pass_on(int sig)
{
	if (child > 0)
		kill(child, sig);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int write_result(const char *path, double wall, const struct rusage *u,
                        int code)
{
	FILE *f = fopen(path, "w");

	if (f == NULL) {
		fprintf(stderr, "measure: %s: %s\n", path, strerror(errno));
		return -1;
	}
	fprintf(f,
	        "{\"wall\":%.6f,\"user\":%.6f,\"sys\":%.6f,"
	        "\"rss_kib\":%ld,\"exit\":%d}\n",
	        wall, seconds(u->ru_utime), seconds(u->ru_stime), u->ru_maxrss,
	        code);
	return fclose(f);
}

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	int code;
	double start;

	if (argc < 3) {
		fprintf(stderr, "usage: measure RESULT.json COMMAND...\n");
		return 64;
	}
	start = now();
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	signal(SIGTERM, pass_on);
	while (wait4(child, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return 70;
	code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (write_result(argv[1], now() - start, &usage, code) != 0)
		return 73;
	return code;
}
