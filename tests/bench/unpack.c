/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack.c - libarchive alone: every entry of an archive read once, and
 * nothing done with it.
 *
 *   unpack ARCHIVE
 */
#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdio.h>

static char room[256 << 10];

int main(int argc, char **argv)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	la_ssize_t n = 0;
	int r;

	setlocale(LC_CTYPE, "C.UTF-8");
	archive_read_support_filter_all(a);
	archive_read_support_format_all(a);
	if (argc != 2 || archive_read_open_filename(a, argv[1], sizeof(room)))
		return 1;
	while ((r = archive_read_next_header(a, &entry)) == ARCHIVE_OK)
		do
			n = archive_read_data(a, room, sizeof(room));
		while (n > 0);
	if (r != ARCHIVE_EOF || n < 0)
		fprintf(stderr, "unpack: %s\n", archive_error_string(a));
	archive_read_free(a);
	return r != ARCHIVE_EOF || n < 0;
}
