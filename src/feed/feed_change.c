/* SPDX-License-Identifier: MIT */
/* Other feeds: asked for by the main thread, which waits; done on the feed's, in one turn of its loop. */
#include "src/feed/feed_self.h"

bool
feed_retains(const struct feed *f, struct sio_room_key key)
{
	if (f->options.edge) return atomic_load_explicit(&f->hub_retains, memory_order_acquire);
	return feed_specs_retain(atomic_load_explicit(&f->asked, memory_order_acquire), key);
}

const struct feed_specs *
feed_specs_at_work(const struct feed *f)
{
	return atomic_load_explicit(&f->asked, memory_order_acquire);
}

static int
change_feeds(struct feed *f)
{
	struct feed_request *q = &f->change;
	struct feed_change change;

	if (f->closed || feed_change_prepare(&change, &f->router, &f->options, q->specs) < 0) return -1;
	if (feed_demands_prepare(&f->demands, q->specs) < 0) goto fail_change;
	if (feed_intakes_prepare(&f->intakes, &change.table, q->specs, change.feeds) < 0) goto fail_demands;
	q->changed = change.counts;
	feed_change_commit(&change, uv_now(feed__loop(f)));
	feed_demands_commit(&f->demands);
	feed_intakes_commit(&f->intakes);
	feed_demands_apply(&f->demands);
	return 0;
fail_demands:
	feed_demands_forget(&f->demands);
fail_change:
	feed_change_forget(&change);
	return -1;
}

void
feed__take_change(void *user, struct mail *run)
{
	struct feed *f = feed__of(user);

	CHECK(run == &f->change.mail && !run->next);
	if (f->change.call)
		f->change.call(f->change.user);
	else
		f->change.result = change_feeds(f);
	uv_sem_post(&f->change.done);
}

/* Who joins asks by what comes next from before it is there: so nobody misses what it retains first. */
int
feed_change(struct feed *f, struct feed_specs *specs, struct feed_changed *out)
{
	struct feed_request *q = &f->change;
	struct feed_specs *before = atomic_load_explicit(&f->asked, memory_order_relaxed);

	CHECK_MAGIC(f, FEED_MAGIC);
	CHECK(!q->before);
	q->call = NULL;
	q->specs = feed_specs_ref(specs);
	feed_demands_watch_all(&f->demands, true);
	atomic_store_explicit(&f->asked, specs, memory_order_release);
	mail_post(&q->port, &q->mail);
	uv_sem_wait(&q->done);
	if (q->result < 0) {
		atomic_store_explicit(&f->asked, before, memory_order_release);
		feed_demands_watch_all(&f->demands, false);
		feed_specs_unref(q->refused);
		q->refused = specs;
		return -1;
	}
	feed_demands_watch_all(&f->demands, false);
	q->before = before;
	*out = q->changed;
	return 0;
}

void
feed_change_end(struct feed *f)
{
	feed_specs_unref(f->change.before);
	f->change.before = NULL;
}

void
feed_call(struct feed *f, void (*call)(void *user), void *user)
{
	CHECK_MAGIC(f, FEED_MAGIC);
	f->change.call = call;
	f->change.user = user;
	mail_post(&f->change.port, &f->change.mail);
	uv_sem_wait(&f->change.done);
}
