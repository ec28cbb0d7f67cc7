/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - shuts this process in: no network, no file but those beneath
 * the root, no other process, bounded memory. Each part that the kernel
 * (or the build) lacks is left out, and told.
 *
 *   Landlock   no file may be opened but beneath the root's directory, none
 *              at all if the root is a file; no TCP, no signals and no
 *              abstract sockets where the kernel's version has these
 *   seccomp    the system calls that parsing needs and no others; pwrite to
 *              the file of its own (spool.h) and to no other
 *   rlimits    memory, descriptors; no core is written, and no file grows
 *              where there is none of its own
 *
 * Built with a sanitizer there is no limit of memory, and seccomp only
 * refuses what is dangerous: the sanitizer needs calls of its own.
 */
#ifndef MAILHAUL_ARCHIVE_SANDBOX_H
#define MAILHAUL_ARCHIVE_SANDBOX_H

#include <stdbool.h>

struct sandbox {
	int root;         /* descriptor of the archive */
	bool folder;      /* it is a directory */
	bool no_landlock; /* tests see what each part does alone */
	bool no_seccomp;
	/* Out. */
	unsigned landlock; /* version of its ABI, 0: the kernel has none */
	bool seccomp;
};

/* -1: a part that is there could not be put up. */
int sandbox_shut(struct sandbox *b);

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_LOOSE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_LOOSE 1
#endif
#endif
#ifndef SANDBOX_LOOSE
#define SANDBOX_LOOSE 0
#endif

#endif
