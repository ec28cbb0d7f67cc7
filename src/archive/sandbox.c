/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.c - see sandbox.h. */
#include "archive/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef MAILHAUL_SECCOMP
#include <seccomp.h>
#endif

#include "archive/spool.h"
#include "util/buf.h"

/* Dictionaries of packed archives are the largest thing in it. */
#define MEMORY_MOST (UINT64_C(768) << 20)
#define FILES_MOST 96

/* --- rlimits ------------------------------------------------------------- */

static int limit(int what, rlim_t most)
{
	struct rlimit now;

	if (getrlimit(what, &now))
		return -1;
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most)
		most = now.rlim_max;
	return setrlimit(what, &(struct rlimit){ most, most });
}

static int limits(void)
{
	if (limit(RLIMIT_CORE, 0) ||
	    (!spool_there() && limit(RLIMIT_FSIZE, 0)) ||
	    limit(RLIMIT_NOFILE, FILES_MOST) || limit(RLIMIT_NPROC, 0))
		return -1;
	return SANDBOX_LOOSE ? 0 : limit(RLIMIT_AS, MEMORY_MOST);
}

/* --- Landlock ------------------------------------------------------------ */

/*
 * The kernel's interface (Documentation/userspace-api/landlock.rst), in our
 * own words: headers are often older than the kernel that runs.
 */
struct ruleset {
	uint64_t fs, net, scoped;
};
struct beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));
#define NR_CREATE_RULESET 444
#define NR_ADD_RULE 445
#define NR_RESTRICT_SELF 446
#define ASK_VERSION 1u
#define RULE_PATH_BENEATH 1
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)

/* All rights that version abi of the interface can take away. */
static struct ruleset everything(unsigned abi, size_t *size)
{
	unsigned fs = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
	struct ruleset r = { .fs = (UINT64_C(1) << fs) - 1 };

	*size = sizeof(r.fs);
	if (abi >= 4) { /* bind and connect of TCP */
		r.net = 3;
		*size += sizeof(r.net);
	}
	if (abi >= 6) { /* abstract sockets, signals */
		r.scoped = 3;
		*size += sizeof(r.scoped);
	}
	return r;
}

static int landlock(struct sandbox *b)
{
	long abi = syscall(NR_CREATE_RULESET, NULL, 0, ASK_VERSION);
	struct beneath rule = { FS_READ_FILE | FS_READ_DIR, b->root };
	int set CLEANUP(close_p) = -1;
	struct ruleset r;
	size_t size;

	if (abi <= 0)
		return 0;
	r = everything((unsigned)abi, &size);
	set = (int)syscall(NR_CREATE_RULESET, &r, size, 0);
	if (set < 0)
		return -1;
	if (b->folder && syscall(NR_ADD_RULE, set, RULE_PATH_BENEATH, &rule, 0))
		return -1;
	if (syscall(NR_RESTRICT_SELF, set, 0))
		return -1;
	b->landlock = (unsigned)abi;
	return 0;
}

/* --- seccomp ------------------------------------------------------------- */

#ifdef MAILHAUL_SECCOMP

#define CALL(name) SCMP_SYS(name)
#define REFUSED SCMP_ACT_ERRNO(EACCES)

static int add(scmp_filter_ctx c, uint32_t action, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = seccomp_rule_add(c, action, calls[i], 0);

		/* What this processor doesn't have can't be called. */
		if (r && r != -EDOM)
			return -1;
	}
	return 0;
}
#define ADD(c, action, ...)                              \
	add((c), (action), (const int[]){ __VA_ARGS__ }, \
	    sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

/* Memory may be had, but none that can be run. */
static int no_new_code(scmp_filter_ctx c, int call)
{
	return seccomp_rule_add(c, SCMP_ACT_ALLOW, call, 1,
	                        SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* A descriptor can be told to send signals: to this process only. */
static int about_descriptors(scmp_filter_ctx c, int call)
{
	static const int harmless[] = { F_GETFD, F_SETFD, F_GETFL,
		                        F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC };
	const scmp_datum_t self = (scmp_datum_t)getpid();
	int r = seccomp_rule_add(c, SCMP_ACT_ALLOW, call, 2,
	                         SCMP_A1(SCMP_CMP_EQ, F_SETOWN),
	                         SCMP_A2(SCMP_CMP_MASKED_EQ, UINT32_MAX, self));

	for (size_t i = 0; !r && i < sizeof(harmless) / sizeof(int); i++)
		r = seccomp_rule_add(
		        c, SCMP_ACT_ALLOW, call, 1,
		        SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)harmless[i]));
	return r && r != -EDOM ? -1 : 0;
}

/* The one file that may be written. */
static int own_file(scmp_filter_ctx c, int call)
{
	return seccomp_rule_add(c, SCMP_ACT_ALLOW, call, 1,
	                        SCMP_A0(SCMP_CMP_EQ, SPOOL_FD));
}

/* To open is refused, and no reason to die, where a library looks for a
 * file of its own: the table of a character set. */
static int opening(scmp_filter_ctx c, const struct sandbox *b)
{
	const scmp_datum_t changing = O_ACCMODE | O_CREAT | O_TRUNC;

	if (!b->folder)
		return ADD(c, REFUSED, CALL(open), CALL(openat), CALL(openat2));
	if (seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(openat), 1,
	                     SCMP_A2(SCMP_CMP_MASKED_EQ, changing, 0)))
		return -1;
	return ADD(c, REFUSED, CALL(open), CALL(openat2));
}

static int what_is_needed(scmp_filter_ctx c)
{
	if (ADD(c, SCMP_ACT_ALLOW, CALL(read), CALL(readv), CALL(pread64),
	        CALL(write), CALL(writev), CALL(lseek), CALL(_llseek),
	        CALL(close), CALL(dup), CALL(fstat), CALL(fstat64),
	        CALL(newfstatat), CALL(fstatat64), CALL(statx),
	        CALL(getdents64), CALL(fadvise64), CALL(readahead)) ||
	    ADD(c, SCMP_ACT_ALLOW, CALL(brk), CALL(munmap), CALL(mremap),
	        CALL(madvise), CALL(futex), CALL(exit), CALL(exit_group),
	        CALL(rt_sigreturn), CALL(rt_sigprocmask), CALL(rt_sigaction),
	        CALL(restart_syscall), CALL(getpid), CALL(gettid),
	        CALL(clock_gettime), CALL(clock_gettime64), CALL(gettimeofday),
	        CALL(time), CALL(getrandom), CALL(sysinfo), CALL(sched_yield),
	        CALL(sched_getaffinity)) ||
	    no_new_code(c, CALL(mmap)) || no_new_code(c, CALL(mprotect)) ||
	    about_descriptors(c, CALL(fcntl)) ||
	    about_descriptors(c, CALL(fcntl64)) ||
	    own_file(c, CALL(pwrite64)) || own_file(c, CALL(ftruncate)))
		return -1;
	/* abort() tells its own thread, and nobody else. */
	return seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(tgkill), 1,
	                        SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
}

/* Asked for by libraries that can do without. */
static int what_may_be_asked(scmp_filter_ctx c)
{
	return ADD(c, REFUSED, CALL(access), CALL(faccessat), CALL(faccessat2),
	           CALL(readlink), CALL(readlinkat), CALL(stat), CALL(lstat),
	           CALL(pipe), CALL(pipe2), CALL(ioctl), CALL(prlimit64),
	           CALL(uname), CALL(getcwd), CALL(unlink), CALL(unlinkat));
}

/* Under a sanitizer: what would let octets out or another program in. */
static int what_is_dangerous(scmp_filter_ctx c)
{
	return ADD(c, REFUSED, CALL(socket), CALL(socketpair), CALL(connect),
	           CALL(bind), CALL(sendto), CALL(sendmsg), CALL(sendmmsg),
	           CALL(execve), CALL(execveat), CALL(fork), CALL(vfork),
	           CALL(clone), CALL(clone3), CALL(ptrace), CALL(kill),
	           CALL(tkill), CALL(process_vm_readv), CALL(process_vm_writev),
	           CALL(io_uring_setup), CALL(bpf), CALL(mount), CALL(unshare),
	           CALL(setns), CALL(keyctl));
}

static int fill(scmp_filter_ctx c, const struct sandbox *b)
{
	if (SANDBOX_LOOSE)
		return what_is_dangerous(c) || (!b->folder && opening(c, b));
	return opening(c, b) || what_is_needed(c) || what_may_be_asked(c);
}

static int seccomp(struct sandbox *b)
{
	scmp_filter_ctx c = seccomp_init(SANDBOX_LOOSE ? SCMP_ACT_ALLOW
	                                               : SCMP_ACT_KILL_PROCESS);
	int r;

	if (!c)
		return -1;
	r = fill(c, b) ? -1 : seccomp_load(c);
	seccomp_release(c);
	/* A kernel without it says so. */
	if (r == -EINVAL || r == -ENOSYS)
		return 0;
	b->seccomp = r == 0;
	return r ? -1 : 0;
}

#else

static int seccomp(struct sandbox *b)
{
	(void)b;
	return 0;
}

#endif

int sandbox_shut(struct sandbox *b)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || limits())
		return -1;
	if (!b->no_landlock && landlock(b))
		return -1;
	return b->no_seccomp ? 0 : seccomp(b);
}
