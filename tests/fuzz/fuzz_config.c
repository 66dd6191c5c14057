/* SPDX-License-Identifier: MIT */
/* Any text as a configuration file. It is taken, or there is a complaint about it; never both, never neither. */
#include "eio/utf8.h"
#include "src/config/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What can be shown on a terminal: no controls, be they of one byte or, in UTF-8, of two. */
static void
check_shown(const char *text)
{
	struct eio_bytes rest = eio_cstr(text);
	uint32_t cp;
	size_t n;

	for (; rest.n; rest = eio_bytes(rest.p + n, rest.n - n)) {
		n = eio_utf8_next(rest, &cp);
		if (n == 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0)) abort();
	}
}

static void
on_report(void *user, const struct config_report *r)
{
	unsigned *errors = user;

	check_shown(r->text);
	if (!r->line != !r->caret) abort();
	if (r->line) {
		check_shown(r->line);
		check_shown(r->caret);
		if (strlen(r->caret) > strlen(r->line) + 1) abort();
	}
	/* What is said of a text that cJSON does not take although the walk over it found nothing wrong. */
	if (strcmp(r->text, "fuzz: out of memory") == 0) abort();
	if (!r->warning) ++*errors;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *const environment[] = { (char *)"NAME=value\x1b", (char *)"SIOCAST_ENGINE_COOKIE_NAME=c", NULL };
	static const struct config_flags flags = { .environment = environment };
	char *copy = malloc(size ? size : 1);
	struct config *c;
	unsigned errors = 0;

	if (!copy) return 0;
	if (size) memcpy(copy, data, size);
	c = config_load_text("fuzz", eio_bytes(copy, size), &flags, on_report, &errors);
	free(copy);
	if ((c != NULL) != (errors == 0) || errors > 21) abort();
	if (c && (c->workers == 0 || c->path[0] != '/' || c->n_redis == 0)) abort();
	config_free(c);
	return 0;
}
