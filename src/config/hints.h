/* SPDX-License-Identifier: MIT */
/* What would be right in the place of what is wrong. Pure functions. */
#ifndef SRC_CONFIG_HINTS_H
#define SRC_CONFIG_HINTS_H

#include <stdbool.h>
#include <stddef.h>

/* How many letters must be changed, added, removed or swapped with their neighbour; upper and lower case are one. Names
 * above 60 letters are never near each other. */
unsigned config__distance(const char *a, const char *b);

/* What a user who wrote text, "200ms" or "1 MB", meant as the number of a key, whose name tells the unit: *out, with
 * "; write 200". Empty when it cannot be told. */
void config__number_hint(const char *key, const char *text, char *out, size_t size);

/* The boolean that text means: 1 for "true", "yes" or "on", 0 for their opposites, -1 for neither. */
int config__boolean_of(const char *text);

/* Whether text reads like a value without quotes: a boolean as above, null or none. */
bool config__looks_unquoted(const char *text);

#endif
