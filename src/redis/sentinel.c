/* SPDX-License-Identifier: MIT */
/* Asking who the master is, and the master itself; see the header. */
#include "src/redis/sentinel.h"

#include "eio/check.h"
#include "src/redis/ask.h"
#include "src/redis/host.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_SENTINEL_MAGIC 0x4ed15e47

enum { ANSWER_BYTES = 65536, PORT_DIGITS = 5, PORT_MAX = 65535 };

struct redis_sentinel {
	unsigned magic;
	uv_loop_t *loop;
	struct redis_url url; /* owned */
	size_t *first;
	redis_dialed_fn done;
	void *user;
	size_t tried; /* sentinels, that at hand included */
	struct redis_url master; /* owned: as that one says */
	struct redis_ask *ask; /* a sentinel, or the master; NULL: there was no memory */
	char why[512]; /* it was no use; "" */
};

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

static bool ask_sentinel(struct redis_sentinel *s);

/* The end */

void
redis_sentinel_cancel(struct redis_sentinel *s)
{
	CHECK_MAGIC(s, REDIS_SENTINEL_MAGIC);
	if (s->ask) redis_ask_end(s->ask);
	redis_url_deinit(&s->master);
	redis_url_deinit(&s->url);
	s->magic = 0;
	free(s);
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

/* Who was asked was of no use: the next sentinel. */
static void
ask_next_sentinel(struct redis_sentinel *s, const char *whom, const char *name, const char *why)
{
	snprintf(s->why, sizeof s->why, "%s%s: %s", whom, name, why);
	redis_ask_end(s->ask);
	s->ask = NULL;
	if (s->tried < s->url.n_guides) {
		s->tried++;
		if (ask_sentinel(s)) return;
		snprintf(s->why, sizeof s->why, "out of memory");
	}
	end_asking(s, NULL);
}

/* The master */

/* Whom an ACL forbids to ask, or who is asked for a password first, is believed: the next one to speak finds out. */
static const char *
take_role(void *user, const struct redis_values *values, const char *refused)
{
	struct redis_item array, role;
	size_t at = 0;

	(void)user;
	(void)refused;
	if (values && redis_values_next(values, &at, &array) && array.kind == REDIS_ITEM_ARRAY && array.n > 0 &&
		redis_values_next(values, &at, &role) && role.kind == REDIS_ITEM_STRING &&
		!eio_bytes_eq(role.bytes, EIO_LIT("master")))
		return "it is a replica";
	return NULL;
}

static void
on_master_asked(void *user, const char *why)
{
	struct redis_sentinel *s = sentinel_of(user);

	if (why) {
		ask_next_sentinel(s, "the master ", s->master.name, why);
		return;
	}
	*s->first = (*s->first + s->tried - 1) % s->url.n_guides;
	end_asking(s, redis_ask_take_socket(s->ask));
}

static bool
ask_master(struct redis_sentinel *s)
{
	const struct redis_question question = {
		.url = &s->master,
		.words = { EIO_LIT("ROLE") },
		.n_words = 1,
		.ms = REDIS_SENTINEL_MS,
		.answer_bytes = ANSWER_BYTES,
		.answer = take_role,
		.asked = on_master_asked,
		.user = s,
	};

	s->ask = redis_ask_start(s->loop, &question);
	return s->ask != NULL;
}

/* Sentinels */

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
static const char *
take_master_address(struct redis_sentinel *s, struct eio_bytes host, struct eio_bytes port)
{
	struct redis_url *m = &s->master;
	unsigned number = port_of(port);

	if (!redis_is_host(host) || !number) return "its answer is no address";
	redis_url_deinit(m);
	if (redis_url_copy(&s->url, m) < 0) return "out of memory";
	free(m->host);
	free(m->name);
	m->port = number;
	m->host = strndup(host.p, host.n);
	if (!m->host || asprintf(&m->name, strchr(m->host, ':') ? "[%s]:%u" : "%s:%u", m->host, m->port) < 0)
		m->name = NULL; /* asprintf leaves it undefined */
	return m->name ? NULL : "out of memory";
}

static const char *
take_sentinel_answer(void *user, const struct redis_values *values, const char *refused)
{
	struct redis_sentinel *s = sentinel_of(user);
	struct redis_item array, host, port;
	size_t at = 0;

	if (!values) return refused;
	if (redis_values_next(values, &at, &array) && array.kind == REDIS_ITEM_ARRAY && array.n == 2 &&
		redis_values_next(values, &at, &host) && host.kind == REDIS_ITEM_STRING &&
		redis_values_next(values, &at, &port) && port.kind == REDIS_ITEM_STRING)
		return take_master_address(s, host.bytes, port.bytes);
	return "it knows no master of that name";
}

static void
on_sentinel_asked(void *user, const char *why)
{
	struct redis_sentinel *s = sentinel_of(user);

	if (why) {
		ask_next_sentinel(s, "sentinel ", at_hand(s)->name, why);
		return;
	}
	redis_ask_end(s->ask);
	if (ask_master(s)) return;
	snprintf(s->why, sizeof s->why, "out of memory");
	end_asking(s, NULL);
}

static bool
ask_sentinel(struct redis_sentinel *s)
{
	const struct redis_question question = {
		.url = at_hand(s),
		.words = { EIO_LIT("SENTINEL"), EIO_LIT("GET-MASTER-ADDR-BY-NAME"), eio_cstr(s->url.host) },
		.n_words = 3,
		.ms = REDIS_SENTINEL_MS,
		.answer_bytes = ANSWER_BYTES,
		.answer = take_sentinel_answer,
		.asked = on_sentinel_asked,
		.user = s,
	};

	s->ask = redis_ask_start(s->loop, &question);
	return s->ask != NULL;
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
	s->tried = 1;
	*s->first %= url->n_guides;
	if (redis_url_copy(url, &s->url) == 0 && ask_sentinel(s)) return s;
	redis_sentinel_cancel(s);
	return NULL;
}
