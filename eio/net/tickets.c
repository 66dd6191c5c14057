/* SPDX-License-Identifier: MIT */
/* A ring of keys, by the time at which they began. */
#include "eio/net/tickets.h"

#include <string.h>

void
eio__tickets_init(struct eio__tickets *t, eio__tickets_random *random)
{
	*t = (struct eio__tickets){ .random = random };
}

void
eio__tickets_deinit(struct eio__tickets *t)
{
	explicit_bzero(t->v, sizeof t->v);
}

/* Whether a key can still open something. */
static bool
opens(const struct eio__tickets *t, unsigned i, uint64_t now_s)
{
	return t->v[i].on && now_s - t->v[i].since_s < EIO__TICKET_TURN_S + EIO__TICKET_LIFE_S;
}

static bool
seals(const struct eio__tickets *t, unsigned i, uint64_t now_s)
{
	return t->v[i].on && now_s - t->v[i].since_s < EIO__TICKET_TURN_S;
}

/* What no session needs any more must not be there to be found. */
static void
forget_spent(struct eio__tickets *t, uint64_t now_s)
{
	for (unsigned i = 0; i < EIO__TICKET_KEYS; i++)
		if (t->v[i].on && !opens(t, i, now_s)) explicit_bzero(&t->v[i], sizeof t->v[i]);
}

const struct eio__ticket_key *
eio__tickets_seal(struct eio__tickets *t, uint64_t now_s)
{
	unsigned next = (t->newest + 1) % EIO__TICKET_KEYS;
	struct eio__ticket_key fresh;

	forget_spent(t, now_s);
	if (seals(t, t->newest, now_s)) return &t->v[t->newest].key;
	if (!t->random(&fresh, sizeof fresh)) return NULL;
	t->v[next].key = fresh;
	t->v[next].since_s = now_s;
	t->v[next].on = true;
	t->newest = next;
	explicit_bzero(&fresh, sizeof fresh);
	return &t->v[next].key;
}

const struct eio__ticket_key *
eio__tickets_open(struct eio__tickets *t, uint64_t now_s, const unsigned char *name, bool *renew)
{
	forget_spent(t, now_s);
	for (unsigned i = 0; i < EIO__TICKET_KEYS; i++) {
		if (!t->v[i].on || memcmp(t->v[i].key.name, name, EIO__TICKET_NAME) != 0) continue;
		*renew = !seals(t, i, now_s);
		return &t->v[i].key;
	}
	return NULL;
}
