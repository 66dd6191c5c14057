/* SPDX-License-Identifier: MIT */
/* Playing several servers of Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/redis/peers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Connections */

static void
on_link_closed(uv_handle_t *h)
{
	struct peer_link *l = h->data;

	eio_buf_deinit(&l->in);
	free(l);
}

void
peer_hang_up(struct peer_link *l)
{
	struct peer *p = l->of;

	for (size_t i = 0; i < p->n; i++)
		if (p->links[i] == l) p->links[i] = p->links[--p->n];
	uv_close((uv_handle_t *)&l->tcp, on_link_closed);
}

static void
on_said(uv_write_t *w, int status)
{
	(void)status;
	free(w->data);
	free(w);
}

void
peer_say(struct peer_link *l, struct eio_buf *text)
{
	uv_write_t *w = calloc(1, sizeof *w);
	uv_buf_t b = uv_buf_init(text->p, (unsigned)text->n);

	assert_non_null(w);
	w->data = text->p;
	assert_int_equal(uv_write(w, (uv_stream_t *)&l->tcp, &b, 1, on_said), 0);
	*text = (struct eio_buf){ 0 };
}

size_t
peer_subscribers(const struct peer *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) n += p->links[i]->hears;
	return n;
}

struct peer_link *
peer_subscriber(struct peer *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->links[i]->hears) return p->links[i];
	fail_msg("nobody subscribes");
	return NULL;
}

void
peer_say_message(struct peer *p, const char *channel, struct eio_bytes payload)
{
	struct eio_buf b = { 0 };

	eio_buf_printf(&b, "*3\r\n$7\r\nmessage\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(channel), channel, payload.n);
	eio_buf_add(&b, payload);
	EIO_BUF_ADD_LIT(&b, "\r\n");
	peer_say(peer_subscriber(p), &b);
}

/* Commands */

bool
peer_word_is(struct eio_bytes word, const char *text)
{
	return eio_bytes_eq(word, eio_cstr(text));
}

bool
peer_answer_subscribe(struct peer_link *l, const struct eio_bytes *words, size_t n, struct eio_buf *out)
{
	bool leaves = eio_bytes_starts(words[0], EIO_LIT("UNSUB")) || eio_bytes_starts(words[0], EIO_LIT("PUNSUB"));

	if (n != 2 || words[0].n < 9 || memcmp(words[0].p + words[0].n - 9, "SUBSCRIBE", 9) != 0) return false;
	l->hears |= !leaves;
	eio_buf_printf(out, "*3\r\n$%zu\r\n", words[0].n);
	for (size_t i = 0; i < words[0].n; i++) eio_buf_addc(out, (char)tolower((unsigned char)words[0].p[i]));
	eio_buf_printf(out, "\r\n$%zu\r\n%.*s\r\n:1\r\n", words[1].n, (int)words[1].n, words[1].p);
	return true;
}

/* The number that stands behind a letter, and ends a line. False: it is not whole. */
static bool
take_head(struct eio_bytes in, size_t *at, char letter, size_t *out)
{
	const char *end = *at < in.n ? memmem(in.p + *at, in.n - *at, "\r\n", 2) : NULL;

	if (!end) return false;
	assert_int_equal(in.p[*at], letter);
	*out = strtoul(in.p + *at + 1, NULL, 10);
	*at = (size_t)(end - in.p) + 2;
	return true;
}

/* How long a command is, or 0 when it is not whole. */
static size_t
take_command(struct eio_bytes in, struct eio_bytes words[PEER_WORDS], size_t *n)
{
	size_t at = 0, length;

	if (!take_head(in, &at, '*', n)) return 0;
	assert_in_range(*n, 1, PEER_WORDS);
	for (size_t i = 0; i < *n; i++) {
		if (!take_head(in, &at, '$', &length) || at + length + 2 > in.n) return 0;
		words[i] = eio_bytes(in.p + at, length);
		at += length + 2;
	}
	return at;
}

static void
answer_commands(struct peer_link *l, struct eio_buf *out)
{
	struct eio_bytes words[PEER_WORDS];
	size_t at = 0, taken, n;

	while ((taken = take_command(eio_bytes(l->in.p + at, l->in.n - at), words, &n))) {
		if (!l->of->answer || !l->of->answer(l, words, n, out)) EIO_BUF_ADD_LIT(out, "+OK\r\n");
		at += taken;
	}
	memmove(l->in.p, l->in.p + at, l->in.n - at);
	l->in.n -= at;
}

static void
on_link_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	static char bytes[65536];

	(void)h;
	(void)suggested;
	*buf = uv_buf_init(bytes, sizeof bytes);
}

static void
on_link_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct peer_link *l = stream->data;
	struct eio_buf out = { 0 };

	if (n < 0) {
		peer_hang_up(l);
		return;
	}
	eio_buf_append(&l->in, buf->base, (size_t)n);
	answer_commands(l, &out);
	if (out.n) peer_say(l, &out);
}

static void
on_link(uv_stream_t *listener, int status)
{
	struct peer *p = listener->data;
	struct peer_link *l = calloc(1, sizeof *l);

	assert_int_equal(status, 0);
	assert_non_null(l);
	assert_in_range(p->n, 0, PEER_LINKS - 1);
	p->links[p->n++] = l;
	l->of = p;
	uv_tcp_init(listener->loop, &l->tcp);
	l->tcp.data = l;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)&l->tcp), 0);
	uv_tcp_nodelay(&l->tcp, 1);
	uv_read_start((uv_stream_t *)&l->tcp, on_link_alloc, on_link_read);
}

/* From its beginning to its end */

void
peer_open(struct peer *p, uv_loop_t *loop)
{
	struct sockaddr_in a;
	int n = sizeof a;

	p->n = 0;
	uv_tcp_init(loop, &p->listener);
	p->listener.data = p;
	uv_ip4_addr("127.0.0.1", 0, &a);
	assert_int_equal(uv_tcp_bind(&p->listener, (struct sockaddr *)&a, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&p->listener, 8, on_link), 0);
	uv_tcp_getsockname(&p->listener, (struct sockaddr *)&a, &n);
	snprintf(p->url_text, sizeof p->url_text, "redis://127.0.0.1:%d", ntohs(a.sin_port));
}

void
peer_close(struct peer *p)
{
	while (p->n) peer_hang_up(p->links[0]);
	uv_close((uv_handle_t *)&p->listener, NULL);
}

static void
on_run_enough(uv_timer_t *t)
{
	*(bool *)t->data = true;
}

static void
on_run_timer_closed(uv_handle_t *h)
{
	*(bool *)h->data = false;
}

void
peer_run_for(uv_loop_t *loop, unsigned ms)
{
	bool enough = false;
	uv_timer_t timer;

	uv_timer_init(loop, &timer);
	timer.data = &enough;
	uv_timer_start(&timer, on_run_enough, ms, 0);
	PEER_UNTIL(loop, enough);
	uv_close((uv_handle_t *)&timer, on_run_timer_closed);
	PEER_UNTIL(loop, !enough);
}
