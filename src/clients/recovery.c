/* SPDX-License-Identifier: MIT */
/* What is noted of sockets whose clients may come back. */
#include "src/clients/recovery.h"

#include "sio/event.h"
#include "sio/json.h"
#include "src/clients/identity.h"
#include "src/clients/stow.h"

#include <stdlib.h>

static struct client_past *
past_of(const struct sio_socket *s)
{
	return client_socket_of(s)->past;
}

static uint64_t
hash_of_pid(const struct clients *c, struct eio_bytes pid)
{
	return eio_hash_bytes(c->rooms.config.hash_key, pid);
}

/* Rooms */

static uint64_t
hash_of_room(const struct sio_socket *s, struct sio_room_key key)
{
	return sio_room_key_hash(client_of(s)->clients->rooms.config.hash_key, key);
}

static struct client_late *
find_late(const struct client_past *p, uint64_t room)
{
	for (size_t i = 0; i < p->n_late; i++)
		if (p->late[i].room == room) return &p->late[i];
	return NULL;
}

/* Drops those that it is not in any more. */
static void
tidy_late(struct sio_socket *s, struct client_past *p)
{
	const struct sio_room_key *key;
	const struct eio_list *at = NULL;
	size_t n = 0;

	while ((key = sio_member_next_room(&s->member, &at))) {
		struct client_late *l = find_late(p, hash_of_room(s, *key)), kept;

		if (!l || l < p->late + n) continue;
		kept = *l;
		*l = p->late[n];
		p->late[n++] = kept;
	}
	p->n_late = n;
}

/* NULL when out of memory. */
static struct client_late *
add_late(struct client_past *p)
{
	size_t cap = p->late_cap ? 2 * p->late_cap : 4;
	struct client_late *late;

	if (p->n_late == p->late_cap) {
		late = realloc(p->late, cap * sizeof *late);
		if (!late) return NULL;
		p->late = late;
		p->late_cap = cap;
	}
	return &p->late[p->n_late++];
}

bool
recovery_joined(struct sio_socket *s, struct sio_room_key key, bool again)
{
	struct client_past *p = past_of(s);
	struct clients *c = client_of(s)->clients;
	uint64_t room;
	struct client_late *l;

	if (!p) return true;
	p->since.joined = feed_serial(feed_returning_of(c->options.feed));
	if (again) return true;
	room = hash_of_room(s, key);
	if (!stow_joined(p->stow, room)) return false;
	if (c->reached == p->since.after) return true;
	l = find_late(p, room);
	if (!l && p->n_late == p->late_cap) tidy_late(s, p);
	if (!l) l = add_late(p);
	if (!l) return false;
	*l = (struct client_late){ room, c->reached };
	return true;
}

void
recovery_left(struct sio_socket *s)
{
	recovery_touch(s);
}

void
recovery_touch(const struct sio_socket *s)
{
	struct client_past *p = past_of(s);

	if (p) stow_touch(p->stow);
}

void
recovery_touch_all(const struct client *c)
{
	for (const struct eio_list *l = c->sio.sockets.next; l != &c->sio.sockets; l = l->next)
		recovery_touch(EIO_CONTAINER((struct eio_list *)(uintptr_t)l, struct sio_socket, link));
}

struct client_past *
recovery_find(const struct clients *c, struct eio_bytes pid)
{
	for (struct eio_hash_node *n = eio_hash_find(&c->pasts, hash_of_pid(c, pid)); n; n = eio_hash_next(n)) {
		struct client_past *p = EIO_CONTAINER(n, struct client_past, node);

		if (eio_bytes_eq(eio_bytes(p->pid, sizeof p->pid), pid)) return p;
	}
	return NULL;
}

struct eio_bytes
recovery_pid(const struct client_past *p, char out[FEED_SIGNED_LEN])
{
	const struct clients *c = client_of(p->socket)->clients;

	if (!p->stow) return eio_bytes(p->pid, sizeof p->pid);
	if (!feed_pid_sign(&c->options.elsewhere->secret, p->pid, out)) return eio_bytes("", 0);
	return eio_bytes(out, FEED_SIGNED_LEN);
}

void
recovery_joined_all(struct sio_socket *s)
{
	past_of(s)->since.joined = feed_serial(feed_returning_of(client_of(s)->clients->options.feed));
}

/* What its session knows of single rooms is true for what it is now. */
static bool
carry_late(struct sio_socket *s, struct client_past *p, const struct feed_recall *recall)
{
	const struct feed_session *session = recall->session;

	for (size_t i = 0; i < session->n_rooms; i++) {
		const struct history_room *room = &session->rooms[i];
		struct client_late *l = room->after > recall->after ? add_late(p) : NULL;

		if (l) *l = (struct client_late){ hash_of_room(s, room->room->key), room->after };
		if (!l && room->after > recall->after) return false;
	}
	return true;
}

bool
recovery_begin(struct sio_socket *s, const unsigned char *random, const struct feed_recall *recall)
{
	const struct feed_session *session = recall ? recall->session : NULL;
	struct clients *c = client_of(s)->clients;
	struct client_past *p = calloc(1, sizeof *p);

	if (!p) return false;
	p->socket = s;
	memcpy(p->id, random, sizeof p->id);
	p->lost = feed_lost(feed_returning_of(c->options.feed), c->options.worker);
	p->since = (struct feed_since){ .after = c->reached, .worker = c->options.worker };
	if (session) {
		memcpy(p->pid, session->pid, sizeof p->pid);
		p->before = recall->since;
		p->last = session->last;
		p->own = session->last.own;
		p->returned = true;
	} else {
		feed_pid_write(p->pid, c->options.worker, eio_random_take(c->options.random, SIO_ID_RANDOM));
	}
	eio_hash_add(&c->pasts, &p->node, hash_of_pid(c, eio_bytes(p->pid, sizeof p->pid)));
	client_socket_of(s)->past = p;
	if (c->options.elsewhere) {
		p->stow = stow_new(s, p, recall);
		if (!p->stow) return false;
	}
	return !session || carry_late(s, p, recall);
}

static uint64_t
room_after(const struct sio_socket *s, const struct client_past *p, struct sio_room_key key)
{
	const struct client_late *l = p->n_late ? find_late(p, hash_of_room(s, key)) : NULL;

	return l ? l->after : 0;
}

/* The end */

/* Who broke the protocol, or was sent away, may not come back, nor who has lost something already, or is to get
 * something that was held back, or what is retained, which is not remembered. */
bool
recovery_has_all(const struct sio_socket *s)
{
	const struct client *c = client_of(s);
	const struct clients_options *o = &c->clients->options;

	if (c->lost || !eio_list_empty(&c->behind) || client_socket_of(s)->awaiting) return false;
	if (c->ended && c->ended != CLIENT_REASON_SLOW && c->ended != CLIENT_REASON_MOVED) return false;
	return feed_lost(feed_returning_of(o->feed), o->worker) == past_of(s)->lost;
}

/* Whether a client that ends may come back to this siocast. */
static bool
may_return(const struct client *c, const struct client_past *p)
{
	if (c->clients->stopping && !c->clients->options.survive) return false;
	return !p->kept && recovery_has_all(p->socket);
}

/* How far we were when it came to each of its rooms. False when out of memory. */
static bool
note_joined(const struct sio_socket *s, const struct client_past *p, struct feed_session *session)
{
	session->is_signed = p->stow != NULL;
	if (!p->stow) return true;
	session->joined = malloc(session->n_rooms * sizeof *session->joined);
	if (!session->joined) return false;
	session->bytes += session->n_rooms * sizeof *session->joined;
	session->joined[0] = p->stow->joined;
	for (size_t i = 1; i < session->n_rooms; i++)
		session->joined[i] = *stow_joined_at(p->stow, hash_of_room(s, session->rooms[i].room->key));
	return true;
}

bool
recovery_fits(const struct clients *c, const struct feed_session *session)
{
	const struct clients_limits *l = &c->options.limits;

	if (session->n_rooms - 1 > l->rooms_per_socket + c->options.own_rooms) return false;
	for (size_t i = 1; i < session->n_rooms; i++)
		if (session->rooms[i].room->key.name.n > l->room_name_length) return false;
	return true;
}

static struct feed_session *
session_of(struct sio_socket *s, const struct client_past *p)
{
	struct clients *c = client_of(s)->clients;
	struct sio_room_key all = sio_room_everyone(sio_socket_nsp(s));
	struct feed_session *session = feed_session_new(1 + s->member.named);
	const struct sio_room_key *key;
	const struct eio_list *at = NULL;
	bool good = session && feed_session_add(session, c->options.interest, all, 0);

	while (good && (key = sio_member_next_room(&s->member, &at)))
		if (!key->everyone) good = feed_session_add(session, c->options.interest, *key, room_after(s, p, *key));
	if (!good || !note_joined(s, p, session)) {
		feed_session_free(session);
		return NULL;
	}
	memcpy(session->pid, p->pid, sizeof session->pid);
	memcpy(session->id, p->id, sizeof session->id);
	session->since = p->since;
	session->before = p->before;
	session->returned = p->returned;
	session->last = p->last;
	session->who = recovery_who(c, client_socket_of(s)->namespace, identity_claims_of(s));
	return session;
}

void
recovery_keep(struct sio_socket *s)
{
	struct client_past *p = past_of(s);
	struct feed_session *session;

	if (p && p->stow) p->stow->left |= recovery_has_all(s);
	if (!p || !may_return(client_of(s), p)) return;
	session = session_of(s, p);
	if (session) feed_keep(feed_returning_of(client_of(s)->clients->options.feed), session);
	p->kept = true;
}

void
recovery_end(struct sio_socket *s)
{
	struct client_past *p = past_of(s);

	if (!p) return;
	eio_hash_remove(&client_of(s)->clients->pasts, &p->node);
	client_socket_of(s)->past = NULL;
	stow_free(p->stow);
	free(p->late);
	free(p);
}

void
recovery_release(struct clients *c, struct eio_bytes pid)
{
	struct client_past *p = recovery_find(c, pid);

	if (!p) return;
	recovery_keep(p->socket);
	/* Where its session is kept it is whose who asked for it. */
	stow_give_up(p->stow);
	client_end(client_of(p->socket), CLIENT_REASON_MOVED);
}

/* What is sent */

void
recovery_send(struct sio_socket *s, struct eio_bundle *b)
{
	recovery_touch(s);
	recovery_send_untouched(s, b);
}

void
recovery_send_untouched(struct sio_socket *s, struct eio_bundle *b)
{
	struct client_past *p = past_of(s);
	struct client *c = client_of(s);
	struct feed_offset next;
	struct feed_offset_text text;
	struct eio_bundle *with = NULL;
	int rc;

	if (!p || !b) {
		client_send(c, b);
		return;
	}
	next = (struct feed_offset){ c->clients->reached, p->own + 1 };
	text = feed_offset_write(next);
	feed_offset_add_as(&text, &c->clients->reached_text);
	rc = sio_event_add_offset(b, feed_offset_bytes(&text), &with);
	if (rc == 0) {
		p->own++;
		p->last = next;
	}
	if (rc == SIO_ERR_INVALID_ARGUMENT) with = eio_bundle_ref(b);
	eio_bundle_unref(b);
	client_send(c, with);
}

void
recovery_sent_unnumbered(struct sio_socket *s, uint64_t serial)
{
	struct client_past *p = past_of(s);

	if (!p) return;
	p->last = (struct feed_offset){ serial, ++p->own };
	stow_touch(p->stow);
}

void
recovery_sent_late(const struct client *c)
{
	struct feed *feed = c->clients->options.feed;

	for (const struct eio_list *l = c->sio.sockets.next; l != &c->sio.sockets; l = l->next) {
		struct sio_socket *s = EIO_CONTAINER((struct eio_list *)l, struct sio_socket, link);

		if (past_of(s)) recovery_sent_unnumbered(s, feed_serial(feed_returning_of(feed)));
	}
}

void
recovery_send_missed(struct client *c, const struct history_missed *missed)
{
	for (size_t i = 0; i < missed->n; i++) client_send(c, eio_bundle_ref(missed->v[i]));
}

size_t
recovery_max_bytes(const struct clients *c)
{
	const struct clients_limits *l = &c->options.limits;

	return (l->reply_bytes < l->queue_bytes ? l->reply_bytes : l->queue_bytes) / 2;
}

/* What is asked */

static bool
is_time(struct eio_bytes key)
{
	return eio_bytes_eq(key, EIO_LIT("\"iat\"")) || eio_bytes_eq(key, EIO_LIT("\"exp\"")) ||
	       eio_bytes_eq(key, EIO_LIT("\"nbf\"")) || eio_bytes_eq(key, EIO_LIT("\"jti\""));
}

uint64_t
recovery_who(const struct clients *c, const struct namespace *n, struct eio_bytes claims)
{
	struct sio_json_iter it = sio_json_iter(claims);
	struct eio_bytes key, value;
	uint64_t who = 0;

	if (!claims.n) return 0;
	while (sio_json_next(&it, &key, &value)) {
		uint64_t member = feed_hash(feed_returning_of(c->options.feed), key) * 3 +
				  feed_hash(feed_returning_of(c->options.feed), value);

		if (!n->rules && eio_bytes_eq(key, EIO_LIT("\"sub\""))) return member;
		if (!is_time(key)) who += member;
	}
	return who;
}

/* Reads an offset of ours; any other is one that nobody can have. One of another siocast says that it has nothing that
 * came since it is here. */
static void
read_own_offset(const struct clients *c, struct eio_bytes text, struct recovery_question *q)
{
	struct eio_bytes ours = feed_offset_bytes(&c->reached_text), rest;
	uint32_t node = 0, us = 0;
	bool tagged = feed_offset_cut(&text, &node, &rest), we_tag = feed_offset_cut(&ours, &us, &rest);

	q->has_offset = !we_tag || !tagged || feed_node_is_same(node, us);
	if (tagged != we_tag || !feed_offset_read(text, &q->offset))
		q->offset = (struct feed_offset){ .serial = UINT64_MAX };
}

bool
recovery_name(const struct clients *c, struct recovery_question *q, struct eio_bytes pid)
{
	const struct feed_recovery *o = c->options.elsewhere;

	q->is_signed = o && feed_pid_is_signed(&o->secret, pid);
	if (q->is_signed) pid.n = FEED_PID_LEN;
	if (feed_pid_worker(pid) < 0) return false;
	memcpy(q->pid, pid.p, FEED_PID_LEN);
	return true;
}

void
recovery_place(const struct clients *c, struct recovery_question *q, struct eio_bytes offset)
{
	read_own_offset(c, offset, q);
	q->has.n = offset.n <= sizeof q->has.text ? (unsigned char)offset.n : 0;
	memcpy(q->has.text, offset.p, q->has.n);
	q->gives_offset = true;
}

bool
recovery_asked(const struct clients *c, struct eio_bytes auth, struct recovery_question *q)
{
	struct sio_json_iter it;
	struct eio_bytes key, value;
	bool asked = false;

	if (!auth.p) return false;
	it = sio_json_iter(auth);
	while (sio_json_next(&it, &key, &value)) {
		if (sio_json_kind(value) != SIO_JSON_STRING) continue;
		value = eio_bytes(value.p + 1, value.n - 2);
		if (eio_bytes_eq(key, EIO_LIT("\"pid\""))) asked = recovery_name(c, q, value);
		if (eio_bytes_eq(key, EIO_LIT("\"offset\""))) recovery_place(c, q, value);
	}
	return asked;
}
