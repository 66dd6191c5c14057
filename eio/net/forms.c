/* SPDX-License-Identifier: MIT */
/*
 * What is being made, and for whom. The thread that makes a form is one of the pool
 * that libuv has for the whole program, so the list of them is the program's, too:
 * it is the one thing here that threads share, and a lock is held for it no longer
 * than a list takes to be walked.
 */
#include "eio/net/forms.h"

#include "eio/check.h"

#include <pthread.h>
#include <stdlib.h>

struct form_key {
	struct eio_bundle *bundle; /* a reference */
	enum eio_wire wire;
	const struct eio_deflate *deflate;
};

/* A form on its way. */
struct making {
	uv_work_t work;
	struct form_key key;
	struct eio_list link; /* {lock} in makings until it is made */
	struct eio_list askers; /* {lock} */
};

/* A form that a loop waits for. */
struct asked {
	struct eio__forms *forms;
	struct form_key key;
	struct eio_list link; /* in forms->asked; the loop's, as waits is */
	struct eio_list waits;
	struct eio_list asker; /* {lock} in the making's askers */
	bool done, made; /* {lock} */
};

static struct {
	pthread_mutex_t lock;
	struct eio_list list; /* {lock} */
} makings = { PTHREAD_MUTEX_INITIALIZER, { &makings.list, &makings.list } };

static bool
same_form(const struct form_key *a, const struct form_key *b)
{
	return a->bundle == b->bundle && a->wire == b->wire && !a->deflate == !b->deflate;
}

static bool
make_form(const struct form_key *k)
{
	if (k->deflate) return eio_bundle_deflated(k->bundle, k->wire, k->deflate, NULL) != NULL;
	return eio_bundle_wire(k->bundle, k->wire) != NULL;
}

/* In the pool */

/* Whether somebody still waits; if not, nobody will find it any more. */
static bool
somebody_waits(struct making *m)
{
	bool wanted;

	pthread_mutex_lock(&makings.lock);
	wanted = !eio_list_empty(&m->askers);
	if (!wanted) eio_list_remove(&m->link);
	pthread_mutex_unlock(&makings.lock);
	return wanted;
}

static void
on_making(uv_work_t *work)
{
	struct making *m = EIO_CONTAINER(work, struct making, work);
	bool made;

	if (!somebody_waits(m)) return;
	made = make_form(&m->key);
	pthread_mutex_lock(&makings.lock);
	eio_list_remove(&m->link);
	while (!eio_list_empty(&m->askers)) {
		struct asked *a = EIO_CONTAINER(m->askers.next, struct asked, asker);

		eio_list_remove(&a->asker);
		a->done = true;
		a->made = made;
		uv_async_send(&a->forms->woken); /* it is there: who closes it takes himself off first */
	}
	pthread_mutex_unlock(&makings.lock);
}

/* In the loop */

static void
on_making_over(uv_work_t *work, int status)
{
	struct making *m = EIO_CONTAINER(work, struct making, work);

	(void)status; /* nobody cancels it */
	eio_bundle_unref(m->key.bundle);
	free(m);
}

static void
asked_free(struct asked *a)
{
	eio_list_remove(&a->link);
	eio_bundle_unref(a->key.bundle);
	free(a);
}

static void
take_done(struct eio__forms *f, struct eio_list *done)
{
	struct eio_list *l, *next;

	pthread_mutex_lock(&makings.lock);
	EIO_LIST_FOREACH_SAFE(l, next, &f->asked)
	{
		if (!EIO_CONTAINER(l, struct asked, link)->done) continue;
		eio_list_remove(l);
		eio_list_add_tail(done, l);
	}
	pthread_mutex_unlock(&makings.lock);
}

static void
on_forms_woken(uv_async_t *woken)
{
	struct eio__forms *f = woken->data;
	struct eio_list done;

	CHECK_MAGIC(f, EIO__FORMS_MAGIC);
	eio_list_init(&done);
	take_done(f, &done);
	while (!eio_list_empty(&done)) {
		struct asked *a = EIO_CONTAINER(done.next, struct asked, link);

		while (!eio_list_empty(&a->waits)) {
			struct eio_list *wait = a->waits.next;

			eio_list_remove(wait);
			f->told(wait, a->made);
		}
		asked_free(a);
	}
}

int
eio__forms_open(struct eio__forms *f, uv_loop_t *loop, void (*told)(struct eio_list *wait, bool made))
{
	*f = (struct eio__forms){ .magic = EIO__FORMS_MAGIC, .loop = loop, .told = told };
	f->woken.data = f;
	eio_list_init(&f->asked);
	return uv_async_init(loop, &f->woken, on_forms_woken);
}

void
eio__forms_close(struct eio__forms *f)
{
	pthread_mutex_lock(&makings.lock);
	for (struct eio_list *l = f->asked.next; l != &f->asked; l = l->next)
		eio_list_remove(&EIO_CONTAINER(l, struct asked, link)->asker);
	pthread_mutex_unlock(&makings.lock);
	while (!eio_list_empty(&f->asked)) {
		struct asked *a = EIO_CONTAINER(f->asked.next, struct asked, link);

		CHECK(eio_list_empty(&a->waits));
		asked_free(a);
	}
	uv_close((uv_handle_t *)&f->woken, NULL);
	f->magic = 0;
}

/* Asking */

static struct asked *
asked_form(struct eio__forms *f, const struct form_key *key)
{
	for (struct eio_list *l = f->asked.next; l != &f->asked; l = l->next)
		if (same_form(&EIO_CONTAINER(l, struct asked, link)->key, key))
			return EIO_CONTAINER(l, struct asked, link);
	return NULL;
}

static struct making *
find_making(const struct form_key *key)
{
	for (struct eio_list *l = makings.list.next; l != &makings.list; l = l->next)
		if (same_form(&EIO_CONTAINER(l, struct making, link)->key, key))
			return EIO_CONTAINER(l, struct making, link);
	return NULL;
}

/* Joins what another loop has asked for, or begins: then m is taken. Returns whether it is. */
static bool
join_or_begin(struct asked *a, struct making *m)
{
	struct making *other;

	pthread_mutex_lock(&makings.lock);
	other = find_making(&a->key);
	if (!other) {
		eio_list_add_tail(&makings.list, &m->link);
		uv_queue_work(a->forms->loop, &m->work, on_making, on_making_over);
	}
	eio_list_add_tail(other ? &other->askers : &m->askers, &a->asker);
	pthread_mutex_unlock(&makings.lock);
	return !other;
}

static struct asked *
ask_anew(struct eio__forms *f, const struct form_key *key)
{
	struct asked *a = malloc(sizeof *a);
	struct making *m = malloc(sizeof *m);

	if (!a || !m) {
		free(a);
		free(m);
		return NULL;
	}
	*a = (struct asked){ .forms = f, .key = *key };
	eio_bundle_ref(key->bundle);
	eio_list_init(&a->waits);
	eio_list_init(&a->asker);
	eio_list_add_tail(&f->asked, &a->link);
	m->key = *key;
	eio_list_init(&m->askers);
	eio_bundle_ref(key->bundle);
	if (!join_or_begin(a, m)) {
		eio_bundle_unref(m->key.bundle);
		free(m);
	}
	return a;
}

int
eio__forms_ask(struct eio__forms *f, struct eio_bundle *b, enum eio_wire wire, const struct eio_deflate *deflate,
	struct eio_list *wait)
{
	struct form_key key = { b, wire, deflate };
	struct asked *a = asked_form(f, &key);

	CHECK_MAGIC(f, EIO__FORMS_MAGIC);
	CHECK(eio_list_empty(wait));
	if (!a) a = ask_anew(f, &key);
	if (!a) return -1;
	eio_list_add_tail(&a->waits, wait);
	return 0;
}
