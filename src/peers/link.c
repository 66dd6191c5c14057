/* SPDX-License-Identifier: MIT */
/* One connection, and what is on its way by it. The handle of libuv outlives everything else by a turn of the loop:
 * what a write still points at goes with it. */
#include "src/peers/link.h"

#include "eio/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { PEERS_LINK_MAGIC = 0x9ee25001, READ_BYTES = 65536, KEEP_ALIVE_S = 15 };

enum link_state { LINK_CONNECTS, LINK_GREETS, LINK_IDLE, LINK_ASKS, LINK_LEAVES, LINK_CLOSED };

struct peers_link {
	unsigned magic; /* PEERS_LINK_MAGIC */
	const struct peers_link_options *o;
	struct peers_node *node; /* a reference */
	struct eio_list list;
	void *slot;
	enum link_state state;
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_write_t write;
	bool writing, broken;
	struct eio_timer timer;
	uint64_t idle_ms;
	struct peers_hello ask;
	struct peers_pass pass;
	struct peers_answer answer;
	struct eio_buf out; /* what is being written, but for the body */
	struct eio_exchange *ex; /* whose body that is; a reference */
};

/* The end */

static void
on_link_closed(uv_handle_t *h)
{
	struct peers_link *l = h->data;

	CHECK_MAGIC(l, PEERS_LINK_MAGIC);
	peers_answer_reset(&l->answer);
	eio_buf_deinit(&l->out);
	eio_exchange_unref(l->ex);
	peers_node_unref(l->node);
	l->magic = 0;
	free(l);
}

void
peers_link_close(struct peers_link *l)
{
	CHECK_MAGIC(l, PEERS_LINK_MAGIC);
	CHECK(l->state != LINK_CLOSED);
	l->state = LINK_CLOSED;
	eio_list_remove(&l->list);
	eio_clock_set(l->o->clock, &l->timer, UINT64_MAX);
	uv_close((uv_handle_t *)&l->tcp, on_link_closed);
}

static void
end_link(struct peers_link *l, enum peers_link_end how)
{
	const struct peers_link_options *o = l->o;
	bool greeted = l->state != LINK_CONNECTS && l->state != LINK_GREETS;

	o->events->ended(o->user, l, how, greeted);
	if (l->state != LINK_CLOSED) peers_link_close(l);
}

static void
on_peer_timer(struct eio_timer *t)
{
	struct peers_link *l = EIO_CONTAINER(t, struct peers_link, timer);

	CHECK_MAGIC(l, PEERS_LINK_MAGIC);
	end_link(l, l->broken || l->state == LINK_IDLE ? PEERS_LINK_CLOSED : PEERS_LINK_TIMEOUT);
}

static void
set_link_timer(struct peers_link *l, uint64_t ms)
{
	eio_clock_set(l->o->clock, &l->timer, eio_clock_now(l->o->clock) + ms);
}

/* Writing */

static void
leave_link(struct peers_link *l)
{
	uv_os_fd_t fd;
	int own = uv_fileno((uv_handle_t *)&l->tcp, &fd) ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	const struct peers_link_options *o = l->o;

	peers_link_close(l);
	o->events->left(o->user, l, own);
}

static void
on_link_written(uv_write_t *w, int status)
{
	struct peers_link *l = w->data;

	CHECK_MAGIC(l, PEERS_LINK_MAGIC);
	l->writing = false;
	if (l->state == LINK_CLOSED) return;
	if (status < 0)
		end_link(l, PEERS_LINK_CLOSED);
	else if (l->state == LINK_LEAVES)
		leave_link(l);
}

/* Writes what is in l->out, and a body. */
static void
write_peer(struct peers_link *l, struct eio_bytes body)
{
	uv_buf_t bufs[2];

	l->write.data = l;
	if (!eio_buf_failed(&l->out) && !l->writing) {
		bufs[0] = uv_buf_init(l->out.p, (unsigned)l->out.n);
		bufs[1] = uv_buf_init((char *)(uintptr_t)body.p, (unsigned)body.n);
		l->writing = uv_write(&l->write, (uv_stream_t *)&l->tcp, bufs, body.n ? 2 : 1, on_link_written) == 0;
		if (l->writing) return;
	}
	/* Its end is told later: not from within the call of whoever has it write. */
	l->broken = true;
	set_link_timer(l, 0);
}

/* Reading */

static void
greet(struct peers_link *l)
{
	const struct peers_link_options *o = l->o;
	struct peers_hello other;

	if (l->answer.status != 200 || l->answer.close ||
		!peers_answer_read(o->secret, &l->ask, eio_buf_bytes(&l->answer.peer), &other, &l->pass)) {
		end_link(l, PEERS_LINK_CLOSED);
		return;
	}
	if (other.idle_s && (uint64_t)other.idle_s * 500 < l->idle_ms) l->idle_ms = (uint64_t)other.idle_s * 500;
	peers_answer_reset(&l->answer);
	l->state = LINK_IDLE;
	set_link_timer(l, l->idle_ms);
	if (o->events->hello(o->user, l, &other)) o->events->idle(o->user, l);
}

static void
answered(struct peers_link *l)
{
	const struct peers_link_options *o = l->o;

	/* Who answers before he has read all has refused it. */
	bool ends = l->answer.close || l->writing;

	o->events->answer(o->user, l, &l->answer);
	if (l->state == LINK_CLOSED) return;
	if (ends) {
		end_link(l, PEERS_LINK_CLOSED);
		return;
	}
	peers_answer_reset(&l->answer);
	eio_exchange_unref(l->ex);
	l->ex = NULL;
	l->state = LINK_IDLE;
	set_link_timer(l, l->idle_ms);
	o->events->idle(o->user, l);
}

static void
take_link_bytes(struct peers_link *l, struct eio_bytes s)
{
	enum peers_answer_state state = PEERS_ANSWER_BAD;

	if (l->state == LINK_GREETS || l->state == LINK_ASKS) state = peers_answer_feed(&l->answer, s);
	if (state == PEERS_ANSWER_BAD)
		end_link(l, PEERS_LINK_CLOSED);
	else if (state == PEERS_ANSWER_COMPLETE && l->state == LINK_GREETS)
		greet(l);
	else if (state == PEERS_ANSWER_COMPLETE)
		answered(l);
}

static void
on_peer_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	/* One for all links of a thread: what is in it is used up before the next read. */
	static _Thread_local char bytes[READ_BYTES];

	(void)h;
	(void)suggested;
	*buf = uv_buf_init(bytes, sizeof bytes);
}

static void
on_peer_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct peers_link *l = stream->data;

	CHECK_MAGIC(l, PEERS_LINK_MAGIC);
	if (n == 0 || l->state == LINK_CLOSED) return;
	if (n < 0)
		end_link(l, PEERS_LINK_CLOSED);
	else
		take_link_bytes(l, eio_bytes(buf->base, (size_t)n));
}

/* Asking */

void
peers_link_send(struct peers_link *l, struct eio_exchange *ex, bool too_large)
{
	struct eio_bytes body = eio_bytes(ex->req->body.p, too_large ? 0 : ex->req->body.n);

	CHECK_MAGIC(l, PEERS_LINK_MAGIC);
	CHECK(l->state == LINK_IDLE);
	l->state = LINK_ASKS;
	peers_answer_reset(&l->answer);
	l->answer.head_only = ex->req->method == EIO_HTTP_HEAD;
	eio_exchange_unref(l->ex);
	l->ex = eio_exchange_ref(ex);
	eio_buf_clear(&l->out);
	peers_request_write(&l->pass, ex->req, too_large, &l->out);
	set_link_timer(l, l->o->answer_ms);
	write_peer(l, body);
}

void
peers_link_send_upgrade(struct peers_link *l, const struct eio_upgrade *up)
{
	CHECK_MAGIC(l, PEERS_LINK_MAGIC);
	CHECK(l->state == LINK_IDLE);
	l->state = LINK_LEAVES;
	/* What is answered is for whoever has the connection then. */
	uv_read_stop((uv_stream_t *)&l->tcp);
	eio_buf_clear(&l->out);
	peers_request_write(&l->pass, up->req, false, &l->out);
	eio_buf_add(&l->out, eio_buf_bytes(&up->rest));
	set_link_timer(l, PEERS_HELLO_MS);
	write_peer(l, eio_bytes("", 0));
}

/* Connecting */

static void
on_link_connected(uv_connect_t *c, int status)
{
	struct peers_link *l = c->data;

	CHECK_MAGIC(l, PEERS_LINK_MAGIC);
	if (l->state == LINK_CLOSED) return;
	if (status < 0 || uv_read_start((uv_stream_t *)&l->tcp, on_peer_alloc, on_peer_read)) {
		end_link(l, PEERS_LINK_CLOSED);
		return;
	}
	l->state = LINK_GREETS;
	uv_tcp_nodelay(&l->tcp, 1);
	/* Of what is passed on nobody asks whether the other machine is there. */
	uv_tcp_keepalive(&l->tcp, 1, KEEP_ALIVE_S);
	EIO_BUF_ADD_LIT(&l->out, "GET / HTTP/1.1\r\nHost: siocast\r\nSiocast-Peer: ");
	peers_hello_write(&l->ask, &l->out);
	EIO_BUF_ADD_LIT(&l->out, "\r\n\r\n");
	write_peer(l, eio_bytes("", 0));
}

struct peers_link *
peers_link_new(const struct peers_link_options *o, struct peers_node *node, const unsigned char nonce[PEERS_NONCE])
{
	struct peers_link *l = calloc(1, sizeof *l);

	if (!l) return NULL;
	l->magic = PEERS_LINK_MAGIC;
	l->o = o;
	l->node = peers_node_ref(node);
	l->idle_ms = PEERS_IDLE_MS;
	l->answer.max_body = o->max_body;
	memcpy(l->ask.nonce, nonce, PEERS_NONCE);
	memcpy(l->ask.node, o->own, strlen(o->own) + 1);
	eio_list_init(&l->list);
	eio_timer_init(&l->timer, on_peer_timer);
	uv_tcp_init(o->loop, &l->tcp); /* cannot fail: it makes no socket yet */
	l->tcp.data = l->connect.data = l;
	if (uv_tcp_connect(&l->connect, &l->tcp, &node->address.any, on_link_connected)) {
		peers_link_close(l);
		return NULL;
	}
	set_link_timer(l, PEERS_HELLO_MS);
	return l;
}

struct peers_node *
peers_link_node(const struct peers_link *l)
{
	return l->node;
}

void **
peers_link_slot(struct peers_link *l)
{
	return &l->slot;
}

struct eio_list *
peers_link_list(struct peers_link *l)
{
	return &l->list;
}

struct peers_link *
peers_link_of_list(struct eio_list *list)
{
	return EIO_CONTAINER(list, struct peers_link, list);
}
