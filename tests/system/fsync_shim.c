/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsync_shim.c - LD_PRELOAD: records in which order a program writes,
 * syncs, renames and sends, because kill -9 keeps the page cache and so
 * can't show a missing fsync. It can also play a full disk.
 *
 * SHIM_LOG=FILE: records of one line "KIND fd length path\n" and length
 * octets. KIND: W write to a file, S sync, R rename (octets: the new
 * name), N octets to a socket.
 * SHIM_FULL=PART and SHIM_FULL_AFTER=N: files whose path holds PART take N
 * octets in all, then ENOSPC.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static const char *full_part;
static long long full_left;
static ssize_t (*real_write)(int, const void *, size_t);

#define REAL(name)                     \
	static __typeof__(name) *real; \
	if (real == NULL)              \
	*(void **)&real = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("SHIM_LOG");
	const char *after = getenv("SHIM_FULL_AFTER");

	*(void **)&real_write = dlsym(RTLD_NEXT, "write");
	if (path != NULL)
		log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		              0600);
	full_part = getenv("SHIM_FULL");
	full_left = after != NULL ? strtoll(after, NULL, 10) : 0;
}

static void path_of(int fd, char *out, size_t size)
{
	char name[64];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, out, size - 1);
	out[n < 0 ? 0 : n] = '\0';
}

static int is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void record(char kind, int fd, const void *p, size_t n, const char *path)
{
	char head[4400], found[4200];

	if (log_fd < 0)
		return;
	if (path == NULL) {
		path_of(fd, found, sizeof(found));
		path = found;
	}
	snprintf(head, sizeof(head), "%c %d %zu %s\n", kind, fd, n, path);
	pthread_mutex_lock(&lock);
	if (real_write(log_fd, head, strlen(head)) < 0 ||
	    (n > 0 && real_write(log_fd, p, n) < 0))
		_exit(99);
	pthread_mutex_unlock(&lock);
}

/* True if the disk of fd has no room for n octets more. */
static int is_full(int fd, size_t n)
{
	char path[4200];
	int full;

	if (full_part == NULL || is_socket(fd))
		return 0;
	path_of(fd, path, sizeof(path));
	if (strstr(path, full_part) == NULL)
		return 0;
	pthread_mutex_lock(&lock);
	full = (long long)n > full_left;
	if (!full)
		full_left -= (long long)n;
	pthread_mutex_unlock(&lock);
	if (full)
		errno = ENOSPC;
	return full;
}

static void wrote(int fd, const void *p, ssize_t n)
{
	int saved = errno;

	if (n > 0)
		record(is_socket(fd) ? 'N' : 'W', fd, p, (size_t)n, NULL);
	errno = saved;
}

ssize_t write(int fd, const void *p, size_t n)
{
	if (is_full(fd, n))
		return -1;
	ssize_t done = real_write(fd, p, n);
	wrote(fd, p, done);
	return done;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	REAL(pwrite);
	if (is_full(fd, n))
		return -1;
	ssize_t done = real(fd, p, n, at);
	wrote(fd, p, done);
	return done;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	REAL(pwrite64);
	if (is_full(fd, n))
		return -1;
	ssize_t done = real(fd, p, n, at);
	wrote(fd, p, done);
	return done;
}

/* Before it leaves: the server may have it before the call returns. */
ssize_t send(int fd, const void *p, size_t n, int flags)
{
	REAL(send);
	record('N', fd, p, n, NULL);
	return real(fd, p, n, flags);
}

ssize_t sendto(int fd, const void *p, size_t n, int flags,
               const struct sockaddr *to, socklen_t len)
{
	REAL(sendto);
	record('N', fd, p, n, NULL);
	return real(fd, p, n, flags, to, len);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	REAL(sendmsg);
	for (size_t i = 0; i < m->msg_iovlen; i++)
		record('N', fd, m->msg_iov[i].iov_base, m->msg_iov[i].iov_len,
		       NULL);
	return real(fd, m, flags);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	REAL(writev);
	for (int i = 0; i < n; i++)
		record(is_socket(fd) ? 'N' : 'W', fd, v[i].iov_base,
		       v[i].iov_len, NULL);
	return real(fd, v, n);
}

int fsync(int fd)
{
	REAL(fsync);
	int r = real(fd);
	record('S', fd, NULL, 0, NULL);
	return r;
}

int fdatasync(int fd)
{
	REAL(fdatasync);
	int r = real(fd);
	record('S', fd, NULL, 0, NULL);
	return r;
}

int rename(const char *from, const char *to)
{
	REAL(rename);
	record('R', -1, to, strlen(to), from);
	return real(from, to);
}

int renameat(int dir, const char *from, int to_dir, const char *to)
{
	REAL(renameat);
	record('R', -1, to, strlen(to), from);
	return real(dir, from, to_dir, to);
}

int renameat2(int dir, const char *from, int to_dir, const char *to,
              unsigned flags)
{
	REAL(renameat2);
	record('R', -1, to, strlen(to), from);
	return real(dir, from, to_dir, to, flags);
}

int link(const char *from, const char *to)
{
	REAL(link);
	record('R', -1, to, strlen(to), from);
	return real(from, to);
}

int linkat(int dir, const char *from, int to_dir, const char *to, int flags)
{
	REAL(linkat);
	record('R', -1, to, strlen(to), from);
	return real(dir, from, to_dir, to, flags);
}
