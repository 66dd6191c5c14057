/* SPDX-License-Identifier: MIT */
/* What workers and the feed hand each other. */
#include "src/feed/stow.h"

#include <stdlib.h>
#include <string.h>

struct feed_stow *
feed_stow_new(struct eio_bytes nsp, struct eio_bytes text)
{
	struct feed_stow *s = calloc(1, sizeof *s + nsp.n + text.n);

	if (!s) return NULL;
	if (nsp.n) memcpy(s->text, nsp.p, nsp.n);
	if (text.n) memcpy(s->text + nsp.n, text.p, text.n);
	s->nsp_n = nsp.n;
	s->n = text.n;
	return s;
}
