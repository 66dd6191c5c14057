/* SPDX-License-Identifier: MIT */
/* Asking who the master is, and the master itself; see the header. */
#include "src/redis/sentinel.h"

#include "eio/check.h"
#include "src/redis/command.h"
#include "src/redis/host.h"
#include "src/redis/reader.h"
#include "src/redis/refusal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_SENTINEL_MAGIC 0x4ed15e47

enum { ANSWER_BYTES = 65536, PORT_DIGITS = 5, PORT_MAX = 65535 };

enum sentinel_phase {
	SENTINEL_IS_ASKED,
	SENTINEL_KNOWS, /* where the master is */
	MASTER_IS_ASKED,
	MASTER_IS_ONE,
	NOBODY_IS, /* that one was no use */
};

struct redis_sentinel {
	unsigned magic;
	uv_loop_t *loop;
	struct redis_url url; /* owned */
	size_t *first;
	redis_dialed_fn done;
	void *user;
	size_t tried; /* sentinels, that at hand included */
	struct redis_url master; /* owned: as that one says; empty while it is asked */
	struct redis_dial *dial; /* either of these, or none */
	struct redis_socket *socket;
	struct redis_reader *reader; /* with the socket */
	unsigned greetings; /* replies before the one that matters */
	uv_timer_t timer; /* how long who is asked may take; or the next turn has come */
	enum sentinel_phase phase;
	char refused[200]; /* a greeting was, with these words; "" */
	char why[256]; /* it was no use; "" */
};

static void on_sentinel_timer(uv_timer_t *t);

static struct redis_sentinel *
sentinel_of(void *user)
{
	struct redis_sentinel *s = user;

	CHECK_MAGIC(s, REDIS_SENTINEL_MAGIC);
	return s;
}

static const struct redis_url *
at_hand(const struct redis_sentinel *s)
{
	return &s->url.guides[(*s->first + s->tried - 1) % s->url.n_guides];
}

static const struct redis_url *
who_is_asked(const struct redis_sentinel *s)
{
	return s->phase == MASTER_IS_ASKED ? &s->master : at_hand(s);
}

static bool
is_asking(const struct redis_sentinel *s)
{
	return s->phase == SENTINEL_IS_ASKED || s->phase == MASTER_IS_ASKED;
}

/* The end */

static void
hang_up(struct redis_sentinel *s)
{
	if (s->dial) redis_dial_cancel(s->dial);
	if (s->socket) redis_socket_close(s->socket);
	redis_reader_free(s->reader);
	s->dial = NULL;
	s->socket = NULL;
	s->reader = NULL;
}

static void
on_sentinel_closed(uv_handle_t *h)
{
	struct redis_sentinel *s = sentinel_of(h->data);

	redis_url_deinit(&s->url);
	s->magic = 0;
	free(s);
}

void
redis_sentinel_cancel(struct redis_sentinel *s)
{
	CHECK_MAGIC(s, REDIS_SENTINEL_MAGIC);
	hang_up(s);
	redis_url_deinit(&s->master);
	uv_close((uv_handle_t *)&s->timer, on_sentinel_closed);
}

static void
end_asking(struct redis_sentinel *s, struct redis_socket *socket)
{
	redis_dialed_fn done = s->done;
	void *user = s->user;
	char why[sizeof s->why];

	snprintf(why, sizeof why, "%s", s->why);
	redis_sentinel_cancel(s);
	done(user, socket, socket ? NULL : why);
}

/* Answers */

/* It goes on from the loop: a socket is telling something just now. */
static void
go_on_later(struct redis_sentinel *s, enum sentinel_phase phase)
{
	s->phase = phase;
	uv_timer_start(&s->timer, on_sentinel_timer, 0, 0);
}

static void
no_use(struct redis_sentinel *s, const char *why)
{
	bool master = s->phase != SENTINEL_IS_ASKED;

	snprintf(s->why, sizeof s->why, "%s %s: %s", master ? "the master" : "sentinel",
		master ? s->master.name : at_hand(s)->name, why);
	go_on_later(s, NOBODY_IS);
}

/* 0: it is none. */
static unsigned
port_of(struct eio_bytes s)
{
	unsigned n = 0;

	if (!s.n || s.n > PORT_DIGITS) return 0;
	for (size_t i = 0; i < s.n; i++) {
		if (!isdigit((unsigned char)s.p[i])) return 0;
		n = 10 * n + (unsigned)(s.p[i] - '0');
	}
	return n > PORT_MAX ? 0 : n;
}

/* Where a sentinel says that the master is. */
static void
take_master_address(struct redis_sentinel *s, struct eio_bytes host, struct eio_bytes port)
{
	struct redis_url *m = &s->master;
	unsigned number = port_of(port);

	if (!redis_is_host(host) || !number) {
		no_use(s, "its answer is no address");
		return;
	}
	redis_url_deinit(m);
	if (redis_url_copy(&s->url, m) < 0) {
		no_use(s, "out of memory");
		return;
	}
	free(m->host);
	free(m->name);
	m->port = number;
	m->host = strndup(host.p, host.n);
	if (!m->host || asprintf(&m->name, strchr(m->host, ':') ? "[%s]:%u" : "%s:%u", m->host, m->port) < 0)
		m->name = NULL; /* asprintf leaves it undefined */
	if (m->name)
		go_on_later(s, SENTINEL_KNOWS);
	else
		no_use(s, "out of memory");
}

static void
take_sentinel_answer(struct redis_sentinel *s, const struct redis_values *values)
{
	struct redis_item array, host, port;
	size_t at = 0;

	if (redis_values_next(values, &at, &array) && array.kind == REDIS_ITEM_ARRAY && array.n == 2 &&
		redis_values_next(values, &at, &host) && host.kind == REDIS_ITEM_STRING &&
		redis_values_next(values, &at, &port) && port.kind == REDIS_ITEM_STRING)
		take_master_address(s, host.bytes, port.bytes);
	else
		no_use(s, "it knows no master of that name");
}

/* Whom an ACL forbids to ask, or who is asked for a password first, is believed: the next one to speak finds out. */
static void
take_role(struct redis_sentinel *s, const struct redis_values *values)
{
	struct redis_item array, role;
	size_t at = 0;

	if (redis_values_next(values, &at, &array) && array.kind == REDIS_ITEM_ARRAY && array.n > 0 &&
		redis_values_next(values, &at, &role) && role.kind == REDIS_ITEM_STRING &&
		!eio_bytes_eq(role.bytes, EIO_LIT("master"))) {
		no_use(s, "it is a replica");
		return;
	}
	redis_socket_read_stop(s->socket);
	go_on_later(s, MASTER_IS_ONE);
}

/* The last greeting is a courtesy, CLIENT SETNAME, which sentinels of old do not know. */
static void
take_greeting(struct redis_sentinel *s, const struct redis_event *event)
{
	const struct redis_url *u = who_is_asked(s);
	char text[sizeof s->refused / 2];

	if (event->reply == REDIS_REPLY_IS_ERROR && s->greetings > 1 && !*s->refused) {
		redis_refusal(event->text, u, u->password != NULL, text, sizeof text);
		snprintf(
			s->refused, sizeof s->refused, "%s refused: %s", redis_command_greeting(u, s->greetings), text);
	}
	s->greetings--;
}

static void
take_sentinel_reply(struct redis_sentinel *s, const struct redis_event *event)
{
	bool refused = event->reply == REDIS_REPLY_IS_ERROR;
	char text[sizeof s->refused / 2];

	if (s->greetings) {
		take_greeting(s, event);
	} else if (s->phase == MASTER_IS_ASKED) {
		take_role(s, event->values);
	} else if (refused) {
		redis_refusal(event->text, at_hand(s), false, text, sizeof text);
		no_use(s, *s->refused ? s->refused : text);
	} else {
		take_sentinel_answer(s, event->values);
	}
}

static void
on_sentinel_read(void *user, struct eio_bytes bytes)
{
	struct redis_sentinel *s = sentinel_of(user);
	struct redis_event event;
	enum redis_read got;

	if (!is_asking(s)) return;
	redis_reader_feed(s->reader, bytes);
	while (is_asking(s) && (got = redis_reader_next(s->reader, &event)) != REDIS_READ_NONE) {
		if (got == REDIS_READ_REPLY)
			take_sentinel_reply(s, &event);
		else
			no_use(s, got == REDIS_READ_ERROR ? event.why : "what it says was not asked for");
	}
}

static void
on_sentinel_broken(void *user, const char *why)
{
	struct redis_sentinel *s = sentinel_of(user);

	if (is_asking(s) || s->phase == MASTER_IS_ONE) no_use(s, why);
}

/* Asking */

static const char *
send_question(struct redis_sentinel *s)
{
	struct eio_buf b;

	eio_buf_init(&b);
	s->greetings = redis_command_greet(&b, who_is_asked(s));
	if (s->phase == MASTER_IS_ASKED) {
		redis_command(&b, 1);
		redis_argument(&b, EIO_LIT("ROLE"));
	} else {
		redis_command(&b, 3);
		redis_argument(&b, EIO_LIT("SENTINEL"));
		redis_argument(&b, EIO_LIT("GET-MASTER-ADDR-BY-NAME"));
		redis_argument(&b, eio_cstr(s->url.host));
	}
	return redis_socket_write(s->socket, &b);
}

static void
on_sentinel_dialed(void *user, struct redis_socket *socket, const char *why)
{
	static const struct redis_socket_events events = { .read = on_sentinel_read, .broken = on_sentinel_broken };
	struct redis_sentinel *s = sentinel_of(user);

	s->dial = NULL;
	if (socket) {
		s->socket = socket;
		redis_socket_hand_over(socket, &events, s);
		s->reader = redis_reader_new(ANSWER_BYTES);
		if (s->reader) redis_reader_expect_values(s->reader, ANSWER_BYTES);
		why = s->reader ? redis_socket_read_start(socket) : "out of memory";
		if (!why) why = send_question(s);
	}
	if (why) no_use(s, why);
}

static void
call_up(struct redis_sentinel *s, enum sentinel_phase phase)
{
	hang_up(s);
	s->phase = phase;
	*s->refused = '\0';
	uv_timer_start(&s->timer, on_sentinel_timer, REDIS_SENTINEL_MS, 0);
	s->dial = redis_dial_start(s->loop, who_is_asked(s), on_sentinel_dialed, s);
	if (!s->dial) no_use(s, "out of memory");
}

static void
hand_master(struct redis_sentinel *s)
{
	struct redis_socket *socket = s->socket;

	s->socket = NULL;
	*s->first = (*s->first + s->tried - 1) % s->url.n_guides;
	end_asking(s, socket);
}

static void
on_sentinel_timer(uv_timer_t *t)
{
	struct redis_sentinel *s = sentinel_of(t->data);

	if (is_asking(s)) {
		no_use(s, "no answer in time");
	} else if (s->phase == SENTINEL_KNOWS) {
		call_up(s, MASTER_IS_ASKED);
	} else if (s->phase == MASTER_IS_ONE) {
		hand_master(s);
	} else if (s->tried < s->url.n_guides) {
		s->tried++;
		call_up(s, SENTINEL_IS_ASKED);
	} else {
		end_asking(s, NULL);
	}
}

struct redis_sentinel *
redis_sentinel_start(uv_loop_t *loop, const struct redis_url *url, size_t *first, redis_dialed_fn done, void *user)
{
	struct redis_sentinel *s = calloc(1, sizeof *s);

	CHECK(url->n_guides);
	if (!s) return NULL;
	*s = (struct redis_sentinel){
		.magic = REDIS_SENTINEL_MAGIC, .loop = loop, .first = first, .done = done, .user = user
	};
	if (redis_url_copy(url, &s->url) < 0) {
		free(s);
		return NULL;
	}
	uv_timer_init(loop, &s->timer); /* cannot fail */
	s->timer.data = s;
	s->tried = 1;
	*s->first %= url->n_guides;
	call_up(s, SENTINEL_IS_ASKED);
	return s;
}
