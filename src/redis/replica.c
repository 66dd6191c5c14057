/* SPDX-License-Identifier: MIT */
/* The role of a link that is a replica, as far as the server knows. */
#include "src/redis/replica.h"

#include "eio/check.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/redis/command.h"
#include "src/redis/link.h"
#include "src/redis/pacing.h"
#include "src/redis/replication.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(
	(int)REDIS_REPLICA_TEXT >= REDIS_REPLICATION_TEXT + sizeof " @18446744073709551615", "its text has room");

enum {
	ACK_MS = 1000, /* as replicas do */
	SILENT_MS = 50000, /* a server pings its replicas every 10 s, unless it is told otherwise: REDIS_DEAD_MS after
			    * this it is given up, as by a replica */
};

#define REDIS_REPLICA_MAGIC 0x4ed14e91

struct redis_replica {
	unsigned magic;
	struct redis_replica_options options;
	struct redis_link *link;
	struct redis_pacing *pacing; /* NULL: every message is taken at once */
	struct redis_replication replication;
	uv_timer_t timer; /* of acks */
	bool online; /* messages come */
	bool full; /* a snapshot is what is sent, or was since it was online */
	bool anew; /* it was online behind one last */
	bool asked; /* the server wants an ack */
	uint64_t since_ms; /* when it was lost, or 0: it never was online */
};

static struct redis_replica *
replica_of(void *user)
{
	struct redis_replica *r = user;

	CHECK_MAGIC(r, REDIS_REPLICA_MAGIC);
	return r;
}

/*
 * A server that hears nothing from a replica for a minute gives it up. What it hears here is no position: we keep
 * nothing of what it writes, and it shall not count us where a write waits for replicas to have it (WAIT).
 */
static void
write_ack(struct redis_replica *r)
{
	struct eio_buf b;

	eio_buf_init(&b);
	redis_command(&b, 3);
	redis_argument(&b, EIO_LIT("REPLCONF"));
	redis_argument(&b, EIO_LIT("ACK"));
	redis_argument(&b, EIO_LIT("0"));
	r->asked = false;
	redis_link_write(r->link, &b, 0);
}

static void
on_replica_timer(uv_timer_t *t)
{
	struct redis_replica *r = replica_of(t->data);

	if (r->online && redis_link_is_ready(r->link)) write_ack(r);
}

/* What the server says */

static void
go_online_as_replica(struct redis_replica *r)
{
	unsigned ack_ms = r->options.ack_ms ? r->options.ack_ms : ACK_MS;
	uint64_t now = clock_wall_ms();

	r->online = r->asked = true; /* the first ack is what the server waits for before it sends on */
	log_info("redis=%s event=replicates id=%s offset=%" PRIu64 " %s", r->options.url->name, r->replication.id,
		r->replication.offset, r->full ? "from=snapshot" : "from=position");
	if (r->full && r->since_ms) {
		log_warn("redis=%s event=gap ms=%" PRIu64, r->options.url->name, now - r->since_ms);
		r->options.gap(r->options.user, r->since_ms, now);
	}
	r->anew = r->full;
	r->full = false;
	uv_timer_start(&r->timer, on_replica_timer, ack_ms, ack_ms);
	r->options.state(r->options.user, true);
}

static void
take_replicated(struct redis_replica *r, enum redis_replicated got, const struct redis_replicated_event *e)
{
	switch (got) {
	case REDIS_REPLICATED_REFUSED: redis_link_refuse(r->link, e->text); break;
	case REDIS_REPLICATED_FULL: r->full = true; break;
	case REDIS_REPLICATED_ONLINE: go_online_as_replica(r); break;
	case REDIS_REPLICATED_MESSAGE: r->options.message(r->options.user, e->channel, e->payload); break;
	case REDIS_REPLICATED_TOO_LONG:
		metrics_inc(r->options.metrics, REDIS_METRIC_TOO_LONG);
		r->options.too_long(r->options.user, e->channel, e->n);
		break;
	case REDIS_REPLICATED_ASKED: r->asked = true; break;
	case REDIS_REPLICATED_ERROR: redis_link_refuse(r->link, EIO_LIT("not what a replica is sent")); break;
	case REDIS_REPLICATED_NONE: break;
	}
}

static void
replica_raw(void *user, struct eio_bytes bytes)
{
	struct redis_replica *r = replica_of(user);
	struct redis_replicated_event e;
	enum redis_replicated got;

	redis_replication_feed(&r->replication, bytes);
	do {
		got = redis_replication_next(&r->replication, &e);
		take_replicated(r, got, &e);
	} while (got != REDIS_REPLICATED_NONE && got != REDIS_REPLICATED_ERROR);
}

static void
replica_looked(void *user, size_t n)
{
	struct redis_replica *r = replica_of(user);

	if (r->asked) write_ack(r);
	if (r->online && r->pacing && redis_link_is_ready(r->link)) redis_pacing_note(r->pacing, n);
}

/* That this is a replica that understands how Redis has continued since 4.0; and since 7, that it wants none of the
 * data, which then costs the server nothing to send. */
static size_t
replica_greet(void *user, struct eio_buf *out)
{
	(void)user;
	redis_command(out, 5);
	redis_argument(out, EIO_LIT("REPLCONF"));
	redis_argument(out, EIO_LIT("capa"));
	redis_argument(out, EIO_LIT("eof"));
	redis_argument(out, EIO_LIT("capa"));
	redis_argument(out, EIO_LIT("psync2"));
	redis_command(out, 3);
	redis_argument(out, EIO_LIT("REPLCONF"));
	redis_argument(out, EIO_LIT("rdb-filter-only"));
	redis_argument(out, EIO_LIT(""));
	return 2;
}

/* An older server does not know the second, and sends all of it. */
static bool
replica_reply(void *user, enum redis_reply reply, struct eio_bytes text)
{
	struct redis_replica *r = replica_of(user);
	bool unknown = eio_bytes_starts(text, EIO_LIT("ERR Unrecognized REPLCONF option"));

	if (reply == REDIS_REPLY_IS_ERROR && !unknown) redis_link_refuse(r->link, text);
	return reply == REDIS_REPLY_IS_STATUS || reply == REDIS_REPLY_IS_ERROR;
}

static void
replica_ready(void *user)
{
	struct redis_replica *r = replica_of(user);
	struct eio_buf b;

	eio_buf_init(&b);
	redis_replication_begin(&r->replication, &b);
	r->asked = false;
	redis_link_take_over(r->link);
	redis_link_write(r->link, &b, 0);
}

static void
replica_lost(void *user)
{
	struct redis_replica *r = replica_of(user);

	uv_timer_stop(&r->timer);
	if (r->pacing) redis_pacing_reset(r->pacing);
	if (!r->online) return;
	r->online = false;
	r->since_ms = clock_wall_ms() - redis_link_silence_ms(r->link);
	r->options.state(r->options.user, false);
}

/* Nobody asked for it. */
static void
replica_message(void *user, const struct redis_message *m)
{
	(void)user;
	(void)m;
}

static const struct redis_role replica_role = {
	.name = "replicate",
	.greet = replica_greet,
	.message = replica_message,
	.reply = replica_reply,
	.raw = replica_raw,
	.looked = replica_looked,
	.ready = replica_ready,
	.lost = replica_lost,
};

/* Opening and closing */

static int
open_replica_link(struct redis_replica *r, uv_loop_t *loop)
{
	const struct redis_link_options o = {
		.url = r->options.url,
		.metrics = r->options.metrics,
		.max_string = REDIS_LINE_BYTES, /* of a reply before PSYNC */
		.silent_ms = SILENT_MS,
		.role = &replica_role,
		.user = r,
	};

	r->link = redis_link_open(loop, &o);
	if (!r->link) return -1;
	if (!r->options.may_pause || (r->pacing = redis_pacing_new(loop, r->link))) return 0;
	redis_link_close(r->link);
	return -1;
}

/* "id offset", behind it or alone "@" and since when it was away. What cannot be gone on from is lost since then. */
static void
resume_replica(struct redis_replica *r, const struct redis_replica_options *o)
{
	const char *end = o->from.p + o->from.n, *since = end;

	while (since > o->from.p && since[-1] >= '0' && since[-1] <= '9') since--;
	r->since_ms = o->from_ms;
	if (since < end && since > o->from.p && since[-1] == '@') {
		r->since_ms = 0;
		for (const char *c = since; c < end; c++) r->since_ms = r->since_ms * 10 + (uint64_t)(*c - '0');
		if (r->since_ms > o->from_ms) r->since_ms = o->from_ms; /* what stood in a file may be anything */
		end = since - (since - 1 > o->from.p ? 2 : 1);
	}
	(void)redis_replication_resume(&r->replication, eio_bytes(o->from.p, (size_t)(end - o->from.p)));
}

struct redis_replica *
redis_replica_open(uv_loop_t *loop, const struct redis_replica_options *options)
{
	struct redis_replica *r = calloc(1, sizeof *r);

	if (!r) return NULL;
	r->magic = REDIS_REPLICA_MAGIC;
	r->options = *options;
	redis_replication_init(&r->replication, options->message_bytes);
	if (options->from.n) resume_replica(r, options);
	if (open_replica_link(r, loop) < 0) {
		free(r);
		return NULL;
	}
	uv_timer_init(loop, &r->timer); /* cannot fail */
	r->timer.data = r;
	return r;
}

uint64_t
redis_replica_at(const struct redis_replica *r, const char **id)
{
	*id = r->replication.id;
	return r->replication.offset;
}

const char *
redis_replica_store(const struct redis_replica *r, char out[REDIS_REPLICA_TEXT])
{
	const char *at = r->full ? NULL : redis_replication_store(&r->replication, out);
	size_t n = at ? strlen(at) : 0;

	if (r->online || !r->since_ms) return at;
	snprintf(out + n, REDIS_REPLICA_TEXT - n, "%s@%" PRIu64, at ? " " : "", r->since_ms);
	return out;
}

void
redis_replica_redial(struct redis_replica *r)
{
	redis_link_redial(r->link);
}

bool
redis_replica_is_anew(const struct redis_replica *r)
{
	return r->anew;
}

static void
on_replica_timer_closed(uv_handle_t *h)
{
	struct redis_replica *r = replica_of(h->data);

	r->magic = 0;
	free(r);
}

void
redis_replica_close(struct redis_replica *r)
{
	redis_link_close(r->link);
	if (r->pacing) redis_pacing_free(r->pacing);
	redis_replication_deinit(&r->replication);
	uv_close((uv_handle_t *)&r->timer, on_replica_timer_closed);
}
