/* SPDX-License-Identifier: MIT */
/*
 * A connection of the HTTP server: its end, its clock, and what follows from its
 * writes. conn_read.c has the way of a request.
 *
 *     reading ──request──▶ waiting ──answer──▶ reading
 *        │                    │
 *        ▼                    ▼
 *     lingering ────────▶ closed        upgrade: the descriptor leaves, the rest closes
 */
#include "eio/check.h"
#include "eio/net/httpd_int.h"

#include <stdlib.h>

void
eio__conn_release_request(struct eio__conn *c)
{
	if (c->notified && !c->complete) eio_http_take(c->http);
	c->notified = c->complete = false;
}

/* Lifetime */

static void on_turn(uv_idle_t *turn);

static void
free_httpd(struct eio_httpd *h)
{
	if (--h->last > 0) return;
	eio__responses_deinit(&h->responses);
	eio_uring_free(h->ring);
	free(h);
}

static void
on_turn_closed(uv_handle_t *handle)
{
	free_httpd(handle->data);
}

static void
on_streams_closed(struct eio__watch *w)
{
	free_httpd(EIO_CONTAINER(w, struct eio_httpd, streams.watch));
}

void
eio__httpd_free_if_done(struct eio_httpd *h)
{
	if (!h->closing || h->handles > 0 || h->last) return;
	h->last = 2;
	uv_close((uv_handle_t *)&h->turn, on_turn_closed);
	eio__watch_close(&h->streams.watch, on_streams_closed);
}

static void
free_conn(struct eio__conn *c)
{
	struct eio_httpd *h = c->httpd;

	eio__stream_free(&c->io);
	eio_http_free(c->http);
	eio__pending_clear(&c->pending);
	free(c->pass);
	if (c->relayed) eio_buf_deinit(c->relayed);
	free(c->relayed);
	eio_httpd_door_unref(c->door);
	c->magic = 0;
	free(c);
	CHECK(h->handles > 0);
	h->handles--;
	eio__httpd_free_if_done(h);
}

void
eio__conn_close(struct eio__conn *c)
{
	struct eio_exchange *ex;
	bool notified;

	/* The answer first; that it fails may be another reason to close. */
	if (c->gathered) eio_uring_flush(c->httpd->ring);
	if (c->closing) return;
	c->closing = true;
	eio_clock_set(c->httpd->clock, &c->timer, UINT64_MAX);
	eio_list_remove(&c->link);
	eio_list_remove(&c->ready);
	eio_list_remove(&c->silent);
	eio__behind_remove(&c->httpd->behind, &c->laggard);
	c->httpd->stats.open--;
	eio__stream_close(&c->io);
	/* Who called this may still look at it, and so may the events of this turn. */
	eio_list_add_tail(&c->httpd->gone, &c->ready);
	uv_idle_start(&c->httpd->turn, on_turn);
	eio_exchange_unref(c->last);
	c->last = NULL;
	ex = c->ex;
	notified = c->notified;
	if (!ex) return;
	eio__conn_release_request(c);
	c->ex = NULL;
	ex->conn = NULL;
	if (notified) ex->abort(ex);
	eio_exchange_unref(ex);
}

/* Turns */

static struct eio__conn *
take_first(struct eio_list *turns)
{
	struct eio__conn *c = EIO_CONTAINER(turns->next, struct eio__conn, ready);

	CHECK_MAGIC(c, EIO__CONN_MAGIC);
	eio_list_remove(&c->ready);
	return c;
}

static void
on_turn(uv_idle_t *turn)
{
	struct eio_httpd *h = turn->data;

	while (!eio_list_empty(&h->gone)) free_conn(take_first(&h->gone));
	for (unsigned i = 0; i < EIO_HTTPD_TURN_HANDSHAKES && !eio_list_empty(&h->shaking); i++)
		h->shake(take_first(&h->shaking));
	for (unsigned i = 0; i < EIO_HTTPD_TURN_CONNECTIONS && !eio_list_empty(&h->ready); i++)
		h->go_on(take_first(&h->ready));
	if (eio_list_empty(&h->ready) && eio_list_empty(&h->shaking) && eio_list_empty(&h->gone)) uv_idle_stop(turn);
}

static void
wait_for_turn(struct eio__conn *c, struct eio_list *turns)
{
	struct eio_httpd *h = c->httpd;

	if (h->closing || !eio_list_empty(&c->ready)) return;
	eio_list_add_tail(turns, &c->ready);
	uv_idle_start(&h->turn, on_turn);
}

void
eio__conn_ready(struct eio__conn *c)
{
	wait_for_turn(c, &c->httpd->ready);
}

void
eio__conn_ready_to_shake(struct eio__conn *c)
{
	wait_for_turn(c, &c->httpd->shaking);
}

/* Room */

void
eio__conn_silent(struct eio__conn *c)
{
	if (!eio_list_empty(&c->silent)) return;
	c->silent_since = eio_clock_now(c->httpd->clock);
	eio_list_add_tail(&c->httpd->silent, &c->silent);
}

bool
eio_httpd_make_room(struct eio_httpd *h)
{
	struct eio__conn *c;

	if (eio_list_empty(&h->silent)) return false;
	c = EIO_CONTAINER(h->silent.next, struct eio__conn, silent);
	CHECK_MAGIC(c, EIO__CONN_MAGIC);
	if (eio_clock_now(h->clock) - c->silent_since < EIO_HTTPD_SILENT_MS) return false;
	h->stats.displaced++;
	eio__conn_close(c);
	return true;
}

/* The clock */

static void
set_conn_timer(struct eio__conn *c, uint64_t ms)
{
	eio_clock_set(c->httpd->clock, &c->timer, ms ? eio_clock_now(c->httpd->clock) + ms : UINT64_MAX);
}

void
eio__conn_arm(struct eio__conn *c, uint64_t ms)
{
	c->allowance_ms = ms;
	if (!c->unsent) set_conn_timer(c, ms);
}

/* How many of the bytes that had to be kept have left. */
static size_t
bytes_gone(const struct eio__conn *c)
{
	return c->kept - eio__stream_queue_size(&c->io);
}

size_t
eio__conn_unsent(const struct eio__conn *c)
{
	return eio__stream_queue_size(&c->io) + (size_t)c->rests * EIO__REST_COST;
}

static void
watch_output(struct eio__conn *c)
{
	c->gone = bytes_gone(c);
	set_conn_timer(c, c->httpd->options.keep_alive_timeout_ms);
}

static void
on_conn_timer(struct eio_timer *t)
{
	struct eio__conn *c = EIO_CONTAINER(t, struct eio__conn, timer);

	/* A slow download is none that stands still. */
	if (c->unsent && bytes_gone(c) != c->gone)
		watch_output(c);
	else
		eio__conn_close(c);
}

void
eio__conn_clock_init(struct eio__conn *c)
{
	eio_timer_init(&c->timer, on_conn_timer);
}

/* Ending behind an answer */

void
eio__conn_linger(struct eio__conn *c)
{
	if (c->closing || c->eof) {
		eio__conn_close(c);
		return;
	}
	eio__stream_shutdown(&c->io);
	c->lingering = true;
	eio__conn_arm(c, EIO_HTTPD_LINGER_MS);
	if (c->stopped) eio__conn_ready(c); /* it is read, or what the client still sends would make a reset */
}

/* Some of what the socket did not take at once is out. */
static void
note_rest_written(struct eio__conn *c)
{
	size_t left = eio__stream_queue_size(&c->io);

	if (left == 0) {
		c->unsent = false;
		eio__behind_remove(&c->httpd->behind, &c->laggard);
		set_conn_timer(c, c->allowance_ms);
		if (!c->ex && !c->lingering && eio_http_idle(c->http)) eio__conn_silent(c);
	}
	if (c->stopped && eio__conn_unsent(c) <= EIO_HTTPD_UNSENT_BYTES) eio__conn_ready(c);
}

void
eio__conn_written(struct eio__conn *c, enum eio__wrote how)
{
	switch (how) {
	case EIO__WROTE: break;
	case EIO__WROTE_KEPT:
		if (!c->unsent) {
			c->unsent = true;
			eio__behind_add(&c->httpd->behind, &c->laggard, c->io.fd);
			watch_output(c);
		}
		break;
	case EIO__WROTE_REST: note_rest_written(c); break;
	case EIO__WROTE_LAST:
		c->unsent = false;
		eio__behind_remove(&c->httpd->behind, &c->laggard);
		eio__conn_linger(c);
		break;
	case EIO__WROTE_FAILED: eio__conn_close(c); break;
	}
}
