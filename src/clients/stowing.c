/* SPDX-License-Identifier: MIT */
/* From a socket to its session's text, and to Redis. */
#include "src/clients/stowing.h"

#include "sio/event.h"
#include "src/clients/identity.h"
#include "src/clients/stow.h"
#include "src/feed/signed.h"
#include "src/feed/store.h"

#include <stdlib.h>

enum {
	AGAIN_MS = 5000, /* what Redis did not take is tried again */
	PUTS_PER_MS = 10, /* where all are put again; scripts of Redis take 20 to 50 µs */
};

static struct feed_returning *
returning_of_clients(const struct clients *c)
{
	return feed_returning_of(c->options.feed);
}

static uint64_t
time_of_clients(const struct clients *c)
{
	return eio_clock_now(c->options.clock);
}

/* The text */

static bool
list_rooms(const struct client_stow *w, struct stored_session *out)
{
	const uint64_t *key = client_of(w->socket)->clients->rooms.config.hash_key;
	struct eio_bytes first = feed_offset_bytes(&w->joined);
	const struct sio_room_key *k;
	const struct eio_list *at = NULL;

	out->rooms = calloc(w->socket->member.named + 1, sizeof *out->rooms);
	while (out->rooms && (k = sio_member_next_room(&w->socket->member, &at))) {
		struct eio_bytes joined = eio_bytes("", 0);

		if (k->everyone || k->aside) continue;
		joined = feed_offset_bytes(stow_joined_at(w, sio_room_key_hash(key, *k)));
		if (joined.p == first.p) joined = eio_bytes("", 0);
		out->rooms[out->n_rooms++] = (struct stored_room){ k->name, joined };
	}
	return out->rooms != NULL;
}

/* What went to it alone last, with whose it was. */
static struct feed_offset_text
must_of(const struct client_stow *w)
{
	struct feed_offset_text t = { .n = 0 };

	if (!w->past->last.own) return t;
	t = feed_offset_write(w->past->last);
	feed_offset_add_as(&t, &client_of(w->socket)->clients->reached_text);
	return t;
}

/* False when out of memory. */
static bool
write_stored(const struct client_stow *w, struct eio_buf *out)
{
	struct sio_socket *s = w->socket;
	const struct clients *c = client_of(s)->clients;
	struct feed_offset_text must = must_of(w);
	char sid[SIO_ID_LEN], pid[FEED_SIGNED_LEN];
	struct stored_session stored = {
		.token = eio_bytes(w->token, sizeof w->token),
		.sid = eio_bytes(sid, sizeof sid),
		.pid = eio_bytes(pid, sizeof pid),
		.nsp = sio_socket_nsp(s),
		.shape = feed_shape_of(returning_of_clients(c)),
		.who = recovery_who(c, client_socket_of(s)->namespace, identity_claims_of(s)),
		.begun = feed_offset_bytes(&w->begun),
		.must = feed_offset_bytes(&must),
		.joined = feed_offset_bytes(&w->joined),
	};
	bool good = feed_pid_sign(&c->options.elsewhere->secret, w->past->pid, pid) && list_rooms(w, &stored);

	sio_id_write(sid, w->past->id);
	if (good) stored_write(&stored, out);
	free(stored.rooms);
	return good && !eio_buf_failed(out);
}

/* Handing it over */

/* NULL when out of memory. */
static struct feed_stow *
make_stow(const struct client_stow *w, struct eio_bytes text)
{
	struct feed_stow *s = feed_stow_new(sio_socket_nsp(w->socket), text);

	if (!s) return NULL;
	s->worker = client_of(w->socket)->clients->options.worker;
	memcpy(s->pid, w->past->pid, sizeof s->pid);
	memcpy(s->token, w->token, sizeof s->token);
	return s;
}

/* What Redis is to have of it: its session, or nothing when its client has lost something, or is to get something that
 * is not remembered. NULL when out of memory. */
static struct feed_stow *
what_to_stow(struct client_stow *w)
{
	struct eio_buf text = { 0 };
	struct feed_stow *s = NULL;

	if (!recovery_has_all(w->socket)) return make_stow(w, eio_bytes("", 0));
	w->begun = client_of(w->socket)->clients->reached_text;
	if (write_stored(w, &text))
		s = make_stow(w, text.n <= STORE_VALUE_MAX ? eio_buf_bytes(&text) : eio_bytes("", 0));
	eio_buf_deinit(&text);
	return s;
}

static void
put_again_at(struct client_stow *w, struct eio_list *list, uint64_t ms)
{
	struct clients *c = client_of(w->socket)->clients;

	w->due_ms = time_of_clients(c) + ms;
	eio_list_remove(&w->link);
	eio_list_add_tail(list, &w->link);
	if (w->due_ms >= c->stow_at_ms) return;
	c->stow_at_ms = w->due_ms;
	eio_clock_set(c->options.clock, &c->stow_timer, w->due_ms);
}

/* It is as Redis has it. */
static void
rest_clean(struct client_stow *w)
{
	struct clients *c = client_of(w->socket)->clients;

	stow_uncork(w);
	if (w->stored)
		put_again_at(w, &c->stowed, c->options.elsewhere->ms / 2);
	else
		eio_list_remove(&w->link);
}

/* Redis may have the session as it was before: what its client has from now on must not go with that. So it gets an
 * offset that does not. */
static void
tell_doubt(struct client_stow *w)
{
	struct sio_piece piece = { .json = EIO_LIT("[\"siocast:offset\"]") };
	struct eio_bundle *bundle = NULL;

	sio_emit_bundle(
		&(struct sio_emit){ .nsp = sio_socket_nsp(w->socket), .pieces = &piece, .n_pieces = 1 }, &bundle);
	recovery_send_untouched(w->socket, bundle);
}

/* Whether what has its session is another Redis than before, and nothing has said so to its client. */
static bool
is_of_before(const struct client_stow *w)
{
	return w->store != client_of(w->socket)->clients->store;
}

static void
hand_stow(struct client_stow *w)
{
	struct feed_stow *s;

	if (is_of_before(w) && w->corked) tell_doubt(w);
	w->store = client_of(w->socket)->clients->store;
	s = what_to_stow(w);

	eio_list_remove(&w->link);
	w->dirty = w->failed = false;
	if (!s) {
		client_end(client_of(w->socket), CLIENT_REASON_NOMEM);
		return;
	}
	if (!s->n && !w->stored) {
		free(s);
		rest_clean(w);
		return;
	}
	w->stored = w->under_way = true;
	feed_stow(returning_of_clients(client_of(w->socket)->clients), s);
}

void
stowing_turn(struct clients *c)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &c->stowing)
	{
		struct client_stow *w = EIO_CONTAINER(l, struct client_stow, link);

		if (!w->under_way) hand_stow(w);
	}
}

/* What is due is put again; its client waits for nothing, unless that is at another Redis: then for that. */
static void
put_due(struct clients *c, struct eio_list *list)
{
	while (!eio_list_empty(list)) {
		struct client_stow *w = EIO_CONTAINER(list->next, struct client_stow, link);

		if (w->due_ms > time_of_clients(c)) return;
		if (is_of_before(w) && !w->left)
			stow_touch(w);
		else
			hand_stow(w);
	}
}

static uint64_t
first_due(const struct eio_list *list)
{
	return eio_list_empty(list) ? UINT64_MAX : EIO_CONTAINER(list->next, struct client_stow, link)->due_ms;
}

static void
on_stow_timer(struct eio_timer *t)
{
	struct clients *c = EIO_CONTAINER(t, struct clients, stow_timer);
	uint64_t a, b;

	put_due(c, &c->stowed);
	put_due(c, &c->unstowed);
	a = first_due(&c->stowed);
	b = first_due(&c->unstowed);
	c->stow_at_ms = a < b ? a : b;
	eio_clock_set(c->options.clock, t, c->stow_at_ms);
}

/* Answers */

static struct client_stow *
find_stow(struct clients *c, const struct feed_stow *s)
{
	struct client_past *p = recovery_find(c, eio_bytes(s->pid, sizeof s->pid));

	return p && p->stow && memcmp(p->stow->token, s->token, sizeof s->token) == 0 ? p->stow : NULL;
}

/* What this worker has reached, where it is not known what Redis has. */
static void
note_stow_reached(struct clients *c, const struct feed_stow *s)
{
	if (c->reached < s->serial) c->reached = s->serial;
	c->reached_text = s->reached;
}

static void
take_failed(struct clients *c, struct client_stow *w, const struct feed_stow *s)
{
	note_stow_reached(c, s);
	if (w->corked) tell_doubt(w);
	if (w->dirty) return; /* it is tried once more with the end of this turn */
	w->failed = true;
	stow_uncork(w);
	put_again_at(w, &c->unstowed, AGAIN_MS);
}

static void
take_moved(struct client_stow *w)
{
	w->stored = false;
	stow_give_up(w);
	w->past->kept = true; /* there is nothing to come back to here */
	client_end(client_of(w->socket), CLIENT_REASON_MOVED);
}

/* It is another Redis from now on, which has none of them. What the one before has may be taken there yet: so what
 * clients have from now on does not go with it. */
static void
take_elsewhere(struct clients *c, const struct feed_stow *s)
{
	uint64_t now = time_of_clients(c), n = 0;

	note_stow_reached(c, s);
	c->store++;
	c->stow_leaves = false;
	for (struct eio_list *l = c->stowed.next; l != &c->stowed; l = l->next)
		EIO_CONTAINER(l, struct client_stow, link)->due_ms = now + n++ / PUTS_PER_MS;
	if (!n) return;
	c->stow_at_ms = now;
	eio_clock_set(c->options.clock, &c->stow_timer, now);
}

static void
take_stow_answer(struct clients *c, const struct feed_stow *s)
{
	struct client_stow *w = find_stow(c, s);

	if (!w) return;
	w->under_way = false;
	if (s->result == FEED_STOW_FAILED) {
		take_failed(c, w, s);
	} else if (s->result == FEED_STOW_MOVED) {
		take_moved(w);
	} else {
		w->stored = s->n > 0;
		if (is_of_before(w))
			stow_touch(w);
		else if (!w->dirty)
			rest_clean(w);
	}
}

void
stowing_take(struct clients *c, struct feed_stow *s)
{
	if (s->result == FEED_STOW_LEAVES) {
		c->stow_leaves = true;
		feed_stow(returning_of_clients(c), s);
		return;
	}
	if (s->result == FEED_STOW_ELSEWHERE)
		take_elsewhere(c, s);
	else
		take_stow_answer(c, s);
	free(s);
}

/* The end */

/* Whether what Redis has, or gets, may not be what its client comes back to. */
static bool
is_to_be_put(const struct client_stow *w)
{
	return w->dirty || w->failed || is_of_before(w);
}

void
stowing_end(struct sio_socket *s)
{
	struct client_past *p = client_socket_of(s)->past;
	struct client_stow *w = p ? p->stow : NULL;
	struct feed_stow *last = NULL;
	bool clean;

	/* Where that has not put it yet, as in another Redis, it would be taken for its. */
	if (!w || w->moved) return;
	clean = !is_to_be_put(w);
	if (w->left && (!clean || client_of(s)->clients->stow_leaves))
		last = what_to_stow(w);
	else if (!w->left && w->stored)
		last = make_stow(w, eio_bytes("", 0));
	if (!last) return;
	last->ends = true;
	last->leaves = clean && w->stored;
	feed_stow(returning_of_clients(client_of(s)->clients), last);
}

void
stowing_init(struct clients *c)
{
	eio_list_init(&c->stowing);
	eio_list_init(&c->stowed);
	eio_list_init(&c->unstowed);
	eio_timer_init(&c->stow_timer, on_stow_timer);
	c->stow_at_ms = UINT64_MAX;
}

void
stowing_deinit(struct clients *c)
{
	eio_clock_set(c->options.clock, &c->stow_timer, UINT64_MAX);
}
