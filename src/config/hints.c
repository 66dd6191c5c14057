/* SPDX-License-Identifier: MIT */
/* Guessing what was meant. */
#include "src/config/hints.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned
config__distance(const char *a, const char *b)
{
	enum { LONGEST = 60 };
	unsigned d[LONGEST + 1][LONGEST + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > LONGEST || m > LONGEST) return (unsigned)(n > m ? n : m); /* it is no more than that */
	for (size_t i = 0; i <= n; i++) d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= m; j++) d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);

			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + !same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[n][m];
}

enum unit_kind { UNIT_NONE, UNIT_TIME, UNIT_BYTES };

/* In milliseconds, or in bytes. */
static const struct {
	const char *name;
	enum unit_kind kind;
	double factor;
} units[] = {
	{ "", UNIT_NONE, 1 },
	{ "ms", UNIT_TIME, 1 },
	{ "s", UNIT_TIME, 1000 },
	{ "sec", UNIT_TIME, 1000 },
	{ "seconds", UNIT_TIME, 1000 },
	{ "m", UNIT_TIME, 60000 },
	{ "min", UNIT_TIME, 60000 },
	{ "h", UNIT_TIME, 3600000 },
	{ "b", UNIT_BYTES, 1 },
	{ "k", UNIT_BYTES, 1024 },
	{ "kb", UNIT_BYTES, 1024 },
	{ "kib", UNIT_BYTES, 1024 },
	{ "m", UNIT_BYTES, 1048576 },
	{ "mb", UNIT_BYTES, 1048576 },
	{ "mib", UNIT_BYTES, 1048576 },
	{ "g", UNIT_BYTES, 1073741824 },
	{ "gb", UNIT_BYTES, 1073741824 },
	{ "gib", UNIT_BYTES, 1073741824 },
};

static bool
key_ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcasecmp(s + n - m, end) == 0;
}

/* What a key counts, and *per: how much of the table's unit one of it is. */
static enum unit_kind
kind_of_key(const char *key, double *per)
{
	*per = 1;
	if (key_ends_in(key, "interval") || key_ends_in(key, "timeout")) return UNIT_TIME;
	if (key_ends_in(key, "bytes") || key_ends_in(key, "size") || key_ends_in(key, "threshold")) return UNIT_BYTES;
	*per = 1000;
	if (key_ends_in(key, "seconds") || key_ends_in(key, "age")) return UNIT_TIME;
	*per = 1;
	return UNIT_NONE;
}

void
config__number_hint(const char *key, const char *text, char *out, size_t size)
{
	double per, number;
	enum unit_kind kind = kind_of_key(key, &per);
	char *unit;

	*out = '\0';
	if (!isdigit((unsigned char)*text)) return;
	number = strtod(text, &unit);
	while (*unit == ' ') unit++;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		double value = number * (units[i].kind == UNIT_NONE ? 1 : units[i].factor / per);

		if (strcasecmp(unit, units[i].name) != 0) continue;
		if (units[i].kind != UNIT_NONE && units[i].kind != kind) continue;
		if (value != floor(value) || value >= 1e15) return;
		snprintf(out, size, "; write %.0f", value);
		return;
	}
}

int
config__boolean_of(const char *text)
{
	static const char *const words[][2] = { { "false", "true" }, { "no", "yes" }, { "off", "on" }, { "0", "1" } };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		for (int k = 0; k < 2; k++)
			if (strcasecmp(text, words[i][k]) == 0) return k;
	return -1;
}

bool
config__looks_unquoted(const char *text)
{
	return (config__boolean_of(text) >= 0 && isalpha((unsigned char)*text)) || strcasecmp(text, "null") == 0 ||
	       strcasecmp(text, "none") == 0;
}
