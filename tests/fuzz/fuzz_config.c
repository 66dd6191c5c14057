/* SPDX-License-Identifier: MIT */
/* Any text as a configuration file. It is taken, or there is a complaint about it; never both, never neither. */
#include "src/config/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_error(void *user, const char *text)
{
	unsigned *errors = user;

	/* One line, and nothing that a terminal obeys, whatever the text quotes. */
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) abort();
		if (p[0] == '\xc2' && (unsigned char)p[1] >= 0x80 && (unsigned char)p[1] < 0xa0) abort();
	}
	/* What is said of a text that cJSON does not take although the walk over it found nothing wrong. */
	if (strcmp(text, "fuzz: out of memory") == 0) abort();
	++*errors;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct config_flags flags = { .file = NULL };
	char *copy = malloc(size ? size : 1);
	struct config *c;
	unsigned errors = 0;

	if (!copy) return 0;
	if (size) memcpy(copy, data, size);
	c = config_load_text("fuzz", eio_bytes(copy, size), &flags, on_error, &errors);
	free(copy);
	if ((c != NULL) != (errors == 0) || errors > 21) abort();
	if (c && (c->workers == 0 || c->path[0] != '/' || c->n_redis == 0)) abort();
	config_free(c);
	return 0;
}
