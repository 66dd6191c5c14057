/* SPDX-License-Identifier: MIT */
/*
 * What is said about a configuration: mistakes and warnings are collected while it is
 * read, and told in the order of their places when that is done, each with the line it
 * is about. No memory is needed for it, so that its want can be told as well.
 *
 * Keys and values are quoted in it. What would move a terminal's cursor, change its colours or
 * the direction of its text becomes '?', and what stands before the '@' of an address, stars.
 */
#ifndef SRC_CONFIG_REPORT_H
#define SRC_CONFIG_REPORT_H

#include "src/config/config.h"

#include <stdarg.h>
#include <stdint.h>

#define CONFIG_MAX_REPORTS 20 /* of each kind, as the header of the configuration promises */

/* In place of an offset; these come behind all that have a place. */
#define CONFIG_NO_PLACE (SIZE_MAX - 1) /* of the file, but of no line */
#define CONFIG_ELSEWHERE SIZE_MAX /* not of the file: of a flag or a variable, which the text names */

struct config_note {
	size_t at; /* an offset into the text, or one of those */
	bool warning;
	char text[1024];
};

struct config_notes {
	struct config_note all[2 * CONFIG_MAX_REPORTS]; /* by place, and for one place in the order they came */
	size_t n;
	unsigned errors, warnings; /* found, also those that had no room any more */
};

/* Notes one; prefix stands before the formatted text. */
void config__note(struct config_notes *notes, bool warning, size_t at, const char *prefix, const char *fmt, va_list ap)
	__attribute__((format(printf, 5, 0)));

/* Whether a mistake is among them whose place is from `at` on and before `end`. */
bool config__notes_within(const struct config_notes *notes, size_t at, size_t end);

/* Tells all of them. text: the file's, NULL when there is none; name: of the file, or of what was read instead. */
void config__notes_tell(const struct config_notes *notes, const char *name, const struct eio_bytes *text,
	config_report_fn report, void *user);

#endif
