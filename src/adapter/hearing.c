/* SPDX-License-Identifier: MIT */
/* From subscriptions and streams to the feed: what is understood becomes an event, an order or a question. */
#include "src/adapter/adapter_int.h"

#include "sio/json.h"
#include "src/adapter/classic.h"
#include "src/adapter/cluster.h"
#include "src/adapter/message_int.h"
#include "src/feed/sending.h"

#include <stdlib.h>

/* What is meant is done */

static unsigned
send_event_of(const struct adapter *a)
{
	const struct feed_posted event = adapter__event_of(a);

	return feed_send(a->options.feed, &event);
}

static unsigned
send_order(struct adapter *a, enum feed_move_kind kind)
{
	const struct adapter_message *m = &a->message;
	struct audience who = adapter__audience_of(a), rooms = { .nsp = m->nsp, .rooms = a->members };

	rooms.n_rooms = feed_names_list(eio_buf_bytes(&m->names), a->members);
	return feed_order(a->options.feed, kind, &who, m->kind == ADAPTER_DISCONNECT ? NULL : &rooms);
}

/* What feeds get of an event for servers: its one argument, of binary the bytes; else the list of all. False when there
 * is binary that JSON cannot have. */
static bool
payload_of(const struct adapter_message *m, struct eio_bytes *out)
{
	struct sio_json_iter it = sio_json_iter(m->data);
	struct eio_bytes name, first, second;
	bool one;

	sio_json_next(&it, NULL, &name);
	one = sio_json_next(&it, NULL, &first) && !sio_json_next(&it, NULL, &second);
	if (m->has_placeholders) {
		*out = m->json.attachments[0];
		return one && m->json.n_attachments == 1 && adapter__member(first, EIO_LIT("_placeholder")).p;
	}
	*out = one ? first : m->data;
	return true;
}

/* The list of arguments is that of the event without its name. */
static struct eio_bytes
arguments_only(struct eio_buf *out, struct eio_bytes data)
{
	struct sio_json_iter it = sio_json_iter(data);
	struct eio_bytes value;
	size_t n = 0;

	sio_json_next(&it, NULL, &value);
	eio_buf_addc(out, '[');
	for (; sio_json_next(&it, NULL, &value); n++) {
		if (n) eio_buf_addc(out, ',');
		eio_buf_add(out, value);
	}
	eio_buf_addc(out, ']');
	return eio_buf_bytes(out);
}

static enum adapter_result
send_server_event(struct adapter *a)
{
	const struct adapter_message *m = &a->message;
	struct sio_json_iter it = sio_json_iter(m->data);
	struct eio_buf channel = { 0 };
	struct eio_bytes name, payload;
	enum adapter_result r = ADAPTER_UNDERSTOOD;

	if (!*a->options.spec->server_events) return r;
	if (!payload_of(m, &payload)) return ADAPTER_REFUSED_BINARY;
	sio_json_next(&it, NULL, &name);
	eio_buf_add(&channel, eio_cstr(a->options.spec->server_events));
	sio_json_unescape(&channel, name);
	eio_buf_clear(&a->scratch);
	if (payload.p == m->data.p) payload = arguments_only(&a->scratch, m->data);
	if (eio_buf_failed(&channel) || eio_buf_failed(&a->scratch))
		r = ADAPTER_REFUSED_MEMORY;
	else
		feed_send_message(a->options.feed, eio_buf_bytes(&channel), payload);
	eio_buf_deinit(&channel);
	return r;
}

static unsigned
do_order(struct adapter *a, enum adapter_dialect dialect)
{
	const struct adapter_message *m = &a->message;

	/* Whose socket it is is found out before it goes. */
	if (m->owned && m->request.p && adapter__is_counted(a, dialect)) adapter__answer(a, dialect);
	switch (m->kind) {
	case ADAPTER_JOIN: return send_order(a, FEED_MOVE_JOIN);
	case ADAPTER_LEAVE: return send_order(a, FEED_MOVE_LEAVE);
	default: return send_order(a, m->close ? FEED_MOVE_CLOSE : FEED_MOVE_DISCONNECT);
	}
}

/* Nobody may wait for us: then it is an event whose acks are not handed on. */
static unsigned
do_call(struct adapter *a, enum adapter_dialect dialect)
{
	unsigned dropped = adapter__is_member(a, dialect) ? 0 : send_event_of(a);

	return adapter__is_counted(a, dialect) ? dropped + adapter__answer(a, dialect) : dropped;
}

static enum adapter_result
do_message(struct adapter *a, enum adapter_dialect dialect)
{
	enum adapter_result r = ADAPTER_UNDERSTOOD;
	unsigned dropped = 0;

	switch (a->message.kind) {
	case ADAPTER_NOTHING: break;
	case ADAPTER_EVENT: dropped = send_event_of(a); break;
	case ADAPTER_JOIN:
	case ADAPTER_LEAVE:
	case ADAPTER_DISCONNECT: dropped = do_order(a, dialect); break;
	case ADAPTER_CALL: dropped = do_call(a, dialect); break;
	case ADAPTER_SERVER_EVENT: r = send_server_event(a); /* fall through */
	default:
		if (a->message.request.p && adapter__is_counted(a, dialect)) dropped = adapter__answer(a, dialect);
		break;
	}
	metrics_add(a->metrics, ADAPTER_METRIC_DROPPED, dropped);
	return r;
}

/* What is not */

static void
refuse_message(struct adapter *a, enum adapter_result r, struct eio_bytes channel, size_t bytes)
{
	metrics_inc(a->metrics, ADAPTER_METRIC_REFUSED_UNREADABLE + (unsigned)(r - ADAPTER_REFUSED_UNREADABLE));
	log_limited(LOG_LEVEL_WARN, &a->limit, uv_now(&a->options.thread->loop),
		"redis=%s event=adapter-refused reason=%s channel=\"%s\" bytes=%zu", a->options.redis->name,
		adapter_refusal_name(r), LOG_ESCAPE(channel), bytes);
}

/* What comes */

static bool
is_own_message(const struct adapter *a, enum adapter_dialect dialect)
{
	struct eio_bytes uid = a->message.uid;

	return adapter__is(uid, SIO_JSON_STRING) && sio_json_string_eq(uid, eio_cstr(a->uids[dialect]));
}

/* On its thread; what is dialect's was read into a->message. */
static void
take_heard(
	struct adapter *a, enum adapter_dialect dialect, enum adapter_result r, struct eio_bytes channel, size_t bytes)
{
	metrics_inc(a->metrics, (enum adapter_metric)(ADAPTER_METRIC_CLASSIC + (unsigned)dialect));
	if (r == ADAPTER_UNDERSTOOD && is_own_message(a, dialect)) return;
	if (r == ADAPTER_UNDERSTOOD) r = do_message(a, dialect);
	if (r != ADAPTER_UNDERSTOOD) refuse_message(a, r, channel, bytes);
	if (a->publisher) redis_publisher_flush(a->publisher);
}

/* A pattern of classic Pub/Sub finds what asks for answers in streams, too. */
static bool
is_of_streams(const struct adapter *a, const struct redis_message *m)
{
	return a->options.spec->dialects.heard[ADAPTER_STREAMS] && m->is_pattern && m->payload.n &&
	       ((unsigned char)*m->payload.p & 0xf0) == 0x80;
}

static enum adapter_dialect
dialect_of(const struct adapter *a, const struct redis_message *m)
{
	if (m->is_shard) return ADAPTER_SHARDED;
	return m->is_pattern || adapter__is_member(a, ADAPTER_CLASSIC) ? ADAPTER_CLASSIC : ADAPTER_STREAMS;
}

static void
on_adapter_message(void *user, const struct redis_message *m)
{
	struct adapter *a = adapter__of(user);
	struct eio_bytes key = eio_cstr(a->options.spec->key);
	enum adapter_dialect dialect = dialect_of(a, m);
	enum adapter_result r;

	if (is_of_streams(a, m)) return;
	r = dialect == ADAPTER_CLASSIC ? adapter_classic_read(key, m->channel, m->payload, &a->message)
				       : adapter_cluster_read(key, m->channel, m->payload, &a->message);
	take_heard(a, dialect, r, m->channel, m->payload.n);
}

static void
on_adapter_too_long(void *user, const struct redis_message *m, uint64_t n)
{
	refuse_message(adapter__of(user), ADAPTER_REFUSED_TOO_LONG, m->channel, (size_t)n);
}

static struct adapter_entry
fields_of(const struct redis_entry *entry)
{
	struct adapter_entry e = { .uid = { 0 } };
	struct eio_bytes field, value;
	size_t at = 0;

	while (redis_entry_next(entry->words, &at, &field, &value)) {
		if (eio_bytes_eq(field, EIO_LIT("uid"))) e.uid = value;
		if (eio_bytes_eq(field, EIO_LIT("nsp"))) e.nsp = value;
		if (eio_bytes_eq(field, EIO_LIT("type"))) e.type = value;
		if (eio_bytes_eq(field, EIO_LIT("data"))) e.data = value;
	}
	return e;
}

static void
on_adapter_entry(void *user, size_t stream, const struct redis_entry *entry)
{
	struct adapter *a = adapter__of(user);
	struct adapter_entry e;
	enum adapter_result r;

	(void)stream;
	if (entry->skipped) {
		refuse_message(a, ADAPTER_REFUSED_TOO_LONG, entry->stream, (size_t)entry->skipped);
		return;
	}
	e = fields_of(entry);
	if (eio_bytes_eq(e.uid, eio_cstr(a->uids[ADAPTER_STREAMS]))) return;
	r = adapter_entry_read(&e, &a->message);
	take_heard(a, ADAPTER_STREAMS, r, entry->stream, e.data.n);
}

static void
on_adapter_gap(void *user, size_t stream, const struct redis_gap *gap)
{
	struct adapter *a = adapter__of(user);

	(void)stream;
	metrics_add(a->metrics, ADAPTER_METRIC_MISSED, gap->missed ? gap->missed : 1);
}

/* The streamer says so in the log. */
static void
on_adapter_stream_refused(void *user, size_t stream, bool refused)
{
	(void)user;
	(void)stream;
	(void)refused;
}

static bool
on_adapter_may_read(void *user)
{
	(void)user;
	return true;
}

/* Whether all is there */

void
adapter__show_state(struct adapter *a)
{
	bool channels = !a->channels || a->channels_ready, streams = !a->streamer || a->streamer_ready;

	metrics_put(a->metrics, ADAPTER_METRIC_SUBSCRIBED, !a->closed && channels && streams);
}

static void
on_adapter_channels(void *user, bool ready)
{
	struct adapter *a = adapter__of(user);

	a->channels_ready = ready;
	adapter__show_state(a);
}

static void
on_adapter_streamer(void *user, bool ready)
{
	struct adapter *a = adapter__of(user);

	a->streamer_ready = ready;
	adapter__show_state(a);
}

/* Opening */

static bool
want_pattern(struct adapter *a, bool requests)
{
	int rc;

	eio_buf_clear(&a->scratch);
	adapter_classic_pattern(a->options.spec->key, requests, &a->scratch);
	rc = eio_buf_failed(&a->scratch) ? -1
					 : movable_want(a->channels, REDIS_CHANNEL_PATTERN, eio_buf_bytes(&a->scratch));
	return rc == 0;
}

static bool
open_channels(struct adapter *a)
{
	const struct redis_channels_options o = {
		.url = a->options.redis,
		.metrics = a->redis_metrics,
		.message_bytes = a->options.message_bytes,
		.message = on_adapter_message,
		.too_long = on_adapter_too_long,
		.state = on_adapter_channels,
		.user = a,
	};
	bool classic = a->options.spec->dialects.heard[ADAPTER_CLASSIC];

	a->channels = movable_open(&a->options.thread->loop, &o);
	if (!a->channels) return false;
	/* A member hears requests on channels, by which it is counted; by the pattern they would come twice. */
	if (classic && !want_pattern(a, false)) return false;
	if (classic && !adapter__is_member(a, ADAPTER_CLASSIC) && !want_pattern(a, true)) return false;
	return adapter__want_names(a);
}

/* Their names, each of which ends in NUL, lie one behind the other. */
static bool
name_streams(struct adapter *a, unsigned n)
{
	struct eio_buf *names = &a->stream_names;
	const char *at;

	a->streams = calloc(n, sizeof *a->streams);
	for (unsigned i = 0; i < n; i++) {
		eio_buf_add(names, eio_cstr(a->options.spec->key));
		if (n > 1) eio_buf_printf(names, "-%u", i);
		eio_buf_addc(names, '\0');
	}
	if (!a->streams || eio_buf_failed(names)) return false;
	at = names->p;
	for (unsigned i = 0; i < n; i++, at += strlen(at) + 1)
		a->streams[i] = (struct redis_streamer_stream){ at, "$", NULL, NULL };
	return true;
}

static bool
open_streamer(struct adapter *a)
{
	const struct redis_streamer_options o = {
		.url = a->options.redis,
		.metrics = a->redis_metrics,
		.streams = a->streams,
		.n = a->options.spec->streams,
		.message_bytes = a->options.message_bytes,
		.entry = on_adapter_entry,
		.gap = on_adapter_gap,
		.state = on_adapter_streamer,
		.refused = on_adapter_stream_refused,
		.may_read = on_adapter_may_read,
		.user = a,
	};

	a->streamer = redis_streamer_open(&a->options.thread->loop, &o);
	return a->streamer != NULL;
}

bool
adapter__hear(struct adapter *a)
{
	const bool *heard = a->options.spec->dialects.heard;

	if (heard[ADAPTER_CLASSIC] || heard[ADAPTER_SHARDED] || adapter__is_member(a, ADAPTER_STREAMS))
		if (!open_channels(a)) return false;
	return !heard[ADAPTER_STREAMS] || (name_streams(a, a->options.spec->streams) && open_streamer(a));
}

/* Where memory is out, what is added until the new one is there is missing. */
void
adapter__reopen_streamer(struct adapter *a)
{
	unsigned n = a->options.spec->streams;
	char(*places)[REDIS_CURSOR_TEXT] = calloc(n, sizeof *places), (*before)[REDIS_CURSOR_TEXT] = a->places;

	for (unsigned i = 0; i < n; i++)
		a->streams[i].resume = places ? redis_streamer_store(a->streamer, i, places[i]) : NULL;
	redis_streamer_close(a->streamer);
	a->places = places;
	free(before);
	on_adapter_streamer(a, false);
	if (!open_streamer(a)) log_error("redis=%s event=not-opened reason=\"out of memory\"", a->options.redis->name);
}
