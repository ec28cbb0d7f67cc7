/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.h - the sandboxed process that parses archives: mailhaul itself,
 * started again by src/reader/archive.c with nothing but a pipe, a socket and
 * the archive.
 */
#ifndef MAILHAUL_ARCHIVE_CHILD_H
#define MAILHAUL_ARCHIVE_CHILD_H

#define ARCHIVE_CHILD "archive-child" /* argv[1], not a command for people */

/* The whole life of the child; gives back its exit status. */
int archive_child(int argc, char **argv);

#endif
