/* SPDX-License-Identifier: MIT */
/* Reads a configuration out of a text, and notes what is said about it. */
#include "tests/unit/config/reading.h"

char errors[16384], warnings[16384], excerpts[16384];

unsigned n_errors;

static void
note_text(char *all, const char *text)
{
	size_t n = strlen(all);

	snprintf(all + n, sizeof errors - n, "%s\n", text);
}

void
on_report(void *user, const struct config_report *r)
{
	assert_ptr_equal(user, errors);
	note_text(r->warning ? warnings : errors, r->text);
	assert_int_equal(!r->line, !r->caret);
	if (r->line) note_text(excerpts, r->line);
	if (r->line) note_text(excerpts, r->caret);
	n_errors += !r->warning;
}

struct config *
load_with(const char *text, const struct config_flags *flags)
{
	*errors = *warnings = *excerpts = '\0';
	n_errors = 0;
	return config_load_text("t.conf", eio_cstr(text), flags, on_report, errors);
}

struct eio_server_options server;

struct clients_options clients;

struct feed_options feed;

void
fill(const struct config *c)
{
	config_fill_server(c, &server);
	config_fill_clients(c, &clients);
	config_fill_feed(c, &feed);
}

struct config *
load(const char *text)
{
	struct config *c = load_with(text, NULL);

	if (!c) fail_msg("unexpected: %s", errors);
	fill(c);
	return c;
}
