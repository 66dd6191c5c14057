/* SPDX-License-Identifier: MIT */
/* The thread's part: mail from workers in, what is to be told out, and the time. */
#include "src/presence/presence.h"

#include "eio/check.h"
#include "src/base/log.h"
#include "src/presence/presence_int.h"
#include "src/presence/shared.h"

#include <stdlib.h>

enum {
	POSTED_BYTES = 16 << 20, /* beginnings of stays that may be on their way; ends are no more than those */
	BEHIND_MS = 100, /* how soon a worker that was behind is looked at again */
};

#define PRESENCE_MAGIC 0x9e5e0c01u

/* The beginning of a stay on its way to the thread. */
struct beginning {
	struct presence_post post;
	uint64_t id;
	const struct presence_spec *spec; /* NULL: it is counted */
	const struct presence_count_spec *count;
	struct sio_room_key key; /* all bytes lie in data */
	struct presence_who who;
	size_t bytes;
	char data[];
};

struct presence {
	unsigned magic; /* PRESENCE_MAGIC */
	struct presence_options options;
	struct mail_port starts, stops, posts;
	struct mail start, stop;
	uv_sem_t stopped;
	atomic_size_t posted; /* bytes of beginnings posted and not yet taken */
	/* The thread's. */
	struct presence_core core;
	struct presence_counts counts;
	struct presence_out out;
	struct presence_shared *shared; /* NULL: nothing is shared, or not yet, or not any more */
	struct eio_timer timer;
	bool closed;
	struct metrics *metrics, *redis_metrics; /* owned: of presence_metrics, of redis_metrics */
};

static struct presence *
presence_of(void *user)
{
	struct presence *p = user;

	CHECK_MAGIC(p, PRESENCE_MAGIC);
	return p;
}

const struct presence_specs *
presence_specs_of(const struct presence *p)
{
	return p->options.specs;
}

/* Telling */

static void
share_member(struct presence *p, const struct presence_event *ev)
{
	const struct presence_member *m = ev->member;
	const struct presence_change c = { ev->kind == PRESENCE_SHARE ? '+' : '-', ev->room->key,
		eio_bytes(m->identity, m->identity_n), presence_member_json(m), presence_member_info(m), 0 };

	if (p->shared) presence_shared_add(p->shared, &c);
}

static void
share_count(struct presence *p, const struct presence_count_event *ev)
{
	const struct presence_change c = { .kind = '#', .key = ev->target->key, .n = ev->n };

	if (p->shared) presence_shared_add(p->shared, &c);
}

static void
show_numbers(struct presence *p)
{
	metrics_put(p->metrics, PRESENCE_METRIC_MEMBERS, p->core.n_members);
	metrics_put(p->metrics, PRESENCE_METRIC_ROOMS, p->core.rooms.count);
	metrics_put(p->metrics, PRESENCE_METRIC_SEATS, p->core.seats.count);
	metrics_put(p->metrics, PRESENCE_METRIC_NODES, p->shared ? presence_shared_nodes(p->shared) : 0);
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Everything that is to be told now, to clients and to other nodes; and when there is more. */
static void
tell_all(struct presence *p)
{
	struct eio_clock *clock = &p->options.thread->clock;
	uint64_t now = eio_clock_now(clock), at;
	struct presence_count_event count;
	struct presence_event ev;

	if (p->closed) return;
	while (presence_next(&p->core, now, &ev)) {
		if (ev.kind == PRESENCE_SHARE || ev.kind == PRESENCE_UNSHARE)
			share_member(p, &ev);
		else
			presence_out_tell(&p->out, &ev, now);
	}
	presence_out_flush(&p->out);
	while (presence_count_next(&p->counts, now, &count)) {
		if (count.kind == PRESENCE_COUNT_SHARE)
			share_count(p, &count);
		else
			presence_out_count(&p->out, &count);
	}
	if (p->shared) presence_shared_flush(p->shared);
	at = earlier(presence_deadline(&p->core), presence_count_deadline(&p->counts, now));
	if (presence_out_catch_up(&p->out, now)) at = earlier(at, now + BEHIND_MS);
	eio_clock_set(clock, &p->timer, at);
	show_numbers(p);
}

static void
on_presence_timer(struct eio_timer *t)
{
	tell_all(presence_of(EIO_CONTAINER(t, struct presence, timer)));
}

static void
on_shared_changed(void *user)
{
	tell_all(presence_of(user));
}

/* Mail */

static void
take_beginning(struct presence *p, struct beginning *b)
{
	enum presence_result r = PRESENCE_OK;

	if (p->closed)
		;
	else if (b->spec)
		r = presence_enter(&p->core, b->id, b->spec, b->key, &b->who);
	else if (presence_count_enter(&p->counts, b->count, b->key, b->id))
		r = PRESENCE_NOMEM;
	if (r == PRESENCE_FULL) metrics_inc(p->metrics, PRESENCE_METRIC_FULL);
	if (r == PRESENCE_NOMEM) metrics_inc(p->metrics, PRESENCE_METRIC_NOMEM);
	atomic_fetch_sub_explicit(&p->posted, b->bytes, memory_order_relaxed);
	free(b);
}

static void
take_end(struct presence *p, struct presence_stay *stay)
{
	if (p->closed)
		;
	else if (stay->counted)
		presence_count_exit(&p->counts, stay->key, stay->id);
	else
		presence_exit(&p->core, stay->id);
	free(stay);
}

static void
take_stays(void *user, struct mail *run)
{
	struct presence *p = presence_of(user);
	struct mail *next;

	for (struct mail *m = run; m; m = next) {
		struct presence_post *post = EIO_CONTAINER(m, struct presence_post, mail);

		next = m->next;
		if (post->begins)
			take_beginning(p, EIO_CONTAINER(post, struct beginning, post));
		else
			take_end(p, EIO_CONTAINER(post, struct presence_stay, post));
	}
	tell_all(p);
}

/* What workers post */

static char *
copy_in(char *at, struct eio_bytes from, struct eio_bytes *to)
{
	if (from.n) memcpy(at, from.p, from.n);
	*to = eio_bytes(at, from.n);
	return at + from.n;
}

static struct beginning *
beginning_new(struct sio_room_key key, const struct presence_who *who)
{
	size_t n = sio_room_key_size(key) + who->identity.n + who->member.n + who->info.n;
	struct beginning *b = malloc(sizeof *b + n);
	char *at;

	if (!b) return NULL;
	*b = (struct beginning){ .post.begins = true, .bytes = sizeof *b + n };
	b->key = sio_room_key_copy(key, b->data);
	at = copy_in(b->data + sio_room_key_size(key), who->identity, &b->who.identity);
	at = copy_in(at, who->member, &b->who.member);
	copy_in(at, who->info, &b->who.info);
	return b;
}

static struct presence_stay *
stay_new(uint64_t id, const struct sio_room_key *counted)
{
	struct presence_stay *stay = malloc(sizeof *stay + (counted ? sio_room_key_size(*counted) : 0));

	if (!stay) return NULL;
	stay->post.begins = false;
	stay->id = id;
	stay->counted = counted != NULL;
	if (counted) stay->key = sio_room_key_copy(*counted, stay->data);
	return stay;
}

/* Posts a beginning, whose stay this is. */
static struct presence_stay *
post_beginning(struct presence *p, struct beginning *b, struct presence_stay *stay)
{
	size_t bytes = b ? b->bytes : 0;

	if (b && stay && atomic_fetch_add_explicit(&p->posted, bytes, memory_order_relaxed) + bytes <= POSTED_BYTES) {
		b->id = stay->id;
		mail_post(&p->posts, &b->post.mail);
		return stay;
	}
	if (b && stay) atomic_fetch_sub_explicit(&p->posted, bytes, memory_order_relaxed);
	free(b);
	free(stay);
	return NULL;
}

struct presence_stay *
presence_begin(struct presence *p, uint64_t id, const struct presence_spec *spec, struct sio_room_key key,
	const struct presence_who *who)
{
	struct beginning *b = beginning_new(key, who);

	if (b) b->spec = spec;
	return post_beginning(p, b, stay_new(id, NULL));
}

struct presence_stay *
presence_begin_counted(struct presence *p, uint64_t id, const struct presence_count_spec *spec, struct sio_room_key key)
{
	struct beginning *b = beginning_new(key, &(struct presence_who){ .identity = { NULL, 0 } });

	if (b) b->count = spec;
	return post_beginning(p, b, stay_new(id, &key));
}

void
presence_end(struct presence *p, struct presence_stay *stay)
{
	mail_post(&p->posts, &stay->post.mail);
}

/* From the beginning to the end */

static void
take_presence_start(void *user, struct mail *run)
{
	struct presence *p = presence_of(user);
	const struct presence_shared_options o = {
		.loop = &p->options.thread->loop,
		.url = p->options.redis,
		.metrics = p->redis_metrics,
		.specs = p->options.specs,
		.prefix = p->options.prefix,
		.expiry_ms = p->options.expiry_ms,
		.core = &p->core,
		.counts = &p->counts,
		.changed = on_shared_changed,
		.user = p,
	};

	(void)run;
	if (!p->options.redis || !presence_specs_shared(p->options.specs)) return;
	p->shared = presence_shared_open(&o);
	if (!p->shared) log_error("redis=%s event=not-opened reason=\"out of memory\"", o.url->name);
}

void
presence_move(struct presence *p, const struct redis_url *url)
{
	CHECK_MAGIC(p, PRESENCE_MAGIC);
	if (!p->shared || p->options.redis != url) return;
	/* Out of memory it counts on under the old name. */
	(void)metrics_relabel(p->redis_metrics, url->name);
	presence_shared_move(p->shared);
}

static void
shut_down_presence(struct presence *p)
{
	p->closed = true;
	if (p->shared) presence_shared_close(p->shared);
	p->shared = NULL;
	eio_clock_set(&p->options.thread->clock, &p->timer, UINT64_MAX);
	uv_sem_post(&p->stopped);
}

static void
take_presence_stop(void *user, struct mail *run)
{
	(void)run;
	shut_down_presence(presence_of(user));
}

static int
init_core(struct presence *p)
{
	uint64_t key[2];

	if (uv_random(NULL, NULL, key, sizeof key, 0, NULL)) return -1;
	if (presence_core_init(&p->core, p->options.specs, p->options.workers, key)) return -1;
	p->core.released = presence_out_release;
	return presence_counts_init(&p->counts, key);
}

static int
init_parts(struct presence *p)
{
	p->metrics = metrics_new(p->options.metrics, &presence_metrics, NULL);
	if (p->options.redis)
		p->redis_metrics = metrics_new(p->options.metrics, &redis_metrics, p->options.redis->name);
	if (!p->metrics || (p->options.redis && !p->redis_metrics) || init_core(p)) return -1;
	return presence_out_init(&p->out, p->options.workers, p->options.worker_queue_bytes, p->metrics);
}

static void
free_parts(struct presence *p)
{
	presence_core_deinit(&p->core);
	presence_counts_deinit(&p->counts);
	presence_out_deinit(&p->out);
	metrics_free(p->metrics);
	metrics_free(p->redis_metrics);
	presence_specs_unref(p->options.specs);
	p->magic = 0;
	free(p);
}

struct presence *
presence_new(const struct presence_options *options)
{
	struct presence *p = calloc(1, sizeof *p);
	struct mailbox *mailbox = &options->thread->mailbox;

	if (!p) return NULL;
	p->magic = PRESENCE_MAGIC;
	p->options = *options;
	presence_specs_ref(p->options.specs);
	p->starts = (struct mail_port){ mailbox, take_presence_start, p };
	p->stops = (struct mail_port){ mailbox, take_presence_stop, p };
	p->posts = (struct mail_port){ mailbox, take_stays, p };
	eio_timer_init(&p->timer, on_presence_timer);
	if (init_parts(p) == 0 && uv_sem_init(&p->stopped, 0) == 0) return p;
	free_parts(p);
	return NULL;
}

void
presence_set_worker(struct presence *p, unsigned w, const struct mail_port *deliveries)
{
	CHECK(w < p->out.n);
	p->out.workers[w] = deliveries;
}

void
presence_start(struct presence *p)
{
	mail_post(&p->starts, &p->start);
}

void
presence_stop(struct presence *p)
{
	if (!p->options.thread->running) {
		shut_down_presence(p);
		return;
	}
	mail_post(&p->stops, &p->stop);
	uv_sem_wait(&p->stopped);
}

void
presence_free(struct presence *p)
{
	if (!p) return;
	CHECK(!p->options.thread->running && p->closed);
	uv_sem_destroy(&p->stopped);
	free_parts(p);
}
