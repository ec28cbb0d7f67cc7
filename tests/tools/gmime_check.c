/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gmime_check.c - what GMime's parser warns of in messages, for tests.
 *
 *   gmime_check [FILE...]
 *
 * A line for each warning: FILE, the octet, its name, what it is about. All
 * contents are decoded, too. Exit 1 with a warning, 2 if a file can't be read
 * or is no message.
 */
#include <gmime/gmime.h>
#include <stdio.h>

struct check {
	const char *file;
	int warnings;
};

static const char *name_of(guint code)
{
	switch ((int)code) {
	case GMIME_WARN_DUPLICATED_HEADER:
		return "duplicated header";
	case GMIME_WARN_DUPLICATED_PARAMETER:
		return "duplicated parameter";
	case GMIME_WARN_UNENCODED_8BIT_HEADER:
		return "8-bit header";
	case GMIME_WARN_INVALID_CONTENT_TYPE:
		return "invalid content type";
	case GMIME_WARN_INVALID_RFC2047_HEADER_VALUE:
		return "invalid encoded word";
	case GMIME_WARN_MALFORMED_MULTIPART:
		return "malformed multipart";
	case GMIME_WARN_TRUNCATED_MESSAGE:
		return "truncated";
	case GMIME_WARN_MALFORMED_MESSAGE:
		return "malformed";
	case GMIME_WARN_INVALID_PARAMETER:
		return "invalid parameter";
	case GMIME_WARN_INVALID_ADDRESS_LIST:
		return "invalid address list";
	case GMIME_WARN_PART_WITHOUT_CONTENT:
		return "part without content";
	default:
		return "error";
	}
}

static void warn(gint64 offset, GMimeParserWarning code, const gchar *item,
                 gpointer arg)
{
	struct check *c = (struct check *)arg;

	c->warnings++;
	printf("%s:%lld: %s: %.100s\n", c->file, (long long)offset,
	       name_of(code), item ? item : "");
}

static void decode(GMimeObject *parent, GMimeObject *part, gpointer arg)
{
	GMimeDataWrapper *content;
	GMimeStream *null;

	(void)parent;
	(void)arg;
	if (!GMIME_IS_PART(part))
		return;
	content = g_mime_part_get_content(GMIME_PART(part));
	null = g_mime_stream_null_new();
	if (content)
		g_mime_data_wrapper_write_to_stream(content, null);
	g_object_unref(null);
}

static int check(const char *file, GMimeParserOptions *options)
{
	struct check c = { .file = file };
	GMimeStream *in = g_mime_stream_file_open(file, "r", NULL);
	GMimeParser *parser;
	GMimeMessage *m;

	if (!in)
		return 2;
	g_mime_parser_options_set_warning_callback(options, warn, &c);
	parser = g_mime_parser_new_with_stream(in);
	m = g_mime_parser_construct_message(parser, options);
	if (m) {
		g_mime_message_foreach(m, decode, &c);
		g_object_unref(m);
	}
	g_object_unref(parser);
	g_object_unref(in);
	return m ? c.warnings > 0 : 2;
}

int main(int argc, char **argv)
{
	GMimeParserOptions *options;
	int worst = 0;

	g_mime_init();
	options = g_mime_parser_options_new();
	for (int i = 1; i < argc; i++) {
		int got = check(argv[i], options);

		worst = got > worst ? got : worst;
	}
	g_mime_parser_options_free(options);
	g_mime_shutdown();
	return worst;
}
