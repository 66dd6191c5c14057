/* SPDX-License-Identifier: MIT */
/* Names of sessions, and the table of those that are kept. */
#include "src/feed/sessions.h"

#include "eio/check.h"

#include <stdlib.h>
#include <uv.h>

static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
feed_pid_write(char pid[FEED_PID_LEN], unsigned worker, const unsigned char random[SIO_ID_RANDOM])
{
	CHECK(worker < 64);
	sio_id_write(pid, random);
	pid[0] = characters[worker];
}

int
feed_pid_worker(struct eio_bytes pid)
{
	const char *c = pid.n == FEED_PID_LEN && pid.p[0] ? strchr(characters, pid.p[0]) : NULL;

	return c ? (int)(c - characters) : -1;
}

/* Sessions */

struct feed_session *
feed_session_new(size_t n)
{
	size_t size = sizeof(struct feed_session) + n * sizeof(struct history_room);
	struct feed_session *s = malloc(size);

	if (!s) return NULL;
	*s = (struct feed_session){ .bytes = size };
	eio_list_init(&s->link);
	return s;
}

bool
feed_session_add(struct feed_session *s, struct interest_table *t, struct sio_room_key key, uint64_t after)
{
	struct interest *i = interest_keep(t, key);

	if (!i) return false;
	s->bytes += sizeof *i + sio_room_key_size(key); /* it may be the last that knows the room */
	s->rooms[s->n_rooms++] = (struct history_room){ .room = i, .after = after };
	return true;
}

void
feed_session_free(struct feed_session *s)
{
	if (!s) return;
	for (size_t i = 0; i < s->n_rooms; i++) interest_let_go(s->rooms[i].room);
	free(s->joined);
	free(s);
}

/* The table */

int
kept_init(struct kept *k, unsigned ms, size_t max_bytes)
{
	*k = (struct kept){ .ms = ms, .max_bytes = max_bytes };
	eio_list_init(&k->all);
	if (uv_random(NULL, NULL, k->hash_key, sizeof k->hash_key, 0, NULL)) return -1;
	return eio_hash_init(&k->by_pid);
}

static void
remove_session(struct kept *k, struct feed_session *s)
{
	eio_hash_remove(&k->by_pid, &s->node);
	eio_list_remove(&s->link);
	k->bytes -= s->bytes;
}

static struct feed_session *
first_session(const struct kept *k)
{
	return eio_list_empty(&k->all) ? NULL : EIO_CONTAINER(k->all.next, struct feed_session, link);
}

static void
drop_first_session(struct kept *k)
{
	struct feed_session *s = first_session(k);

	remove_session(k, s);
	feed_session_free(s);
}

void
kept_clear(struct kept *k)
{
	while (first_session(k)) drop_first_session(k);
}

void
kept_deinit(struct kept *k)
{
	kept_clear(k);
	eio_hash_deinit(&k->by_pid);
}

static uint64_t
pid_hash(const struct kept *k, struct eio_bytes pid)
{
	return eio_hash_bytes(k->hash_key, pid);
}

void
kept_add(struct kept *k, struct feed_session *s)
{
	eio_hash_add(&k->by_pid, &s->node, pid_hash(k, eio_bytes(s->pid, FEED_PID_LEN)));
	eio_list_add_tail(&k->all, &s->link);
	k->bytes += s->bytes;
	for (; k->bytes > k->max_bytes; k->crowded_out++) drop_first_session(k);
}

static struct feed_session *
find_session(const struct kept *k, struct eio_bytes pid)
{
	for (struct eio_hash_node *n = eio_hash_find(&k->by_pid, pid_hash(k, pid)); n; n = eio_hash_next(n)) {
		struct feed_session *s = EIO_CONTAINER(n, struct feed_session, node);

		if (eio_bytes_eq(eio_bytes(s->pid, FEED_PID_LEN), pid)) return s;
	}
	return NULL;
}

struct feed_session *
kept_take(struct kept *k, struct eio_bytes pid)
{
	struct feed_session *s = find_session(k, pid);

	if (s) remove_session(k, s);
	return s;
}

bool
kept_find(const struct kept *k, struct eio_bytes pid)
{
	return find_session(k, pid) != NULL;
}

void
kept_tick(struct kept *k, uint64_t now_ms)
{
	struct feed_session *s;

	while ((s = first_session(k)) && now_ms - s->ended_ms > k->ms) drop_first_session(k);
}
