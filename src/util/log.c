/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - see log.h. */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct {
	log_fn *fn;
	void *arg;
} sink;

void log_to(log_fn *fn, void *arg)
{
	sink.fn = fn;
	sink.arg = arg;
}

bool log_on(void)
{
	return sink.fn != NULL;
}

void log_msg(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (!sink.fn)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (char *s = line; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
	sink.fn(line, sink.arg);
}
