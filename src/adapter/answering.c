/* SPDX-License-Identifier: MIT */
/*
 * What servers ask, and what they are answered. Workers are asked, and when each has answered, or none was to be asked,
 * who asked is. So there is an answer without a client, too, and at once.
 */
#include "src/adapter/adapter_int.h"

#include "sio/json.h"
#include "sio/packet.h"
#include "src/adapter/message_int.h"
#include "src/feed/sending.h"

#include <stdlib.h>

/* What is open: workers have not answered, or clients have not acked. */
struct adapter_open {
	struct eio_hash_node node; /* in adapter->surveys, by its number */
	struct eio_timer timer; /* of a call: acks are not awaited any more */
	struct adapter *adapter;
	uint64_t number;
	enum adapter_dialect dialect;
	struct adapter_asker who; /* the bytes lie in data */
	bool owned;
	unsigned left; /* workers that have not answered */
	size_t n, acks; /* what they said: how many sockets; how many of them have acked */
	struct eio_buf json; /* and which */
	char data[];
};

static struct eio_bytes
copy_asker(char **to, struct eio_bytes b)
{
	struct eio_bytes copy = eio_bytes(b.p ? *to : NULL, b.n);

	if (b.n) memcpy(*to, b.p, b.n);
	*to += b.n;
	return copy;
}

static void on_open_over(struct eio_timer *t);

static struct adapter_open *
open_survey(struct adapter *a, enum adapter_dialect dialect)
{
	const struct adapter_message *m = &a->message;
	struct adapter_open *o = calloc(1, sizeof *o + m->nsp.n + m->uid.n + m->request.n);
	char *to;

	if (!o) return NULL;
	to = o->data;
	eio_timer_init(&o->timer, on_open_over);
	o->adapter = a;
	o->dialect = dialect;
	o->number = ++a->next_survey;
	o->owned = m->owned;
	o->who.kind = m->kind;
	o->who.old = m->old;
	o->who.nsp = copy_asker(&to, m->nsp);
	o->who.uid = copy_asker(&to, m->uid);
	o->who.request = copy_asker(&to, m->request);
	eio_hash_add(&a->surveys, &o->node, o->number);
	return o;
}

static void
close_survey(struct adapter_open *o)
{
	eio_clock_set(&o->adapter->options.thread->clock, &o->timer, UINT64_MAX);
	eio_hash_remove(&o->adapter->surveys, &o->node);
	eio_buf_deinit(&o->json);
	free(o);
}

static void
on_open_over(struct eio_timer *t)
{
	close_survey(EIO_CONTAINER(t, struct adapter_open, timer));
}

void
adapter__forget_surveys(struct adapter *a)
{
	EIO_HASH_FOREACH_SAFE(n, next, &a->surveys)
	{
		close_survey(EIO_CONTAINER(n, struct adapter_open, node));
	}
}

/* Answers */

static void
reply_to(struct adapter *a, enum adapter_dialect dialect, const struct adapter_asker *who,
	const struct adapter_reply *reply)
{
	const struct adapter_voice voice = adapter__voice(a, dialect);

	adapter_outgoing_reply(&a->outgoing, &voice, who, reply);
	metrics_inc(a->metrics, ADAPTER_METRIC_ANSWERS);
	adapter__publish(a, dialect);
}

/* The list of rooms in what is told of one socket. */
static struct eio_bytes
rooms_in(struct eio_bytes socket)
{
	struct eio_bytes rooms = adapter__member(socket, EIO_LIT("rooms"));

	return rooms.p ? eio_bytes(rooms.p + 1, rooms.n - 2) : rooms;
}

/* All workers have answered. Whose socket is not here has nothing to say. */
static void
finish_survey(struct adapter_open *o)
{
	struct adapter_reply reply = { .json = eio_buf_bytes(&o->json), .n = o->n };

	if (o->owned && !o->n) return;
	if (o->who.kind == ADAPTER_ROOMS_OF)
		reply.json = rooms_in(reply.json);
	else if (o->owned)
		reply.json = (struct eio_bytes){ 0 };
	reply_to(o->adapter, o->dialect, &o->who, &reply);
}

/* Nobody has to be asked. */
static void
reply_at_once(struct adapter *a, enum adapter_dialect dialect)
{
	const struct adapter_message *m = &a->message;
	const struct adapter_asker who = {
		.kind = m->kind, .old = m->old, .nsp = m->nsp, .uid = m->uid, .request = m->request
	};

	if (!m->owned) reply_to(a, dialect, &who, &(struct adapter_reply){ .n = 0 });
}

/* Asking */

static enum feed_move_kind
question_for(const struct adapter_message *m)
{
	switch (m->kind) {
	case ADAPTER_CALL: return FEED_MOVE_CALL;
	case ADAPTER_ROOMS: return FEED_MOVE_ROOMS;
	case ADAPTER_SOCKETS:
	case ADAPTER_ROOMS_OF: return FEED_MOVE_SOCKETS;
	default: return FEED_MOVE_IDS;
	}
}

/* Returns how many workers did not get it. */
static unsigned
ask_all_workers(struct adapter *a, enum adapter_dialect dialect)
{
	const struct adapter_message *m = &a->message;
	struct adapter_open *o = open_survey(a, dialect);
	struct audience who = adapter__audience_of(a);
	struct feed_posted event = adapter__event_of(a);
	struct feed_survey like = { .answers = &a->answers, .timeout_ms = m->timeout_ms };

	if (!o) {
		reply_at_once(a, dialect);
		return 1;
	}
	like.number = o->number;
	o->left = feed_survey(a->options.feed, question_for(m), &who, &like, m->kind == ADAPTER_CALL ? &event : NULL);
	if (!o->left) {
		finish_survey(o);
		close_survey(o);
	} else if (m->kind == ADAPTER_CALL) {
		eio_clock_set(
			&a->options.thread->clock, &o->timer, eio_clock_now(&a->options.thread->clock) + m->timeout_ms);
	}
	return 0;
}

unsigned
adapter__answer(struct adapter *a, enum adapter_dialect dialect)
{
	const struct adapter_message *m = &a->message;
	bool asks = m->kind != ADAPTER_CUSTOM && m->kind != ADAPTER_SERVER_EVENT && adapter__is_member(a, dialect);

	if (asks) return ask_all_workers(a, dialect);
	reply_at_once(a, dialect);
	return 0;
}

/* What workers answer */

/* The argument of an ack, and its attachments. False when it has none. */
static bool
argument_of(const struct feed_answer *answer, struct adapter_reply *reply, struct eio_bytes *attachments)
{
	struct eio_message message;
	struct sio_packet packet;
	struct sio_json_iter it;

	if (!answer->ack || !eio_bundle_message(answer->ack, 0, &message) || sio_packet_decode(message.data, &packet))
		return false;
	it = sio_json_iter(packet.data);
	if (!sio_json_next(&it, NULL, &reply->json)) return false;
	while (reply->n_attachments < SIO_MAX_ATTACHMENTS &&
		eio_bundle_message(answer->ack, 1 + reply->n_attachments, &message))
		attachments[reply->n_attachments++] = message.data;
	return true;
}

static void
take_ack(struct adapter_open *o, const struct feed_answer *answer)
{
	struct eio_bytes attachments[SIO_MAX_ATTACHMENTS];
	struct adapter_reply reply = { .attachments = attachments };
	struct adapter_asker who = o->who;

	who.acked = true;
	argument_of(answer, &reply, attachments);
	reply_to(o->adapter, o->dialect, &who, &reply);
	o->acks++;
}

static void
take_said(struct adapter_open *o, const struct feed_answer *answer)
{
	CHECK(o->left > 0);
	if (answer->json.n && o->json.n) eio_buf_addc(&o->json, ',');
	eio_buf_add(&o->json, eio_buf_bytes(&answer->json));
	o->n += answer->n;
	if (--o->left == 0) finish_survey(o);
}

static struct adapter_open *
find_open(const struct adapter *a, uint64_t number)
{
	for (struct eio_hash_node *n = eio_hash_find(&a->surveys, number); n; n = eio_hash_next(n)) {
		struct adapter_open *o = EIO_CONTAINER(n, struct adapter_open, node);

		if (o->number == number) return o;
	}
	return NULL;
}

void
adapter__take_answers(void *user, struct mail *run)
{
	struct adapter *a = adapter__of(user);
	struct mail *next;

	for (struct mail *m = run; m; m = next) {
		struct feed_answer *answer = EIO_CONTAINER(m, struct feed_answer, mail);
		struct adapter_open *o = a->closed ? NULL : find_open(a, answer->survey);

		next = m->next;
		if (o && answer->acked)
			take_ack(o, answer);
		else if (o)
			take_said(o, answer);
		if (o && !o->left && (o->who.kind != ADAPTER_CALL || o->acks >= o->n)) close_survey(o);
		feed_answer_free(answer);
	}
	if (a->publisher) redis_publisher_flush(a->publisher);
}
