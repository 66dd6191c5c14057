/* SPDX-License-Identifier: MIT */
/*
 * The client role of libwebsockets. What differs between its versions, and with how it was built, is not used: it
 * waits by its own poll(), knows addresses in numbers only, and no TLS.
 *
 *     who asks ── order, out {lock} ──▶ lws_cancel_service() ──▶ on_line_woken: connects, kills, has it written
 *        ▲                                                            │
 *        └──────────────── mail: opened, bytes, closed ◀──────────────┘
 */
#include "src/relay/line.h"

#include "eio/buf.h"
#include "eio/check.h"
#include "src/relay/spec.h"

#include <errno.h>
#include <libwebsockets.h>
#include <pthread.h>
#include <stdlib.h>

enum {
	LINE_MAGIC = 0x5e1a0010,
	LINE_READ_BYTES = 65536,
	LINE_WRITE_BYTES = 65536, /* of one message of the WebSocket */
	LINE_DESCRIPTORS = 16,
	LINE_WHY_BYTES = 120,
};

enum line_kind { LINE_OPENED, LINE_BYTES, LINE_CLOSED };

struct line_order {
	uint64_t attempt; /* 0: no connection is wanted */
	unsigned port;
	char address[64], host[320], path[64];
};

struct relay_line {
	unsigned magic;
	struct relay_line_events events;
	struct mail_port told;
	uint64_t attempt, attempts; /* of whom it tells: the connection that is wanted, 0: none; how many so far */
	bool running, stopped; /* its thread is there; has been told to end */
	uv_thread_t id;
	struct lws_context *context;
	uv_mutex_t lock;
	struct line_order order; /* {lock} */
	struct eio_buf out; /* {lock}: what is to be sent to attempt order.attempt, and ... */
	size_t sent; /* {lock}: ... so much of that was */
	atomic_size_t unread;
	atomic_bool ends, paused; /* paused: nothing is read */
	/* Its own thread's. */
	struct line_order now;
	struct lws *wsi; /* NULL: there is no connection */
	bool open, over; /* it is; its end was told */
	char writing[LWS_PRE + LINE_WRITE_BYTES];
};

/* On its own thread */

static struct relay_chunk *
chunk_new(const struct relay_line *l, enum line_kind kind, const void *p, size_t n)
{
	struct relay_chunk *c = malloc(sizeof *c + n + 1);

	if (!c) return NULL;
	c->kind = kind;
	c->attempt = l->now.attempt;
	c->n = n;
	if (n) memcpy(c->data, p, n);
	c->data[n] = '\0';
	return c;
}

/* What cannot be told for want of memory is found out by silence. */
static bool
tell_line(struct relay_line *l, enum line_kind kind, const void *p, size_t n)
{
	struct relay_chunk *c = chunk_new(l, kind, p, n);

	if (!c) return false;
	atomic_fetch_add_explicit(&l->unread, n, memory_order_relaxed);
	mail_post(&l->told, &c->mail);
	return true;
}

static void
end_hub_line(struct relay_line *l, const char *why)
{
	size_t n = strlen(why);

	l->wsi = NULL;
	l->open = false;
	if (l->over) return;
	l->over = true;
	tell_line(l, LINE_CLOSED, why, n < LINE_WHY_BYTES ? n : LINE_WHY_BYTES);
}

static void
begin_line(struct relay_line *l)
{
	struct lws_client_connect_info info = { 0 };
	char host[sizeof l->now.host + 16];

	l->over = false;
	atomic_store_explicit(&l->paused, false, memory_order_relaxed);
	lws_snprintf(host, sizeof host, strchr(l->now.host, ':') ? "[%s]:%u" : "%s:%u", l->now.host, l->now.port);
	info.context = l->context;
	info.address = l->now.address;
	info.port = (int)l->now.port;
	info.path = l->now.path;
	info.host = host;
	info.protocol = info.local_protocol_name = RELAY_PROTOCOL;
	info.ietf_version_or_minus_one = -1;
	info.pwsi = &l->wsi;
	if (!lws_client_connect_via_info(&info)) end_hub_line(l, "it could not be begun");
}

/* Whether somebody wants another connection, or none: what is wanted becomes what is done. */
static bool
take_order(struct relay_line *l)
{
	bool other;

	uv_mutex_lock(&l->lock);
	other = l->order.attempt != l->now.attempt;
	if (other && !l->wsi) l->now = l->order;
	uv_mutex_unlock(&l->lock);
	return other;
}

static void
follow_order(struct relay_line *l)
{
	if (!take_order(l)) return;
	/* It goes when lws says so, and then the next is begun. */
	if (l->wsi)
		lws_set_timeout(l->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
	else if (l->now.attempt && !atomic_load(&l->ends))
		begin_line(l);
}

static void
on_line_woken(struct relay_line *l)
{
	follow_order(l);
	if (!l->wsi || !l->open) return;
	lws_callback_on_writable(l->wsi);
	if (atomic_load(&l->paused) && atomic_load(&l->unread) < RELAY_LINE_UNREAD / 2) {
		atomic_store(&l->paused, false);
		lws_rx_flow_control(l->wsi, 1);
	}
}

static int
on_line_received(struct relay_line *l, const void *p, size_t n)
{
	if (!tell_line(l, LINE_BYTES, p, n)) return -1;
	if (atomic_load(&l->unread) < RELAY_LINE_UNREAD || atomic_load(&l->paused)) return 0;
	atomic_store(&l->paused, true);
	lws_rx_flow_control(l->wsi, 0);
	/* Who gave back everything just now did not see that it is paused. */
	if (atomic_load(&l->unread) < RELAY_LINE_UNREAD / 2) lws_cancel_service(l->context);
	return 0;
}

/* {lock} */
static size_t
left_to_send(const struct relay_line *l)
{
	return l->out.n - l->sent;
}

/* {lock} */
static void
forget_sent(struct relay_line *l)
{
	eio_buf_deinit(&l->out);
	l->sent = 0;
}

/* {lock}. What was sent goes when it is half of all, so that no byte is moved often. */
static void
move_unsent(struct relay_line *l)
{
	if (l->sent < l->out.n / 2) return;
	l->out.n -= l->sent;
	memmove(l->out.p, l->out.p + l->sent, l->out.n);
	l->sent = 0;
}

static int
on_line_writable(struct relay_line *l)
{
	size_t n = 0, left = 0;

	uv_mutex_lock(&l->lock);
	if (l->order.attempt == l->now.attempt) {
		n = left_to_send(l) < LINE_WRITE_BYTES ? left_to_send(l) : LINE_WRITE_BYTES;
		if (n) memcpy(l->writing + LWS_PRE, l->out.p + l->sent, n);
		l->sent += n;
		left = left_to_send(l);
		if (!left)
			forget_sent(l);
		else
			move_unsent(l);
	}
	uv_mutex_unlock(&l->lock);
	if (n && lws_write(l->wsi, (unsigned char *)l->writing + LWS_PRE, n, LWS_WRITE_BINARY) < (int)n) return -1;
	if (left) lws_callback_on_writable(l->wsi);
	return 0;
}

static int
on_line_event(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *in, size_t n)
{
	struct relay_line *l = lws_context_user(lws_get_context(wsi));

	(void)session;
	/* While the context is made there is none. */
	if (!l || l->magic != LINE_MAGIC) return 0;
	switch (reason) {
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED: on_line_woken(l); break;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		l->wsi = wsi;
		l->open = true;
		tell_line(l, LINE_OPENED, "", 0);
		lws_callback_on_writable(wsi);
		break;
	case LWS_CALLBACK_CLIENT_RECEIVE: return on_line_received(l, in, n);
	case LWS_CALLBACK_CLIENT_WRITEABLE: return on_line_writable(l);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: end_hub_line(l, in ? in : "it could not be made"); break;
	case LWS_CALLBACK_CLIENT_CLOSED: end_hub_line(l, "it was closed"); break;
	case LWS_CALLBACK_WSI_DESTROY:
		if (wsi == l->wsi) end_hub_line(l, "it ended");
		/* What is wanted next begins when this one is gone. */
		if (!atomic_load(&l->ends)) lws_cancel_service(l->context);
		break;
	default: break;
	}
	return 0;
}

static const struct lws_protocols line_protocols[] = {
	{ .name = RELAY_PROTOCOL, .callback = on_line_event, .rx_buffer_size = LINE_READ_BYTES },
	{ .name = NULL },
};

static void
run_line(void *arg)
{
	struct relay_line *l = arg;

	pthread_setname_np(pthread_self(), "siocast-relay");
	while (!atomic_load(&l->ends) && lws_service(l->context, 0) >= 0) continue;
}

/* On the thread that is told */

static struct relay_line *
hub_line_of(void *user)
{
	struct relay_line *l = user;

	CHECK_MAGIC(l, LINE_MAGIC);
	return l;
}

void
relay_line_done(struct relay_line *l, struct relay_chunk *c)
{
	size_t left = atomic_fetch_sub(&l->unread, c->n) - c->n;

	free(c);
	if (l->running && atomic_load(&l->paused) && left < RELAY_LINE_UNREAD / 2) lws_cancel_service(l->context);
}

static void
tell_chunk(struct relay_line *l, struct relay_chunk *c)
{
	const struct relay_line_events *e = &l->events;

	if (c->kind == LINE_BYTES && c->attempt == l->attempt) {
		e->received(e->user, c);
		return;
	}
	if (c->kind == LINE_OPENED && c->attempt == l->attempt) e->opened(e->user);
	if (c->kind == LINE_CLOSED && c->attempt == l->attempt) {
		l->attempt = 0;
		e->closed(e->user, c->data);
	}
	relay_line_done(l, c);
}

static void
take_told_line(void *user, struct mail *run)
{
	struct relay_line *l = hub_line_of(user);

	while (run) {
		struct relay_chunk *c = EIO_CONTAINER(run, struct relay_chunk, mail);

		run = run->next;
		tell_chunk(l, c);
	}
}

static void
give_order(struct relay_line *l, const struct line_order *order)
{
	uv_mutex_lock(&l->lock);
	l->order = *order;
	forget_sent(l);
	uv_mutex_unlock(&l->lock);
	l->attempt = order->attempt;
	if (l->running) lws_cancel_service(l->context);
}

bool
relay_line_connect(struct relay_line *l, const char *address, unsigned port, const char *host, const char *path)
{
	struct line_order order = { .attempt = ++l->attempts, .port = port };

	if (strlen(address) >= sizeof order.address || strlen(host) >= sizeof order.host ||
		strlen(path) >= sizeof order.path)
		return false;
	memcpy(order.address, address, strlen(address));
	memcpy(order.host, host, strlen(host));
	memcpy(order.path, path, strlen(path));
	give_order(l, &order);
	return true;
}

void
relay_line_hang_up(struct relay_line *l)
{
	give_order(l, &(struct line_order){ .attempt = 0 });
}

bool
relay_line_send(struct relay_line *l, struct eio_bytes s)
{
	bool good = false, first = false;

	if (!l->attempt) return false;
	uv_mutex_lock(&l->lock);
	first = !left_to_send(l);
	if (eio_buf_reserve(&l->out, s.n)) {
		eio_buf_add(&l->out, s);
		good = true;
	} else {
		l->out.failed = false;
	}
	uv_mutex_unlock(&l->lock);
	if (good && first && l->running) lws_cancel_service(l->context);
	return good;
}

size_t
relay_line_unsent(struct relay_line *l)
{
	size_t n;

	uv_mutex_lock(&l->lock);
	n = left_to_send(l);
	uv_mutex_unlock(&l->lock);
	return n;
}

size_t
relay_line_unread(const struct relay_line *l)
{
	return atomic_load_explicit(&l->unread, memory_order_relaxed);
}

/* From the beginning to the end */

struct relay_line *
relay_line_new(struct thread *thread, const struct relay_line_events *events)
{
	struct relay_line *l = calloc(1, sizeof *l);
	struct lws_context_creation_info info = { 0 };

	if (!l) return NULL;
	l->magic = LINE_MAGIC;
	l->events = *events;
	l->told = (struct mail_port){ &thread->mailbox, take_told_line, l };
	atomic_init(&l->unread, 0);
	/* What it has to say it says by the reason of an end. */
	lws_set_log_level(0, NULL);
	info.port = CONTEXT_PORT_NO_LISTEN;
	info.protocols = line_protocols;
	info.gid = info.uid = -1;
	info.fd_limit_per_thread = LINE_DESCRIPTORS;
	info.pt_serv_buf_size = LINE_READ_BYTES;
	info.http_proxy_address = ""; /* else the environment says it */
	info.user = l;
	if (uv_mutex_init(&l->lock)) goto fail;
	l->context = lws_create_context(&info);
	if (l->context) return l;
	uv_mutex_destroy(&l->lock);
fail:
	free(l);
	return NULL;
}

int
relay_line_start(struct relay_line *l)
{
	int err = uv_thread_create(&l->id, run_line, l);

	l->running = !err;
	if (!err && l->attempt) lws_cancel_service(l->context);
	return err;
}

void
relay_line_stop(struct relay_line *l)
{
	CHECK_MAGIC(l, LINE_MAGIC);
	l->attempt = 0;
	if (l->stopped) return;
	l->stopped = true;
	atomic_store(&l->ends, true);
	if (l->running) {
		lws_cancel_service(l->context);
		uv_thread_join(&l->id);
	}
	l->running = false;
	/* Behind the thread: it could have been gone before it was woken. */
	lws_context_destroy(l->context);
}

void
relay_line_free(struct relay_line *l)
{
	if (!l) return;
	CHECK(l->stopped && !l->running);
	uv_mutex_destroy(&l->lock);
	eio_buf_deinit(&l->out);
	l->magic = 0;
	free(l);
}
