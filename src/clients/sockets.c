/* SPDX-License-Identifier: MIT */
/* The beginning and the end of sockets. */
#include "src/clients/sockets.h"

#include "sio/json.h"
#include "src/clients/access.h"
#include "src/clients/acked.h"
#include "src/clients/actions.h"
#include "src/clients/asking.h"
#include "src/clients/attendance.h"
#include "src/clients/behind.h"
#include "src/clients/clients_int.h"
#include "src/clients/resume.h"
#include "src/clients/rooms.h"
#include "src/clients/snapshots.h"
#include "src/clients/stowing.h"
#include "src/clients/ui.h"

#include <stdlib.h>

/* Beginning */

/* What we keep of a socket. Of its query that of the handshake URL comes first, and behind it the CONNECT's own, which
 * counts more. NULL when out of memory. */
static struct client_socket *
client_socket_new(const struct client *c, struct namespace *n, struct eio_bytes query)
{
	struct eio_bytes first = eio_cstr(client_kept(c)->query ? client_kept(c)->query : "");
	uint64_t *rates = n->rates ? calloc(n->rates, sizeof *rates) : NULL;
	struct client_socket *own = NULL;
	struct eio_buf second;
	size_t k = first.n;

	if (n->rates && !rates) return NULL;
	eio_buf_init(&second);
	if (query.n) handlers_keep_query(c->clients->needs, query, &second);
	if (!eio_buf_failed(&second)) own = malloc(sizeof *own + first.n + (first.n && second.n) + second.n);
	if (own) {
		if (first.n) memcpy(own->query, first.p, first.n);
		if (first.n && second.n) own->query[k++] = '&';
		if (second.n) memcpy(own->query + k, second.p, second.n);
		own->query_n = (unsigned)(k + second.n);
		own->magic = CLIENT_SOCKET_MAGIC;
		own->namespace = n;
		eio_list_init(&own->attendances);
		own->identity = NULL;
		own->past = NULL;
		own->awaiting = NULL;
		own->places = NULL;
		own->hold = NULL;
		own->rates = rates;
	} else {
		free(rates);
	}
	eio_buf_deinit(&second);
	return own;
}

static void
client_socket_free(struct client_socket *own)
{
	if (!own) return;
	own->magic = 0;
	free(own->rates);
	free(own);
}

/* Rooms come from the application, which may give any; numbers are names, too. */
static void
join_first(struct sio_socket *s, struct eio_bytes rooms)
{
	struct sio_json_iter it = sio_json_iter(rooms);
	struct eio_buf name = { 0 };
	struct eio_bytes room;

	while (sio_json_next(&it, NULL, &room)) {
		enum sio_json_kind kind = sio_json_kind(room);

		eio_buf_clear(&name);
		if (kind == SIO_JSON_STRING)
			sio_json_unescape(&name, room);
		else if (kind == SIO_JSON_NUMBER)
			eio_buf_add(&name, room);
		else
			continue;
		if (eio_buf_failed(&name))
			client_end(client_of(s), CLIENT_REASON_NOMEM);
		else
			rooms_join(s, sio_room_named(sio_socket_nsp(s), eio_buf_bytes(&name)));
	}
	eio_buf_deinit(&name);
}

/* Those it was in, its own and everyone's too: before any other, which it comes to anew. */
static void
join_again(struct sio_socket *s, const struct feed_session *session)
{
	for (size_t i = 0; i < session->n_rooms; i++) rooms_join_again(s, session->rooms[i].room->key);
}

/* False when out of memory. */
static bool
begin_socket_of(struct sio_socket *s, const struct sockets_birth *birth, const unsigned char *random)
{
	const struct clients *cs = client_of(s)->clients;

	/* Who it is stands before any room knows it. */
	if (birth->claims && !identity_set(s, birth->claims)) {
		client_end(client_of(s), CLIENT_REASON_NOMEM);
		return false;
	}
	if (resume_is_possible(client_of(s), birth->namespace) && !resume_begin(s, random, birth->recall)) {
		client_end(client_of(s), CLIENT_REASON_NOMEM);
		return false;
	}
	if (birth->recall && birth->recall->session) join_again(s, birth->recall->session);
	if (!rooms_join(s, sio_room_everyone(sio_socket_nsp(s)))) return false;
	if (cs->options.own_rooms && sio_socket_id(s).n <= cs->options.limits.room_name_length &&
		!rooms_join(s, sio_room_named(sio_socket_nsp(s), sio_socket_id(s))))
		return false;
	if (birth->rooms.n) join_first(s, birth->rooms);
	return true;
}

/* The answer to its CONNECT, in the place of the one that cannot be come back to. */
static struct eio_bundle *
recoverable_answer(struct sio_socket *s, struct eio_bundle *plain)
{
	const struct client_past *p = client_socket_of(s)->past;
	char name[FEED_SIGNED_LEN];
	struct eio_bytes pid;

	if (!p || sio_client_protocol(s->client) != 5) return plain;
	eio_bundle_unref(plain);
	pid = recovery_pid(p, name);
	return pid.n ? sio_client_connected_as(s, pid) : NULL;
}

struct sio_socket *
sockets_open(struct client *c, const struct sockets_birth *birth)
{
	struct clients *cs = c->clients;
	struct namespace *n = birth->namespace;
	struct eio_bytes kept = cs->needs->auth ? birth->auth : eio_bytes(NULL, 0);
	struct client_socket *own = client_socket_new(c, n, birth->query);
	const struct feed_session *session = birth->recall ? birth->recall->session : NULL;
	const unsigned char *random = session ? session->id : birth->random;
	struct eio_bundle *answer;
	struct sio_socket *s;
	bool in;

	if (!random) random = eio_random_take(cs->options.random, SIO_ID_RANDOM);
	if (!own || sio_client_accept(&c->sio, birth->nsp, kept, random, &s, &answer)) {
		client_socket_free(own);
		client_end(c, CLIENT_REASON_NOMEM);
		return NULL;
	}
	s->user = own;
	access_note_namespace(c, sio_socket_nsp(s));
	eio_socket_keep(c->eio);
	namespaces_ref(n->all);
	n->sockets++;
	metrics_inc(n->metrics, NAMESPACE_METRIC_SOCKETS);
	client_joined(c);
	/* What it asked for may have been long ago. */
	sockets_renew(s);
	/* A member before it knows: what is published once the client saw the answer must reach it. */
	in = begin_socket_of(s, birth, random);
	resume_tell(s, session != NULL);
	if (session) recovery_send_missed(c, &birth->recall->missed);
	client_send(c, recoverable_answer(s, answer));
	if (in) ui_connected(s);
	return in ? s : NULL;
}

/* Going over */

/* Rates begin anew, as the handlers that they are of may be others. */
void
sockets_renew(struct sio_socket *s)
{
	struct client_socket *own = client_socket_of(s);
	struct namespace *now = namespaces_find(client_of(s)->clients->namespaces, sio_socket_nsp(s)),
			 *before = own->namespace;
	uint64_t *rates = NULL;

	if (!now || now->all == before->all || now->attended != before->attended) return;
	if (now->rates && !(rates = calloc(now->rates, sizeof *rates))) return;
	free(own->rates);
	own->rates = rates;
	own->namespace = now;
	namespaces_ref(now->all);
	now->sockets++;
	before->sockets--;
	metrics_inc(now->metrics, NAMESPACE_METRIC_SOCKETS);
	metrics_sub(before->metrics, NAMESPACE_METRIC_SOCKETS, 1);
	namespaces_unref(before->all);
}

/* End */

void
sockets_end(struct sio_socket *s, const char *reason)
{
	struct clients *c = client_of(s)->clients;
	struct client_socket *own = client_socket_of(s);

	asking_forget(s);
	acked_forget(s);
	actions_run_disconnect(s, reason);
	behind_settle(client_of(s));
	attendance_end_all(s);
	stowing_end(s);
	recovery_end(s);
	snapshots_end(s);
	ui_disconnected(s, reason);
	ui_left_all(s);
	sio_rooms_leave_all(&c->rooms, &s->member);
	own->namespace->sockets--;
	metrics_sub(own->namespace->metrics, NAMESPACE_METRIC_SOCKETS, 1);
	identity_clear(s);
	namespaces_unref(own->namespace->all);
	client_socket_free(own);
	sio_socket_free(s);
}

void
sockets_end_all(struct client *c, const char *reason)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &c->sio.sockets)
	{
		struct sio_socket *s = EIO_CONTAINER(l, struct sio_socket, link);

		recovery_keep(s);
		sockets_end(s, reason);
	}
}

void
sockets_put_out(struct sio_socket *s)
{
	behind_settle(client_of(s));
	client_send(client_of(s), sio_client_disconnect(sio_socket_nsp(s)));
	sockets_end(s, "server namespace disconnect");
}

void
sockets_after_run(struct sio_socket *s)
{
	struct client *c = client_of(s);
	struct eio_list *l, *next;
	bool leaves = c->leaves;

	c->leaves = false;
	if (c->close_whole) {
		c->close_whole = false;
		EIO_LIST_FOREACH_SAFE(l, next, &c->sio.sockets)
		sockets_put_out(EIO_CONTAINER(l, struct sio_socket, link));
		client_end(c, CLIENT_REASON_DISCONNECT);
	} else if (leaves) {
		sockets_put_out(s);
	}
}
