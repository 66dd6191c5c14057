/* SPDX-License-Identifier: MIT */
/*
 * The way to the hub: its name is looked up, it is connected to and greeted, and when that fails, or ends, it is tried
 * again after a while.
 *
 *     WAITS ─▶ LOOKS ─▶ CONNECTS ─▶ HELLO ─▶ PROVES ─▶ OPEN
 *       ▲________________________________________________│
 */
#include "src/relay/edge_int.h"

#include "src/base/clock.h"
#include "src/feed/passing.h"

#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

/* A name that is being looked up. */
struct edge_lookup {
	uv_getaddrinfo_t req;
	struct relay_edge *edge; /* NULL: nobody waits for it any more */
};

static struct relay_chunk *
first_chunk(const struct relay_edge *e)
{
	return EIO_CONTAINER(e->first, struct relay_chunk, mail);
}

static void
drop_chunks(struct relay_edge *e)
{
	while (e->first) {
		struct relay_chunk *c = first_chunk(e);

		e->first = c->mail.next;
		relay_line_done(e->line, c);
	}
	e->last = &e->first;
	eio_clock_set(&e->options.thread->clock, &e->behind, UINT64_MAX);
}

/* A line for what an operator has to know: when it begins, or changes, and not at every attempt. */
static void
tell_failure(struct relay_edge *e, enum relay_edge_metric why, const char *text)
{
	bool refused = why == RELAY_EDGE_METRIC_REFUSED || why == RELAY_EDGE_METRIC_PROTOCOL;

	if (refused && !e->refused_told)
		log_error(
			"hub=%s event=relay-refused reason=\"%s\"", e->options.spec->text, LOG_ESCAPE(eio_cstr(text)));
	else if (!refused && !e->lost_told)
		log_warn("hub=%s event=relay-lost reason=\"%s\"", e->options.spec->text, LOG_ESCAPE(eio_cstr(text)));
	e->refused_told |= refused;
	e->lost_told = true;
}

static void
fail_hub(struct relay_edge *e, enum relay_edge_metric why, const char *text)
{
	uint64_t now = edge_now(e), wait = redis_backoff_failed(&e->backoff, now);

	metrics_inc(e->metrics, why);
	tell_failure(e, why, text);
	if (e->lookup) e->lookup->edge = NULL;
	e->lookup = NULL;
	relay_line_hang_up(e->line);
	drop_chunks(e);
	relay_reader_deinit(&e->reader);
	e->state = EDGE_WAITS;
	e->syncing = e->starved = false;
	metrics_put(e->metrics, RELAY_EDGE_METRIC_CONNECTED, 0);
	metrics_put(e->metrics, RELAY_EDGE_METRIC_UNREAD, 0);
	feed_set_hub_ready(e->options.feed, false);
	eio_clock_set(&e->options.thread->clock, &e->timer, now + wait);
}

static void
fail_wrong_hub(struct relay_edge *e, const char *text)
{
	if (e->circle)
		fail_hub(e, RELAY_EDGE_METRIC_REFUSED,
			"it is an edge of this one itself: all would go round in a circle");
	else
		fail_hub(e, RELAY_EDGE_METRIC_PROTOCOL, text);
	e->circle = false;
}

/* Reaching it */

static void
connect_hub(struct relay_edge *e)
{
	const struct relay_spec *spec = e->options.spec;
	const char *address = e->addresses[e->next_address++ % e->n_addresses];

	e->state = EDGE_CONNECTS;
	if (!relay_line_connect(e->line, address, spec->port, spec->host, RELAY_PATH))
		fail_hub(e, RELAY_EDGE_METRIC_MEMORY, "out of memory");
}

static void
keep_addresses(struct relay_edge *e, const struct addrinfo *found)
{
	e->n_addresses = 0;
	for (; found && e->n_addresses < RELAY_ADDRESSES; found = found->ai_next) {
		char *to = e->addresses[e->n_addresses];

		if (uv_ip_name(found->ai_addr, to, RELAY_ADDRESS_TEXT) == 0) e->n_addresses++;
	}
}

static void
on_hub_found(uv_getaddrinfo_t *req, int status, struct addrinfo *addresses)
{
	struct edge_lookup *lookup = EIO_CONTAINER(req, struct edge_lookup, req);
	struct relay_edge *e = lookup->edge;

	free(lookup);
	if (e) {
		e = edge_of(e);
		e->lookup = NULL;
		keep_addresses(e, status == 0 ? addresses : NULL);
		if (e->n_addresses)
			connect_hub(e);
		else
			fail_hub(e, RELAY_EDGE_METRIC_UNREACHED,
				status < 0 ? uv_strerror(status) : "its name has no address");
	}
	if (addresses) uv_freeaddrinfo(addresses);
}

static void
look_for_hub(struct relay_edge *e)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct edge_lookup *lookup = calloc(1, sizeof *lookup);

	e->state = EDGE_LOOKS;
	eio_clock_set(&e->options.thread->clock, &e->timer, edge_now(e) + RELAY_CONNECT_MS);
	if (lookup && uv_getaddrinfo(&e->options.thread->loop, &lookup->req, on_hub_found, e->options.spec->host, NULL,
			      &hints) == 0) {
		lookup->edge = e;
		e->lookup = lookup;
		return;
	}
	free(lookup);
	fail_hub(e, RELAY_EDGE_METRIC_MEMORY, "out of memory");
}

/* Greeting */

static void
say_hello(struct relay_edge *e)
{
	const char *node = e->options.spec->node;
	struct eio_buf body = { 0 };

	e->own = (struct relay_hello){ .version = RELAY_VERSION };
	memcpy(e->own.nonce, eio_random_take(&e->options.thread->random, RELAY_NONCE), RELAY_NONCE);
	if (node) memcpy(e->own.node, node, strlen(node) + 1);
	relay_hello_write(&e->own, &body);
	if (eio_buf_failed(&body) || !edge_say(e, RELAY_HELLO, eio_buf_bytes(&body)))
		fail_hub(e, RELAY_EDGE_METRIC_MEMORY, "out of memory");
	eio_buf_deinit(&body);
}

static void
say_proof(struct relay_edge *e)
{
	unsigned char proof[AUTH_MAC];
	struct eio_buf body = { 0 };
	bool good = relay_prove_edge(e->options.spec->secret, &e->own, &e->hub, &e->place, proof);

	eio_buf_append(&body, proof, sizeof proof);
	relay_place_write(&e->place, &body);
	e->state = EDGE_PROVES;
	e->reader.most = e->options.frame_bytes;
	if (!good || eio_buf_failed(&body) || !edge_say(e, RELAY_PROOF, eio_buf_bytes(&body)))
		fail_hub(e, RELAY_EDGE_METRIC_MEMORY, "out of memory");
	eio_buf_deinit(&body);
}

static void
take_hub_hello(struct relay_edge *e, struct eio_bytes s)
{
	unsigned char proof[AUTH_MAC], right[AUTH_MAC];
	bool hello = relay_hello_take(&s, &e->hub);

	if (hello && e->hub.version != RELAY_VERSION) {
		fail_hub(e, RELAY_EDGE_METRIC_REFUSED, "the hub is of another version of siocast");
		return;
	}
	if (!hello || !relay_take_fixed(&s, proof, sizeof proof) || s.n)
		fail_hub(e, RELAY_EDGE_METRIC_PROTOCOL, "what is there is no hub");
	else if (!relay_prove_hub(e->options.spec->secret, &e->own, &e->hub, right) ||
		 !auth_same(proof, right, sizeof right))
		fail_hub(e, RELAY_EDGE_METRIC_REFUSED, "the hub has another key in peerKeyFile");
	else
		say_proof(e);
}

static void
begin_hub_session(struct relay_edge *e, bool resumed)
{
	e->state = EDGE_OPEN;
	e->refused_told = e->lost_told = false;
	redis_backoff_works(&e->backoff, edge_now(e));
	eio_clock_set(&e->options.thread->clock, &e->timer, edge_now(e) + RELAY_EDGE_TICK_MS);
	log_info("hub=%s event=relay-connected node=%s how=%s", e->options.spec->text, *e->hub.node ? e->hub.node : "-",
		resumed ? "resumed" : "new");
	edge_rooms_tell(e, resumed);
	edge_asks_tell(e);
	edge_rooms_sync(e);
	edge_publish_open(e, resumed);
}

static void
open_hub(struct relay_edge *e, struct eio_bytes s)
{
	bool resumed;
	enum edge_took took = edge_take_welcome(e, s, &resumed);

	if (took == EDGE_TOOK)
		begin_hub_session(e, resumed);
	else if (took == EDGE_NO_MEMORY)
		fail_hub(e, RELAY_EDGE_METRIC_MEMORY, "out of memory");
	else
		fail_wrong_hub(e, "what is there is no hub");
}

static void
take_hub_greeting(struct relay_edge *e, const struct relay_frame *f)
{
	char text[128];
	size_t n = f->body.n < sizeof text - 1 ? f->body.n : sizeof text - 1;

	if (f->type == RELAY_REFUSED) {
		memcpy(text, f->body.p, n);
		text[n] = '\0';
		fail_hub(e, RELAY_EDGE_METRIC_REFUSED, text);
	} else if (e->state == EDGE_HELLO && f->type == RELAY_HELLO) {
		take_hub_hello(e, f->body);
	} else if (e->state == EDGE_PROVES && f->type == RELAY_WELCOME) {
		open_hub(e, f->body);
	} else {
		fail_hub(e, RELAY_EDGE_METRIC_PROTOCOL, "what is there is no hub");
	}
}

/* What comes */

/* Greets, until it is open or waits for more. */
static void
read_greeting(struct relay_edge *e)
{
	struct relay_frame f;

	while (e->state == EDGE_HELLO || e->state == EDGE_PROVES) {
		enum relay_read what = relay_reader_next(&e->reader, &f);

		if (what == RELAY_READ_MORE) return;
		if (what == RELAY_READ_FRAME)
			take_hub_greeting(e, &f);
		else
			fail_hub(e, RELAY_EDGE_METRIC_PROTOCOL, "what is there is no hub");
	}
}

static enum edge_took
read_hub_chunk(struct relay_edge *e)
{
	if (e->state != EDGE_OPEN) read_greeting(e);
	return e->state == EDGE_OPEN ? edge_take_frames(e) : EDGE_TOOK;
}

/* The chunk at the front has been read. */
static void
end_chunk(struct relay_edge *e)
{
	struct relay_chunk *c = first_chunk(e);

	/* A gap begins with what was taken last of a session, and not with the greeting of the next. */
	if (e->state == EDGE_OPEN) e->heard_wall_ms = c->came_wall_ms;
	e->first = c->mail.next;
	if (!e->first) e->last = &e->first;
	relay_line_done(e->line, c);
	if (e->first) relay_reader_feed(&e->reader, eio_bytes(first_chunk(e)->data, first_chunk(e)->n));
}

static void
read_hub_chunks(struct relay_edge *e)
{
	while (e->first) {
		enum edge_took took = read_hub_chunk(e);

		if (!e->first) break; /* it failed */
		if (took == EDGE_WAITS_FOR_WORKERS) {
			eio_clock_set(&e->options.thread->clock, &e->behind, edge_now(e) + RELAY_BEHIND_MS);
			break;
		}
		if (took == EDGE_NO_MEMORY) {
			fail_hub(e, RELAY_EDGE_METRIC_MEMORY, "out of memory");
			break;
		}
		if (took == EDGE_BAD) {
			e->place = (struct relay_place){ .session = 0 }; /* it would come again */
			fail_wrong_hub(e, "what the hub said is against the protocol");
			break;
		}
		end_chunk(e);
	}
	metrics_put(e->metrics, RELAY_EDGE_METRIC_UNREAD, relay_line_unread(e->line));
	feed_pass_end(e->options.feed);
}

static void
on_line_bytes(void *user, struct relay_chunk *c)
{
	struct relay_edge *e = edge_of(user);
	bool first = !e->first;

	e->heard_ms = edge_now(e);
	c->came_wall_ms = clock_wall_ms();
	metrics_add(e->metrics, RELAY_EDGE_METRIC_BYTES, c->n);
	c->mail.next = NULL;
	*e->last = &c->mail;
	e->last = &c->mail.next;
	if (!first) return;
	relay_reader_feed(&e->reader, eio_bytes(c->data, c->n));
	read_hub_chunks(e);
}

static void
on_line_opened(void *user)
{
	struct relay_edge *e = edge_of(user);

	e->state = EDGE_HELLO;
	e->reader.most = RELAY_GREETING_MAX;
	say_hello(e);
}

static void
on_line_closed(void *user, const char *why)
{
	struct relay_edge *e = edge_of(user);
	bool open = e->state == EDGE_OPEN;

	fail_hub(e, open ? RELAY_EDGE_METRIC_LOST : RELAY_EDGE_METRIC_UNREACHED, why);
}

const struct relay_line_events edge_line_events = {
	.opened = on_line_opened,
	.received = on_line_bytes,
	.closed = on_line_closed,
};

/* Time */

static void
on_edge_timer(struct eio_timer *t)
{
	struct relay_edge *e = EIO_CONTAINER(t, struct relay_edge, timer);
	uint64_t now = edge_now(e);

	CHECK_MAGIC(e, RELAY_EDGE_MAGIC);
	if (e->state == EDGE_WAITS) {
		look_for_hub(e);
	} else if (e->state != EDGE_OPEN) {
		fail_hub(e, RELAY_EDGE_METRIC_SILENT, "it did not answer in time");
	} else if (e->starved) {
		fail_hub(e, RELAY_EDGE_METRIC_MEMORY, "out of memory");
	} else if (now - e->heard_ms >= RELAY_EDGE_SILENCE_MS && !e->first) {
		fail_hub(e, RELAY_EDGE_METRIC_SILENT, "it is silent");
	} else {
		eio_clock_set(&e->options.thread->clock, &e->timer, now + RELAY_EDGE_TICK_MS);
		edge_say_received(e);
		edge_rooms_look_again(e);
	}
}

static void
on_edge_behind(struct eio_timer *t)
{
	struct relay_edge *e = EIO_CONTAINER(t, struct relay_edge, behind);

	CHECK_MAGIC(e, RELAY_EDGE_MAGIC);
	read_hub_chunks(e);
}

void
edge_link_init(struct relay_edge *e)
{
	e->last = &e->first;
	eio_list_init(&e->publications);
	eio_timer_init(&e->timer, on_edge_timer);
	eio_timer_init(&e->behind, on_edge_behind);
}

void
edge_link_begin(struct relay_edge *e)
{
	look_for_hub(e);
}

void
edge_link_end(struct relay_edge *e)
{
	if (e->lookup) e->lookup->edge = NULL;
	e->lookup = NULL;
	eio_clock_set(&e->options.thread->clock, &e->timer, UINT64_MAX);
	relay_line_stop(e->line);
	drop_chunks(e);
	e->state = EDGE_CLOSED;
}
