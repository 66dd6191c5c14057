/* SPDX-License-Identifier: MIT */
/* One question for all workers, and one wake-up when the last of them has counted. */
#include "src/worker/census.h"

#include "eio/list.h"
#include "src/clients/clients.h"
#include "src/worker/worker_int.h"

#include <stdlib.h>
#include <string.h>

enum { CENSUS_MAGIC = 0xce4505a1 };

struct census;

/* The question to one worker. */
struct census_mail {
	struct mail mail;
	struct mail_port port;
	struct census *census;
	struct worker *worker;
};

struct census {
	unsigned magic; /* CENSUS_MAGIC */
	uv_async_t all_counted;
	atomic_uint left; /* workers that have not counted */
	struct sio_room_key *keys; /* n; their names lie in names */
	_Atomic size_t *sums; /* n */
	size_t *clients; /* n: what they come to */
	size_t n;
	char *names;
	census_fn done;
	void *user;
	struct census_mail mails[]; /* one for each worker */
};

static void
take_census_mail(void *user, struct mail *run)
{
	struct census_mail *m = user;
	struct census *c = m->census;

	CHECK_MAGIC(c, CENSUS_MAGIC);
	CHECK(run == &m->mail && !run->next);
	for (size_t i = 0; i < c->n; i++) atomic_fetch_add(&c->sums[i], clients_in(m->worker->clients, c->keys[i]));
	if (atomic_fetch_sub(&c->left, 1) == 1) uv_async_send(&c->all_counted);
}

static void
free_census(struct census *c)
{
	c->magic = 0;
	free(c->keys);
	free(c->sums);
	free(c->clients);
	free(c->names);
	free(c);
}

static void
on_census_closed(uv_handle_t *h)
{
	free_census(h->data);
}

static void
on_all_counted(uv_async_t *a)
{
	struct census *c = a->data;

	CHECK_MAGIC(c, CENSUS_MAGIC);
	for (size_t i = 0; i < c->n; i++) c->clients[i] = atomic_load(&c->sums[i]);
	c->done(c->user, c->clients, c->n);
	uv_close((uv_handle_t *)a, on_census_closed);
}

/* Copies the keys. false when out of memory. */
static bool
copy_census_keys(struct census *c, const struct sio_room_key *keys, size_t n)
{
	size_t bytes = 1;
	char *at;

	for (size_t i = 0; i < n; i++) bytes += sio_room_key_size(keys[i]);
	c->keys = calloc(n + 1, sizeof *c->keys);
	c->sums = calloc(n + 1, sizeof *c->sums);
	c->clients = calloc(n + 1, sizeof *c->clients);
	c->names = at = malloc(bytes);
	if (!c->keys || !c->sums || !c->clients || !c->names) return false;
	for (size_t i = 0; i < n; i++) {
		c->keys[i] = sio_room_key_copy(keys[i], at);
		at += sio_room_key_size(keys[i]);
	}
	return true;
}

int
census_take(void *workers, const struct sio_room_key *keys, size_t n, census_fn done, void *user)
{
	struct workers *ws = workers;
	struct census *c = calloc(1, sizeof *c + ws->n * sizeof c->mails[0]);

	if (!c) return -1;
	c->magic = CENSUS_MAGIC;
	c->n = n;
	c->done = done;
	c->user = user;
	c->all_counted.data = c;
	atomic_init(&c->left, ws->n);
	if (!copy_census_keys(c, keys, n) || uv_async_init(ws->loop, &c->all_counted, on_all_counted)) {
		free_census(c);
		return -1;
	}
	for (unsigned i = 0; i < ws->n; i++) {
		struct census_mail *m = &c->mails[i];

		m->census = c;
		m->worker = ws->all[i];
		m->port = (struct mail_port){ &ws->all[i]->thread->mailbox, take_census_mail, m };
		mail_post(&m->port, &m->mail);
	}
	return 0;
}
