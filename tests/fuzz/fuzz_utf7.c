/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_utf7.c - whatever decodes is UTF-8 and encodes to the same octets;
 * whatever encodes decodes to the same text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/utf7.h"
#include "util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(char *made, const char *input)
{
	if (!made || strcmp(made, input))
		abort();
	free(made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *input = malloc(size + 1);

	if (!input)
		return 0;
	if (size)
		memcpy(input, data, size);
	input[size] = '\0';
	char *text = utf7_to_utf8(input);
	if (text) {
		if (!utf8_valid(text))
			abort();
		same(utf8_to_utf7(text), input);
	}
	char *raw = utf8_to_utf7(input);
	if (raw)
		same(utf7_to_utf8(raw), input);
	free(text);
	free(raw);
	free(input);
	return 0;
}
