/* SPDX-License-Identifier: MIT */
/* Asking one node after the other; see the header. */
#include "src/redis/seek.h"

#include "eio/check.h"
#include "src/redis/command.h"
#include "src/redis/reader.h"
#include "src/redis/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_SEEK_MAGIC 0x4ed15eec

enum { STRING_BYTES = 65536 };

enum seek_phase {
	NODE_IS_ASKED,
	NODE_IS_ONE, /* of a Cluster */
	NODE_IS_NO_USE,
};

struct redis_seek {
	unsigned magic;
	uv_loop_t *loop;
	const struct redis_url *url;
	struct redis_known *known;
	redis_dialed_fn done;
	void *user;
	struct redis_url node; /* owned: who is asked */
	size_t left; /* how many are to be tried, that at hand included */
	struct redis_dial *dial; /* either of these, or none */
	struct redis_socket *socket;
	struct redis_reader *reader; /* with the socket */
	unsigned greetings; /* replies before the one that matters */
	uv_timer_t timer; /* how long who is asked may take; or the next turn has come */
	enum seek_phase phase;
	char why[512]; /* it was no use; "" */
};

static void on_seek_timer(uv_timer_t *t);

int
redis_known_init(struct redis_known *k)
{
	*k = (struct redis_known){ .next = 0 };
	return redis_topology_init(&k->heard);
}

void
redis_known_deinit(struct redis_known *k)
{
	redis_topology_deinit(&k->heard);
	redis_url_deinit(&k->at);
}

static struct redis_seek *
seek_of(void *user)
{
	struct redis_seek *s = user;

	CHECK_MAGIC(s, REDIS_SEEK_MAGIC);
	return s;
}

static size_t
count_known(const struct redis_seek *s)
{
	return s->url->n_guides + s->known->heard.n;
}

/* The address of who is next. 0, or -1 when out of memory. */
static int
choose_node(struct redis_seek *s)
{
	size_t i = s->known->next % count_known(s), seeds = s->url->n_guides;
	const struct redis_node *node = i < seeds ? NULL : &s->known->heard.nodes[i - seeds];

	redis_url_deinit(&s->node);
	s->known->next = (i + 1) % count_known(s);
	return node ? redis_url_node(s->url, node->host, node->port, &s->node)
		    : redis_url_copy(&s->url->guides[i], &s->node);
}

/* The end */

static void
hang_up_node(struct redis_seek *s)
{
	if (s->dial) redis_dial_cancel(s->dial);
	if (s->socket) redis_socket_close(s->socket);
	redis_reader_free(s->reader);
	s->dial = NULL;
	s->socket = NULL;
	s->reader = NULL;
}

static void
on_seek_closed(uv_handle_t *h)
{
	struct redis_seek *s = seek_of(h->data);

	s->magic = 0;
	free(s);
}

void
redis_seek_cancel(struct redis_seek *s)
{
	CHECK_MAGIC(s, REDIS_SEEK_MAGIC);
	hang_up_node(s);
	redis_url_deinit(&s->node);
	uv_close((uv_handle_t *)&s->timer, on_seek_closed);
}

static void
end_seek(struct redis_seek *s, struct redis_socket *socket)
{
	redis_dialed_fn done = s->done;
	void *user = s->user;
	char why[sizeof s->why];

	snprintf(why, sizeof why, "%s", s->why);
	redis_seek_cancel(s);
	done(user, socket, socket ? NULL : why);
}

/* Answers */

/* It goes on from the loop: a socket is telling something just now. */
static void
leave_node(struct redis_seek *s, enum seek_phase phase)
{
	s->phase = phase;
	uv_timer_start(&s->timer, on_seek_timer, 0, 0);
}

static void
is_no_use(struct redis_seek *s, const char *why)
{
	snprintf(s->why, sizeof s->why, "node %s: %s", s->node.name ? s->node.name : "?", why);
	leave_node(s, NODE_IS_NO_USE);
}

/* What it answers is kept, also of the nodes that it names: who was reached may go. */
static void
take_slots(struct redis_seek *s, const struct redis_values *values)
{
	const char *why = redis_topology_read(&s->known->heard, values, s->node.host);

	if (why) {
		is_no_use(s, why);
		return;
	}
	redis_socket_read_stop(s->socket);
	leave_node(s, NODE_IS_ONE);
}

/* Whoever asks for a password, or may not be asked, says so to what would come next as well. */
static void
take_node_refusal(struct redis_seek *s, struct eio_bytes error, bool greeting)
{
	char text[256], why[400];

	redis_refusal(error, &s->node, greeting, text, sizeof text);
	snprintf(why, sizeof why, "%s%s", greeting ? "AUTH refused: " : "", text);
	is_no_use(s, why);
}

static void
take_node_reply(struct redis_seek *s, const struct redis_event *event)
{
	bool refused = event->reply == REDIS_REPLY_IS_ERROR, courtesy = s->greetings == 1;

	if (s->greetings) {
		s->greetings--;
		if (refused && !courtesy) take_node_refusal(s, event->text, true);
	} else if (refused) {
		take_node_refusal(s, event->text, false);
	} else {
		take_slots(s, event->values);
	}
}

static void
on_seek_read(void *user, struct eio_bytes bytes)
{
	struct redis_seek *s = seek_of(user);
	struct redis_event event;
	enum redis_read got;

	if (s->phase != NODE_IS_ASKED) return;
	redis_reader_feed(s->reader, bytes);
	while (s->phase == NODE_IS_ASKED && (got = redis_reader_next(s->reader, &event)) != REDIS_READ_NONE) {
		if (got == REDIS_READ_REPLY)
			take_node_reply(s, &event);
		else
			is_no_use(s, got == REDIS_READ_ERROR ? event.why : "what it says was not asked for");
	}
}

static void
on_seek_broken(void *user, const char *why)
{
	struct redis_seek *s = seek_of(user);

	if (s->phase != NODE_IS_NO_USE) is_no_use(s, why);
}

/* Asking */

static const char *
ask_for_slots(struct redis_seek *s)
{
	struct eio_buf b;

	eio_buf_init(&b);
	s->greetings = redis_command_greet(&b, &s->node);
	redis_command(&b, 2);
	redis_argument(&b, EIO_LIT("CLUSTER"));
	redis_argument(&b, EIO_LIT("SLOTS"));
	return redis_socket_write(s->socket, &b);
}

static void
on_seek_dialed(void *user, struct redis_socket *socket, const char *why)
{
	static const struct redis_socket_events events = { .read = on_seek_read, .broken = on_seek_broken };
	struct redis_seek *s = seek_of(user);

	s->dial = NULL;
	if (socket) {
		s->socket = socket;
		redis_socket_hand_over(socket, &events, s);
		s->reader = redis_reader_new(STRING_BYTES);
		if (s->reader) redis_reader_expect_values(s->reader, REDIS_TOPOLOGY_BYTES);
		why = s->reader ? redis_socket_read_start(socket) : "out of memory";
		if (!why) why = ask_for_slots(s);
	}
	if (why) is_no_use(s, why);
}

static void
call_node(struct redis_seek *s)
{
	hang_up_node(s);
	s->phase = NODE_IS_ASKED;
	uv_timer_start(&s->timer, on_seek_timer, REDIS_SEEK_MS, 0);
	if (choose_node(s) == 0) s->dial = redis_dial_start(s->loop, &s->node, on_seek_dialed, s);
	if (!s->dial) is_no_use(s, "out of memory");
}

static void
hand_node(struct redis_seek *s)
{
	struct redis_socket *socket = s->socket;

	s->socket = NULL;
	redis_url_deinit(&s->known->at);
	s->known->at = s->node;
	s->node = (struct redis_url){ 0 };
	end_seek(s, socket);
}

static void
on_seek_timer(uv_timer_t *t)
{
	struct redis_seek *s = seek_of(t->data);

	if (s->phase == NODE_IS_ASKED)
		is_no_use(s, "no answer in time");
	else if (s->phase == NODE_IS_ONE)
		hand_node(s);
	else if (s->left-- > 1)
		call_node(s);
	else
		end_seek(s, NULL);
}

struct redis_seek *
redis_seek_start(
	uv_loop_t *loop, const struct redis_url *url, struct redis_known *known, redis_dialed_fn done, void *user)
{
	struct redis_seek *s = calloc(1, sizeof *s);

	CHECK(url->is_cluster && url->n_guides);
	if (!s) return NULL;
	*s = (struct redis_seek){
		.magic = REDIS_SEEK_MAGIC, .loop = loop, .url = url, .known = known, .done = done, .user = user
	};
	uv_timer_init(loop, &s->timer); /* cannot fail */
	s->timer.data = s;
	s->left = count_known(s);
	call_node(s);
	return s;
}
