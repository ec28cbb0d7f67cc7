/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash_files.c - what reading costs at least: the files named on stdin, one
 * a line, read once and hashed, on one thread.
 *
 *   hash_files <NAMES
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char room[256 << 10];

static int hash(const char *name, EVP_MD_CTX *c, const EVP_MD *sha256)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	int fd = open(name, O_RDONLY);
	ssize_t n;

	if (fd < 0 || EVP_DigestInit_ex2(c, sha256, NULL) != 1)
		return -1;
	while ((n = read(fd, room, sizeof(room))) > 0)
		if (EVP_DigestUpdate(c, room, (size_t)n) != 1)
			return -1;
	close(fd);
	return n < 0 || EVP_DigestFinal_ex(c, digest, NULL) != 1 ? -1 : 0;
}

int main(void)
{
	EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (!c || !sha256 || hash(line, c, sha256)) {
			perror(line);
			return 1;
		}
	}
	free(line);
	EVP_MD_CTX_free(c);
	EVP_MD_free(sha256);
	return 0;
}
