/* SPDX-License-Identifier: MIT */
/* Paces of rooms, and of clients. */
#include "src/clients/pace.h"

#include "src/template/pattern.h"

#include <stdlib.h>
#include <string.h>

struct room_pace {
	char *pattern; /* owned */
	unsigned ms;
};

struct room_paces {
	size_t n;
	struct room_pace v[];
};

/* Rounded up: no more often than that. */
static unsigned
pace_ms(unsigned per_second)
{
	return (1000 + per_second - 1) / per_second;
}

int
room_paces_add(struct room_paces **p, const char *pattern, unsigned per_second)
{
	size_t n = *p ? (*p)->n : 0;
	struct room_paces *grown = realloc(*p, sizeof *grown + (n + 1) * sizeof grown->v[0]);

	if (!grown) return -1;
	*p = grown;
	grown->n = n;
	grown->v[n] = (struct room_pace){ strdup(pattern), pace_ms(per_second) };
	if (!grown->v[n].pattern) return -1;
	grown->n = n + 1;
	return 0;
}

void
room_paces_free(struct room_paces *p)
{
	for (size_t i = 0; p && i < p->n; i++) free(p->v[i].pattern);
	free(p);
}

unsigned
room_paces_find(const struct room_paces *p, struct eio_bytes room)
{
	struct template_captures unused;

	for (size_t i = 0; p && i < p->n; i++)
		if (template_match(eio_cstr(p->v[i].pattern), room, &unused)) return p->v[i].ms;
	return 0;
}

void
pace_choose(struct client *c, unsigned per_second)
{
	eio_socket_pace(c->eio, per_second ? pace_ms(per_second) : 0);
}
