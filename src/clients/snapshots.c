/* SPDX-License-Identifier: MIT */
/* Rooms that are awaited, and the questions about them. */
#include "src/clients/snapshots.h"

#include "src/clients/clients_int.h"
#include "src/clients/recovery.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROOMS_ASKED = 16, /* in one question */
	PAUSE_MS = 100, /* until it is looked again whether a client has read */
};

struct question {
	struct feed_ask ask;
	struct awaiting *by; /* NULL: the socket has gone */
	struct eio_bytes names[]; /* rooms, those it has, the namespace and the id; and their bytes */
};

/* The rooms that one socket awaits. */
struct awaiting {
	struct sio_socket *socket;
	struct sio_room **rooms; /* owned: in the order they were joined; it is a member of each */
	size_t n, cap;
	struct question *asked; /* a reference; NULL: none is on its way */
	size_t n_asked; /* so many of the rooms stand in it */
	bool stale; /* a room was left since it was asked */
	bool paused;
	struct eio_timer pause;
};

static struct client *
client_of_awaiting(const struct awaiting *w)
{
	return client_of(w->socket);
}

static void
count_awaiting(struct sio_room *room, intptr_t more)
{
	room->user = (void *)((intptr_t)room->user + more);
}

static void
free_awaiting(struct awaiting *w)
{
	client_socket_of(w->socket)->awaiting = NULL;
	recovery_touch(w->socket);
	eio_clock_set(client_of_awaiting(w)->clients->options.clock, &w->pause, UINT64_MAX);
	free(w->rooms);
	free(w);
}

/* Questions */

static void
free_question_asked(struct feed_ask *a)
{
	free(EIO_CONTAINER(a, struct question, ask));
}

static bool
is_awaited(const struct awaiting *w, const struct sio_room *room)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->rooms[i] == room) return true;
	return false;
}

/* The next named room of the socket that is settled: begin with *at NULL. */
static const struct sio_room_key *
next_settled(const struct awaiting *w, const struct eio_list **at)
{
	const struct sio_room_key *key;

	while ((key = sio_member_next_room(&w->socket->member, at)))
		if (!key->everyone && !is_awaited(w, EIO_CONTAINER((struct sio_room_key *)key, struct sio_room, key)))
			break;
	return key;
}

/* How many names a question has, and how many bytes they are. */
static size_t
count_names(const struct awaiting *w, size_t n, bool widely, size_t *bytes)
{
	const struct sio_room_key *key;
	const struct eio_list *at = NULL;
	size_t names = n + 2;

	*bytes = sio_socket_nsp(w->socket).n + sio_socket_id(w->socket).n;
	for (size_t i = 0; i < n; i++) *bytes += w->rooms[i]->key.everyone ? 0 : w->rooms[i]->key.name.n;
	if (!widely) return names;
	for (; (key = next_settled(w, &at)); names++) *bytes += key->name.n;
	return names;
}

static struct eio_bytes
copy_name_to(char **p, struct eio_bytes name)
{
	struct eio_bytes kept = { *p, name.n };

	if (name.n) memcpy(*p, name.p, name.n);
	*p += name.n;
	return kept;
}

static void
fill_question(struct question *q, const struct awaiting *w, size_t n, bool widely, char *p)
{
	struct feed_ask *a = &q->ask;
	const struct sio_room_key *key;
	const struct eio_list *at = NULL;

	a->nsp = copy_name_to(&p, sio_socket_nsp(w->socket));
	a->id = copy_name_to(&p, sio_socket_id(w->socket));
	a->rooms = q->names;
	for (size_t i = 0; i < n; i++) {
		if (w->rooms[i]->key.everyone)
			a->everyone = true;
		else
			q->names[a->n_rooms++] = copy_name_to(&p, w->rooms[i]->key.name);
	}
	a->has = q->names + a->n_rooms;
	while (widely && (key = next_settled(w, &at))) q->names[a->n_rooms + a->n_has++] = copy_name_to(&p, key->name);
}

static void on_told(struct feed_ask *a);

/* About the first n rooms that are awaited. NULL when out of memory. */
static struct question *
question_about(struct awaiting *w, size_t n)
{
	const struct clients *c = client_of_awaiting(w)->clients;
	bool widely = feed_retains_widely(c->options.feed);
	size_t bytes, names = count_names(w, n, widely, &bytes);
	struct question *q = malloc(sizeof *q + names * sizeof(struct eio_bytes) + bytes);

	if (!q) return NULL;
	if (feed_ask_init(&q->ask, c->options.worker, on_told, free_question_asked) < 0) {
		free(q);
		return NULL;
	}
	fill_question(q, w, n, widely, (char *)&q->names[names]);
	q->by = w;
	return q;
}

static void on_read_pause(struct eio_timer *t);

/* Asks for what is awaited. A client that has not read what it got before would not read this, and end for it. */
static void
ask_next(struct awaiting *w)
{
	struct client *c = client_of_awaiting(w);
	struct clients *cs = c->clients;

	if (c->ended) return;
	w->paused = eio_socket_replies(c->eio) > cs->options.limits.reply_bytes / 4;
	if (w->paused) {
		eio_clock_set(cs->options.clock, &w->pause, eio_clock_now(cs->options.clock) + PAUSE_MS);
		return;
	}
	w->n_asked = w->n < ROOMS_ASKED ? w->n : ROOMS_ASKED;
	w->asked = question_about(w, w->n_asked);
	if (w->asked)
		feed_ask(cs->options.feed, &w->asked->ask);
	else
		client_end(c, CLIENT_REASON_NOMEM);
}

/* Goes on, unless there is nothing more to await. */
static void
await_rest(struct awaiting *w)
{
	w->stale = false;
	w->n_asked = 0;
	if (w->n)
		ask_next(w);
	else
		free_awaiting(w);
}

static void
on_read_pause(struct eio_timer *t)
{
	struct awaiting *w = EIO_CONTAINER(t, struct awaiting, pause);

	w->paused = false;
	await_rest(w);
}

/* The first n rooms get everything from now on. */
static void
settle_rooms(struct awaiting *w, size_t n)
{
	for (size_t i = 0; i < n; i++) count_awaiting(w->rooms[i], -1);
	w->n -= n;
	memmove(w->rooms, w->rooms + n, w->n * sizeof(struct sio_room *));
}

static void
on_told(struct feed_ask *a)
{
	struct question *q = EIO_CONTAINER(a, struct question, ask);
	struct awaiting *w = q->by;
	struct client *c;

	if (!w) return;
	c = client_of_awaiting(w);
	w->asked = NULL;
	feed_ask_unref(a); /* the delivery has one, too */
	if (c->ended) return;
	if (a->failed) {
		client_end(c, CLIENT_REASON_NOMEM);
		return;
	}
	if (!w->stale) {
		client_send_all(c, a->bundles, a->n);
		if (a->n) recovery_sent_unnumbered(w->socket, a->serial);
		settle_rooms(w, a->done);
	}
	await_rest(w);
}

/* Joining and leaving */

static struct awaiting *
awaiting_of(struct sio_socket *s)
{
	struct client_socket *own = client_socket_of(s);
	struct awaiting *w = own->awaiting;

	if (w) return w;
	w = calloc(1, sizeof *w);
	if (!w) return NULL;
	w->socket = s;
	eio_timer_init(&w->pause, on_read_pause);
	own->awaiting = w;
	return w;
}

/* NULL when out of memory. */
static struct awaiting *
await_room(struct sio_socket *s, struct sio_room *room)
{
	struct awaiting *w = awaiting_of(s);
	struct sio_room **rooms;

	if (w && w->n == w->cap) {
		rooms = realloc(w->rooms, (w->cap * 2 + 4) * sizeof(struct sio_room *));
		if (!rooms) return NULL;
		w->rooms = rooms;
		w->cap = w->cap * 2 + 4;
	}
	if (!w) return NULL;
	w->rooms[w->n++] = room;
	count_awaiting(room, 1);
	return w;
}

void
snapshots_join(struct sio_socket *s, struct sio_room_key key)
{
	struct client *c = client_of(s);
	struct clients *cs = c->clients;
	struct awaiting *w;

	if (!cs->options.feed || !feed_retains(cs->options.feed, key)) return;
	w = await_room(s, sio_rooms_find(&cs->rooms, key));
	if (!w)
		client_end(c, CLIENT_REASON_NOMEM);
	else if (!w->asked && !w->paused)
		ask_next(w);
}

void
snapshots_leave(struct sio_socket *s, struct sio_room_key key)
{
	struct awaiting *w = client_socket_of(s)->awaiting;
	struct clients *cs = client_of(s)->clients;
	const struct sio_room *room;
	size_t i = 0;

	if (!w) return;
	room = sio_rooms_find(&cs->rooms, key);
	while (i < w->n && w->rooms[i] != room) i++;
	if (i == w->n) return;
	/* The answer has it, and what goes to this room and to others. */
	if (i < w->n_asked) w->stale = true;
	count_awaiting(w->rooms[i], -1);
	w->n--;
	memmove(w->rooms + i, w->rooms + i + 1, (w->n - i) * sizeof(struct sio_room *));
	if (i < w->n_asked) w->n_asked--;
}

void
snapshots_end(struct sio_socket *s)
{
	struct awaiting *w = client_socket_of(s)->awaiting;

	if (!w) return;
	for (size_t i = 0; i < w->n; i++) count_awaiting(w->rooms[i], -1);
	if (w->asked) {
		w->asked->by = NULL;
		feed_ask_unref(&w->asked->ask);
	}
	free_awaiting(w);
}

static int
compare_rooms(const void *a, const void *b)
{
	return eio_bytes_compare(*(const struct eio_bytes *)a, *(const struct eio_bytes *)b);
}

/* Whether an answer leaves out what goes to an audience (whose rooms feeds have in order), because the socket had it
 * before. Even if it has left the room
 * by which it had it, it goes on having it until the answer is there. */
static bool
leaves_out(const struct question *q, const struct audience *a)
{
	for (size_t i = 0; i < q->ask.n_has; i++)
		if (bsearch(&q->ask.has[i], a->rooms, a->n_rooms, sizeof *a->rooms, compare_rooms)) return true;
	return false;
}

bool
snapshots_awaits(const struct client *c, const struct sio_room *room, const struct audience *audience)
{
	const struct sio_socket *s = sio_client_find(&c->sio, room->key.nsp);
	const struct awaiting *w = s ? client_socket_of(s)->awaiting : NULL;
	size_t i = 0;

	if (!w) return false;
	while (i < w->n && w->rooms[i] != room) i++;
	if (i == w->n) return false;
	return !audience || !w->asked || i >= w->n_asked || !leaves_out(w->asked, audience);
}
