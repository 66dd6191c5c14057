/* SPDX-License-Identifier: MIT */
/*
 * Jobs: each is a request, or a handshake, on its way to another node.
 *
 *     job ─▶ node is known? ── no ──▶ waits for a look ─▶ unknown
 *              │ yes                        │
 *              ▼                            ▼
 *            an idle link, or a new one ─▶ sent ─▶ answered
 */
#include "eio/check.h"
#include "eio/query.h"
#include "src/base/log.h"
#include "src/peers/peers_int.h"

#include <stdlib.h>
#include <string.h>

enum { PEERS_JOB_MAGIC = 0x9ee25003 };

struct peers_job {
	unsigned magic; /* PEERS_JOB_MAGIC */
	struct eio_list list; /* in peers.waiting, or in none */
	struct peers *peers;
	struct peers_link *link; /* or NULL: it waits */
	struct eio_exchange *ex; /* a reference; or NULL */
	struct eio_upgrade *up; /* owned; or NULL */
	bool too_large;
	char node[EIO_NODE_MAX + 1];
	char sid[EIO_SID_LEN];
};

/* Ends */

static void
free_job(struct peers_job *job)
{
	eio_list_remove(&job->list);
	if (job->link) *peers_link_slot(job->link) = NULL;
	job->magic = 0;
	free(job);
}

static void
fail_job(struct peers_job *job, enum peers_metric reason)
{
	struct peers *p = job->peers;
	struct eio_exchange *ex = job->ex;
	struct eio_upgrade *up = job->up;
	bool cut = reason == PEERS_METRIC_LOST || reason == PEERS_METRIC_TIMEOUT;

	metrics_inc(p->metrics, reason);
	free_job(job);
	if (up) p->o.unknown_upgrade(p->o.user, up);
	if (!ex) return;
	/* It may have been taken; and some clients come back from a lost connection only. */
	if (cut && ex->req->method == EIO_HTTP_POST)
		eio_exchange_respond(ex, (struct eio_response){ .destroy = true });
	else
		p->o.unknown(p->o.user, ex);
	eio_exchange_unref(ex);
}

/* The connection it came on is gone: the other node learns that in the same way. */
static void
on_job_abort(struct eio_exchange *ex)
{
	struct peers_job *job = ex->owner;
	struct peers_link *l;

	CHECK_MAGIC(job, PEERS_JOB_MAGIC);
	l = job->link;
	if (l) peers__link_close(job->peers, l);
	free_job(job);
	eio_exchange_respond(ex, (struct eio_response){ .destroy = true });
	eio_exchange_unref(ex);
}

/* Notes the session of a request, however it is written there. False when out of memory. */
static bool
note_sid(struct peers_job *job, const struct eio_request *req)
{
	struct eio_buf sid = { 0 };
	bool good = eio_query_get(req->query, EIO_LIT("sid"), &sid) && sid.n == sizeof job->sid &&
		    !eio_buf_failed(&sid);

	if (good) memcpy(job->sid, sid.p, sizeof job->sid);
	eio_buf_deinit(&sid);
	return good;
}

static struct eio_bytes
sid_of(const struct peers_job *job)
{
	return eio_bytes(job->sid, sizeof job->sid);
}

/* Ways */

static void
send_job(struct peers_job *job)
{
	if (job->ex)
		peers_link_send(job->link, job->ex, job->too_large);
	else
		peers_link_send_upgrade(job->link, job->up);
}

static void
start_job(struct peers_job *job, struct peers_node *n)
{
	struct peers *p = job->peers;
	bool idle = !eio_list_empty(&n->idle);
	struct peers_link *l = idle ? peers_link_of_list(n->idle.prev) : peers__link_new(p, n);

	if (!l) {
		fail_job(job, PEERS_METRIC_MEMORY);
		return;
	}
	job->link = l;
	*peers_link_slot(l) = job;
	if (!idle) return; /* it is sent when the node has said hello */
	eio_list_remove(peers_link_list(l));
	eio_list_add_tail(&p->busy, peers_link_list(l));
	send_job(job);
}

/* may_wait: for a look, which may find the node. */
static void
route_job(struct peers_job *job, bool may_wait)
{
	struct peers *p = job->peers;
	struct peers_node *n = peers_nodes_find(&p->nodes, eio_cstr(job->node));

	if (n && peers_node_is_placed(n)) {
		if (peers_node_is_down(n, eio_clock_now(p->o.clock)))
			fail_job(job, PEERS_METRIC_DOWN);
		else
			start_job(job, n);
	} else if (may_wait && peers__look_helps(p)) {
		eio_list_add_tail(&p->waiting, &job->list);
		peers__look(p, true);
	} else {
		fail_job(job, PEERS_METRIC_UNKNOWN);
	}
}

static void
on_looked(struct peers *p)
{
	struct eio_list list, *l, *next;

	/* Whoever is told of a failure may bring the next, which waits for another look. */
	eio_list_init(&list);
	EIO_LIST_FOREACH_SAFE(l, next, &p->waiting)
	{
		eio_list_remove(l);
		eio_list_add_tail(&list, l);
	}
	while (!eio_list_empty(&list)) {
		struct peers_job *job = EIO_CONTAINER(list.next, struct peers_job, list);

		eio_list_remove(&job->list);
		route_job(job, false);
	}
}

static struct peers_job *
job_new(struct peers *p, struct eio_bytes node)
{
	struct peers_job *job = calloc(1, sizeof *job);

	if (!job) return NULL;
	CHECK(node.n <= EIO_NODE_MAX);
	job->magic = PEERS_JOB_MAGIC;
	job->peers = p;
	memcpy(job->node, node.p, node.n);
	eio_list_init(&job->list);
	metrics_inc(p->metrics, PEERS_METRIC_OUT);
	return job;
}

void
peers_exchange(struct peers *p, struct eio_bytes node, struct eio_exchange *ex, enum eio_stage stage)
{
	struct peers_job *job;

	CHECK_MAGIC(p, PEERS_MAGIC);
	if (stage == EIO_STAGE_BEGIN) return; /* it goes as a whole */
	job = p->drained ? NULL : job_new(p, node);
	if (!job) {
		eio_exchange_respond(ex, (struct eio_response){ .status = 503, .close = true });
		return;
	}
	job->ex = eio_exchange_ref(ex);
	job->too_large = stage == EIO_STAGE_TOO_LARGE;
	ex->owner = job;
	ex->on_abort = on_job_abort;
	if (!note_sid(job, ex->req))
		fail_job(job, PEERS_METRIC_MEMORY);
	else if (ex->req->method == EIO_HTTP_GET && peers_unread_bytes(&p->unread, sid_of(job)) > p->o.max_unread)
		fail_job(job, PEERS_METRIC_UNREAD);
	else
		route_job(job, true);
}

void
peers_upgrade(struct peers *p, struct eio_bytes node, struct eio_upgrade *up)
{
	struct peers_job *job;

	CHECK_MAGIC(p, PEERS_MAGIC);
	job = p->drained ? NULL : job_new(p, node);
	if (!job) {
		eio_upgrade_free(up);
		return;
	}
	job->up = up;
	route_job(job, true);
}

/* What links tell */

static struct peers_job *
job_of(struct peers_link *l)
{
	struct peers_job *job = *peers_link_slot(l);

	if (job) CHECK_MAGIC(job, PEERS_JOB_MAGIC);
	return job;
}

static void
tell_wrong_name(struct peers_node *n, const char *name)
{
	if (!n->spec->name || n->told) return;
	n->told = true;
	log_warn("event=peer-wrong-name node=%s address=\"%s\" name=%s hint=\"another node answers there\"",
		n->spec->name, LOG_ESCAPE(eio_cstr(n->spec->text)), name);
}

static bool
on_link_hello(void *user, struct peers_link *l, const struct peers_hello *other)
{
	struct peers *p = user;
	struct peers_node *n = peers_link_node(l);
	struct peers_job *job = job_of(l);
	bool known = peers_node_greeted(&p->nodes, n, other->node);
	bool wanted = known && (!job || strcmp(job->node, n->name) == 0);

	if (!wanted) {
		if (!known) tell_wrong_name(n, other->node);
		if (!known && n->spec->name) peers_node_failed(n, eio_clock_now(p->o.clock));
		if (job) job->link = NULL;
		*peers_link_slot(l) = NULL;
		peers__link_close(p, l);
	}
	if (!job)
		peers__look_greeted(p);
	else if (!wanted)
		fail_job(job, PEERS_METRIC_UNKNOWN);
	return wanted;
}

static void
on_link_idle(void *user, struct peers_link *l)
{
	struct peers_job *job = job_of(l);

	(void)user;
	if (job) {
		send_job(job);
		return;
	}
	eio_list_remove(peers_link_list(l));
	eio_list_add_tail(&peers_link_node(l)->idle, peers_link_list(l));
}

static void
on_link_answer(void *user, struct peers_link *l, struct peers_answer *a)
{
	struct peers *p = user;
	struct peers_job *job = job_of(l);
	struct eio_exchange *ex;
	struct eio_response r;

	CHECK(job && job->ex);
	ex = job->ex;
	r = (struct eio_response){
		.status = a->status,
		.headers = a->headers.n ? eio_block_of_buf(&a->headers) : NULL,
		.body = a->body,
		.length = a->length,
		.no_length = a->no_length,
		.unsent = a->body ? peers_unread_add(&p->unread, sid_of(job), a->length) : NULL,
	};
	a->body = NULL;
	free_job(job);
	eio_exchange_respond(ex, r);
	eio_exchange_unref(ex);
}

static void
on_link_left(void *user, struct peers_link *l, int fd)
{
	struct peers *p = user;
	struct peers_job *job = job_of(l);
	struct eio_upgrade *up;

	CHECK(job && job->up);
	p->n_links--;
	if (fd < 0) {
		fail_job(job, PEERS_METRIC_MEMORY);
		return;
	}
	up = job->up;
	free_job(job);
	eio_splices_join(p->splices, up->fd, up->tls, fd);
	up->fd = -1;
	up->tls = NULL;
	eio_upgrade_free(up);
}

static void
on_link_ended(void *user, struct peers_link *l, enum peers_link_end how, bool greeted)
{
	struct peers *p = user;
	struct peers_node *n = peers_link_node(l);
	struct peers_job *job = job_of(l);

	p->n_links--;
	/* Who is behind its address is asked again. */
	if (greeted && how == PEERS_LINK_CLOSED && !n->spec->name) n->greeted = false;
	if (!greeted) peers_node_failed(n, eio_clock_now(p->o.clock));
	if (job)
		fail_job(job, how == PEERS_LINK_TIMEOUT ? PEERS_METRIC_TIMEOUT
			      : greeted			? PEERS_METRIC_LOST
							: PEERS_METRIC_DOWN);
	else if (!greeted)
		peers__look_greeted(p);
}

/* From beginning to end */

static const struct peers_link_events link_events = {
	.hello = on_link_hello,
	.answer = on_link_answer,
	.idle = on_link_idle,
	.left = on_link_left,
	.ended = on_link_ended,
};

struct peers *
peers_new(const struct peers_options *o)
{
	struct peers *p = calloc(1, sizeof *p);
	uint64_t key[2];

	if (!p) return NULL;
	p->magic = PEERS_MAGIC;
	p->o = *o;
	p->refs = 1;
	p->looked = on_looked;
	p->link_options = (struct peers_link_options){
		.loop = o->loop,
		.clock = o->clock,
		.events = &link_events,
		.user = p,
		.own = o->own,
		.secret = o->spec->secret,
		.answer_ms = o->answer_ms,
		.max_body = o->max_answer,
	};
	eio_list_init(&p->waiting);
	eio_list_init(&p->busy);
	peers__look_init(p);
	p->metrics = metrics_new(o->metrics, &peers_metrics, NULL);
	p->splices = eio_splices_new(o->loop, o->clock);
	memcpy(key, eio_random_take(o->random, sizeof key), sizeof key);
	if (p->metrics && p->splices && !peers_unread_init(&p->unread, key) &&
		!peers_nodes_init(&p->nodes, o->spec, o->own))
		return p;
	peers_unread_deinit(&p->unread);
	metrics_free(p->metrics);
	eio_splices_close(p->splices);
	free(p);
	return NULL;
}

void
peers_start(struct peers *p)
{
	CHECK_MAGIC(p, PEERS_MAGIC);
	peers__look_begin(p);
}

void
peers_change(struct peers *p, const struct peers_options *o)
{
	CHECK_MAGIC(p, PEERS_MAGIC);
	p->link_options.answer_ms = o->answer_ms;
	p->link_options.max_body = o->max_answer;
	p->o.max_unread = o->max_unread;
	p->o.idle_s = o->idle_s;
}

uint64_t
peers_connections(const struct peers *p)
{
	return p->n_links + 2 * eio_splices_count(p->splices);
}

void
peers_show(struct peers *p)
{
	uint64_t nodes = 0;

	for (struct eio_list *l = p->nodes.all.next; l != &p->nodes.all; l = l->next)
		nodes += EIO_CONTAINER(l, struct peers_node, link)->greeted;
	metrics_put(p->metrics, PEERS_METRIC_NODES, nodes);
	metrics_put(p->metrics, PEERS_METRIC_CONNECTIONS, p->n_links);
	metrics_put(p->metrics, PEERS_METRIC_WEBSOCKETS, eio_splices_count(p->splices));
}

/* A POST may have been taken. */
static void
drain_job(struct peers_job *job)
{
	struct eio_exchange *ex = job->ex;

	if (job->up) eio_upgrade_free(job->up);
	free_job(job);
	if (!ex) return;
	eio_exchange_respond(
		ex, (struct eio_response){ .status = 503, .close = true, .destroy = ex->req->method == EIO_HTTP_POST });
	eio_exchange_unref(ex);
}

static void
drain_links(struct peers *p, struct eio_list *links)
{
	while (!eio_list_empty(links)) {
		struct peers_link *l = peers_link_of_list(links->next);
		struct peers_job *job = job_of(l);

		if (job) job->link = NULL;
		peers__link_close(p, l);
		if (job) drain_job(job);
	}
}

void
peers_hold(struct peers *p)
{
	CHECK_MAGIC(p, PEERS_MAGIC);
	eio_splices_cut(p->splices);
}

void
peers_drain(struct peers *p)
{
	CHECK_MAGIC(p, PEERS_MAGIC);
	p->drained = true;
	eio_clock_set(p->o.clock, &p->look_timer, UINT64_MAX);
	while (!eio_list_empty(&p->waiting)) drain_job(EIO_CONTAINER(p->waiting.next, struct peers_job, list));
	drain_links(p, &p->busy);
	for (struct eio_list *l = p->nodes.all.next; l != &p->nodes.all; l = l->next)
		drain_links(p, &EIO_CONTAINER(l, struct peers_node, link)->idle);
	eio_splices_cut(p->splices);
}

void
peers_close(struct peers *p)
{
	if (!p) return;
	CHECK(p->drained);
	peers_nodes_deinit(&p->nodes);
	eio_splices_close(p->splices);
	peers_unread_deinit(&p->unread);
	metrics_free(p->metrics);
	peers__unref(p);
}
