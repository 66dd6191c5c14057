/* SPDX-License-Identifier: MIT */
/* From messages to the nodes that have their slots. All that is written is written from the timer. */
#include "src/redis/spublisher.h"

#include "eio/check.h"
#include "eio/list.h"
#include "src/base/log.h"
#include "src/redis/command.h"
#include "src/redis/link.h"
#include "src/redis/map.h"
#include "src/redis/refusal.h"

#include <stdlib.h>
#include <string.h>

#define REDIS_SPUBLISHER_MAGIC 0x4ed159b1
#define REDIS_SPUBLISHER_NODE_MAGIC 0x4ed159b2

enum {
	SPUBLISH_STRING = 65536, /* nobody sends a publisher strings */
	SPUBLISH_RETRY_MS = 100, /* what could not be sent is tried again */
	SPUBLISH_TRIES = 20, /* so often a message is sent elsewhere */
	SPUBLISH_IDLE_MS = 60000, /* a connection that has had no message for so long is closed, */
	SPUBLISH_STALE_MS = 5000, /* and one that could not be made for so long made anew */
};

/* A message that was not answered. */
struct spublication {
	struct eio_list link; /* in p->waiting, p->again or node->sent */
	unsigned slot, tries;
	size_t channel_n, n;
	char bytes[]; /* the channel, and the payload */
};

struct spublish_node {
	unsigned magic; /* REDIS_SPUBLISHER_NODE_MAGIC */
	struct redis_spublisher *all;
	struct eio_list nodes; /* in all->nodes */
	struct redis_url url; /* owned */
	struct redis_link *link;
	struct eio_list sent; /* in their order */
	struct eio_buf out;
	size_t out_n;
	uint64_t used_ms; /* of the loop: when it got a message, was made or lost at last */
};

struct redis_spublisher {
	unsigned magic; /* REDIS_SPUBLISHER_MAGIC */
	struct redis_spublisher_options options;
	struct redis_map *map;
	uv_timer_t timer;
	struct eio_list nodes;
	struct eio_list again, waiting; /* what was sent elsewhere goes first */
	size_t bytes; /* of all that is not answered */
	struct log_limit limit;
};

static void on_spublisher_timer(uv_timer_t *t);

static struct redis_spublisher *
spublisher_of(void *user)
{
	struct redis_spublisher *p = user;

	CHECK_MAGIC(p, REDIS_SPUBLISHER_MAGIC);
	return p;
}

static struct spublish_node *
spublish_node_of(void *user)
{
	struct spublish_node *n = user;

	CHECK_MAGIC(n, REDIS_SPUBLISHER_NODE_MAGIC);
	return n;
}

static void
spublish_later(struct redis_spublisher *p, uint64_t ms)
{
	uint64_t left = uv_is_active((uv_handle_t *)&p->timer) ? uv_timer_get_due_in(&p->timer) : UINT64_MAX;

	if (ms < left) uv_timer_start(&p->timer, on_spublisher_timer, ms, 0);
}

/* Messages */

static void
end_publication(struct redis_spublisher *p, struct spublication *m, enum redis_metric counted)
{
	metrics_inc(p->options.metrics, counted);
	p->bytes -= m->n;
	eio_list_remove(&m->link);
	free(m);
}

static void
end_publications(struct redis_spublisher *p, struct eio_list *all, enum redis_metric counted)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, all)
	end_publication(p, EIO_CONTAINER(l, struct spublication, link), counted);
}

int
redis_spublisher_publish(struct redis_spublisher *p, struct eio_bytes channel, struct eio_bytes payload)
{
	size_t n = channel.n + payload.n;
	struct spublication *m = p->bytes + n <= p->options.queue_bytes ? malloc(sizeof *m + n) : NULL;

	if (!m) {
		metrics_inc(p->options.metrics, REDIS_METRIC_PUBLISH_DROPPED);
		return -1;
	}
	*m = (struct spublication){ .slot = redis_slot(channel), .channel_n = channel.n, .n = n };
	if (channel.n) memcpy(m->bytes, channel.p, channel.n);
	if (payload.n) memcpy(m->bytes + channel.n, payload.p, payload.n);
	eio_list_add_tail(&p->waiting, &m->link);
	p->bytes += n;
	spublish_later(p, 0);
	return 0;
}

/* What a node says */

static void
log_spublish_refused(struct spublish_node *n, struct eio_bytes error)
{
	struct redis_spublisher *p = n->all;
	char text[LOG_ESCAPE_MAX];

	redis_refusal(error, &n->url, false, text, sizeof text);
	log_limited(LOG_LEVEL_WARN, &p->limit, uv_now(p->timer.loop), "redis=%s event=publish-refused reason=\"%s\"",
		n->url.name, text);
}

static void
take_spublish_error(struct spublish_node *n, struct spublication *m, struct eio_bytes error)
{
	struct redis_spublisher *p = n->all;
	const struct redis_redirect to = redis_redirect_read(error);

	if (to.kind == REDIS_REDIRECT_NONE || ++m->tries >= SPUBLISH_TRIES) {
		log_spublish_refused(n, error);
		end_publication(p, m, REDIS_METRIC_PUBLISH_FAILED);
		return;
	}
	eio_list_remove(&m->link);
	eio_list_add_tail(&p->again, &m->link);
	redis_map_doubt(p->map);
	if (to.kind == REDIS_REDIRECT_MOVED) redis_map_redirect(p->map, &to, n->url.host);
	/* Where two nodes each believe it to be at the other it is not sent to and fro without end. */
	spublish_later(p, to.kind == REDIS_REDIRECT_MOVED && m->tries == 1 ? 0 : SPUBLISH_RETRY_MS);
}

static bool
spublish_reply(void *user, enum redis_reply reply, struct eio_bytes text)
{
	struct spublish_node *n = spublish_node_of(user);
	bool is_error = reply == REDIS_REPLY_IS_ERROR;

	if (!is_error && reply != REDIS_REPLY_IS_INTEGER) return false;
	if (eio_list_empty(&n->sent)) {
		if (is_error) redis_link_refuse(n->link, text); /* to nothing: it is about to hang up */
		return false;
	}
	if (is_error)
		take_spublish_error(n, EIO_CONTAINER(n->sent.next, struct spublication, link), text);
	else
		end_publication(
			n->all, EIO_CONTAINER(n->sent.next, struct spublication, link), REDIS_METRIC_PUBLISH_SENT);
	return true;
}

/* Nobody asked for it. */
static void
spublish_message(void *user, const struct redis_message *m)
{
	(void)user;
	(void)m;
}

static size_t
spublish_greet(void *user, struct eio_buf *out)
{
	(void)user;
	(void)out;
	return 0;
}

static void
spublish_ready(void *user)
{
	struct spublish_node *n = spublish_node_of(user);

	n->used_ms = uv_now(n->all->timer.loop);
	spublish_later(n->all, 0);
}

/* Nobody knows whether what was written arrived. */
static void
spublish_lost(void *user)
{
	struct spublish_node *n = spublish_node_of(user);

	n->used_ms = uv_now(n->all->timer.loop);
	eio_buf_clear(&n->out);
	n->out_n = 0;
	end_publications(n->all, &n->sent, REDIS_METRIC_PUBLISH_FAILED);
	redis_map_doubt(n->all->map);
}

static const struct redis_role spublish_role = {
	.name = "spublish",
	.greet = spublish_greet,
	.message = spublish_message,
	.reply = spublish_reply,
	.ready = spublish_ready,
	.lost = spublish_lost,
};

/* Nodes */

static struct spublish_node *
open_spublish_node(struct redis_spublisher *p, const struct redis_node *where)
{
	struct spublish_node *n = calloc(1, sizeof *n);
	const struct redis_link_options o = {
		.url = n ? &n->url : NULL,
		.metrics = p->options.metrics,
		.max_string = SPUBLISH_STRING,
		.role = &spublish_role,
		.user = n,
	};

	if (!n) return NULL;
	n->magic = REDIS_SPUBLISHER_NODE_MAGIC;
	n->all = p;
	n->used_ms = uv_now(p->timer.loop);
	eio_list_init(&n->sent);
	eio_buf_init(&n->out);
	if (redis_url_node(p->options.url, where->host, where->port, &n->url) == 0)
		n->link = redis_link_open(p->timer.loop, &o);
	if (n->link) {
		eio_list_add_tail(&p->nodes, &n->nodes);
		return n;
	}
	redis_url_deinit(&n->url);
	free(n);
	return NULL;
}

static void
close_spublish_node(struct spublish_node *n)
{
	end_publications(n->all, &n->sent, REDIS_METRIC_PUBLISH_FAILED);
	redis_link_close(n->link);
	eio_list_remove(&n->nodes);
	eio_buf_deinit(&n->out);
	redis_url_deinit(&n->url);
	n->magic = 0;
	free(n);
}

/* NULL: nobody knows who has the slot, or memory is out. */
static struct spublish_node *
spublish_node_of_slot(struct redis_spublisher *p, unsigned slot)
{
	const struct redis_node *where = redis_map_owner(p->map, slot);
	struct eio_list *l, *next;

	if (!where) return NULL;
	EIO_LIST_FOREACH_SAFE(l, next, &p->nodes)
	{
		struct spublish_node *n = EIO_CONTAINER(l, struct spublish_node, nodes);

		if (n->url.port == where->port && strcmp(n->url.host, where->host) == 0) return n;
	}
	return open_spublish_node(p, where);
}

/* Before one is looked for: what is said of a node changes, users and passwords among it. */
static void
close_unused(struct redis_spublisher *p)
{
	uint64_t now = uv_now(p->timer.loop);
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &p->nodes)
	{
		struct spublish_node *n = EIO_CONTAINER(l, struct spublish_node, nodes);
		uint64_t most = redis_link_is_ready(n->link) ? SPUBLISH_IDLE_MS : SPUBLISH_STALE_MS;

		if (eio_list_empty(&n->sent) && now - n->used_ms >= most) close_spublish_node(n);
	}
}

/* Sending */

static bool
say_publication(struct spublish_node *n, const struct spublication *m)
{
	size_t before = n->out.n;

	redis_command(&n->out, 3);
	redis_argument(&n->out, EIO_LIT("SPUBLISH"));
	redis_argument(&n->out, eio_bytes(m->bytes, m->channel_n));
	redis_argument(&n->out, eio_bytes(m->bytes + m->channel_n, m->n - m->channel_n));
	if (!eio_buf_failed(&n->out)) return true;
	n->out.failed = false;
	n->out.n = before;
	return false;
}

static void
send_publications(struct redis_spublisher *p, struct eio_list *all)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, all)
	{
		struct spublication *m = EIO_CONTAINER(l, struct spublication, link);
		struct spublish_node *n = spublish_node_of_slot(p, m->slot);

		if (!n || !redis_link_is_ready(n->link)) {
			redis_map_doubt(p->map);
			continue;
		}
		if (!say_publication(n, m)) return;
		n->out_n++;
		n->used_ms = uv_now(p->timer.loop);
		eio_list_remove(&m->link);
		eio_list_add_tail(&n->sent, &m->link);
	}
}

static void
on_spublisher_timer(uv_timer_t *t)
{
	struct redis_spublisher *p = spublisher_of(t->data);
	struct eio_list *l, *next;

	close_unused(p);
	send_publications(p, &p->again);
	send_publications(p, &p->waiting);
	EIO_LIST_FOREACH_SAFE(l, next, &p->nodes)
	{
		struct spublish_node *n = EIO_CONTAINER(l, struct spublish_node, nodes);
		size_t commands = n->out_n;

		n->out_n = 0;
		if (commands) redis_link_write(n->link, &n->out, commands);
	}
	if (!eio_list_empty(&p->again) || !eio_list_empty(&p->waiting))
		spublish_later(p, SPUBLISH_RETRY_MS);
	else if (!eio_list_empty(&p->nodes))
		spublish_later(p, SPUBLISH_IDLE_MS);
}

/* From the beginning to the end */

static void
on_spublisher_mapped(void *user)
{
	spublish_later(spublisher_of(user), 0);
}

struct redis_spublisher *
redis_spublisher_open(uv_loop_t *loop, const struct redis_spublisher_options *options)
{
	struct redis_spublisher *p = calloc(1, sizeof *p);
	const struct redis_map_options map = {
		.url = options->url,
		.metrics = options->metrics,
		.changed = on_spublisher_mapped,
		.user = p,
	};

	if (!p) return NULL;
	p->magic = REDIS_SPUBLISHER_MAGIC;
	p->options = *options;
	eio_list_init(&p->nodes);
	eio_list_init(&p->again);
	eio_list_init(&p->waiting);
	p->map = redis_map_open(loop, &map);
	if (!p->map) {
		free(p);
		return NULL;
	}
	uv_timer_init(loop, &p->timer); /* cannot fail */
	p->timer.data = p;
	return p;
}

static void
on_spublisher_closed(uv_handle_t *h)
{
	struct redis_spublisher *p = spublisher_of(h->data);

	p->magic = 0;
	free(p);
}

void
redis_spublisher_close(struct redis_spublisher *p)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &p->nodes)
	close_spublish_node(EIO_CONTAINER(l, struct spublish_node, nodes));
	end_publications(p, &p->again, REDIS_METRIC_PUBLISH_DROPPED);
	end_publications(p, &p->waiting, REDIS_METRIC_PUBLISH_DROPPED);
	redis_map_close(p->map);
	uv_close((uv_handle_t *)&p->timer, on_spublisher_closed);
}
