/* SPDX-License-Identifier: MIT */
/* What all commands need. */
#include "src/resp/command.h"

#include <strings.h>

bool
resp_word_is(struct eio_bytes word, const char *name)
{
	return word.n == strlen(name) && (word.n == 0 || strncasecmp(word.p, name, word.n) == 0);
}

const struct resp_command *
resp_command_find(const struct resp_commands *all, struct eio_bytes name)
{
	for (size_t i = 0; i < all->n; i++)
		if (resp_word_is(name, all->v[i].name)) return &all->v[i];
	return NULL;
}

void
resp_text_set(struct resp_text *t, struct eio_bytes from)
{
	t->n = from.n < sizeof t->p ? from.n : sizeof t->p;
	if (t->n) memcpy(t->p, from.p, t->n);
}

bool
resp_text_is_plain(struct eio_bytes s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '!' || s.p[i] > '~') return false;
	return true;
}
