/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_labels.c - X-Gmail-Labels: every message has a folder, in UTF-8 and
 * without controls, and keywords without controls, none of them like a system
 * flag. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/labels.h"
#include "util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *value = strndup((const char *)data, size);
	struct labels l;

	if (!value)
		return 0;
	if (labels_read(value, &l) == 0) {
		if (!l.folder || !*l.folder || !utf8_valid(l.folder))
			abort();
		for (const char *p = l.folder; *p; p++)
			if ((unsigned char)*p < ' ')
				abort();
		if (l.keywords && !utf8_valid(l.keywords))
			abort();
		for (const char *p = l.keywords ? l.keywords : ""; *p; p++)
			if ((unsigned char)*p < ' ' || *p == 0x7f ||
			    (*p == '\\' && (p == l.keywords || p[-1] == ' ')))
				abort();
	}
	labels_release(&l);
	free(value);
	return 0;
}
