/* SPDX-License-Identifier: MIT */
/* Asking one node after the other; see the header. */
#include "src/redis/seek.h"

#include "eio/check.h"
#include "src/redis/ask.h"

#include <stdio.h>
#include <stdlib.h>

#define REDIS_SEEK_MAGIC 0x4ed15eec

struct redis_seek {
	unsigned magic;
	uv_loop_t *loop;
	const struct redis_url *url;
	struct redis_known *known;
	redis_dialed_fn done;
	void *user;
	struct redis_url node; /* owned: who is asked */
	struct redis_ask *ask; /* that; NULL: there was no memory */
	size_t left; /* how many are to be tried, that at hand included */
	char why[512]; /* it was no use; "" */
};

int
redis_known_init(struct redis_known *k)
{
	*k = (struct redis_known){ .next = 0 };
	return redis_topology_init(&k->heard);
}

void
redis_known_deinit(struct redis_known *k)
{
	redis_topology_deinit(&k->heard);
	redis_url_deinit(&k->at);
}

static struct redis_seek *
seek_of(void *user)
{
	struct redis_seek *s = user;

	CHECK_MAGIC(s, REDIS_SEEK_MAGIC);
	return s;
}

static size_t
count_known(const struct redis_seek *s)
{
	return s->url->n_guides + s->known->heard.n;
}

/* The address of who is next. 0, or -1 when out of memory. */
static int
choose_node(struct redis_seek *s)
{
	size_t i = s->known->next % count_known(s), seeds = s->url->n_guides;
	const struct redis_node *node = i < seeds ? NULL : &s->known->heard.nodes[i - seeds];

	redis_url_deinit(&s->node);
	s->known->next = (i + 1) % count_known(s);
	return node ? redis_url_node(s->url, node->host, node->port, &s->node)
		    : redis_url_copy(&s->url->guides[i], &s->node);
}

/* The end */

void
redis_seek_cancel(struct redis_seek *s)
{
	CHECK_MAGIC(s, REDIS_SEEK_MAGIC);
	if (s->ask) redis_ask_end(s->ask);
	redis_url_deinit(&s->node);
	s->magic = 0;
	free(s);
}

static void
end_seek(struct redis_seek *s, struct redis_socket *socket)
{
	redis_dialed_fn done = s->done;
	void *user = s->user;
	char why[sizeof s->why];

	snprintf(why, sizeof why, "%s", s->why);
	redis_seek_cancel(s);
	done(user, socket, socket ? NULL : why);
}

static void
hand_node(struct redis_seek *s)
{
	redis_url_deinit(&s->known->at);
	s->known->at = s->node;
	s->node = (struct redis_url){ 0 };
	end_seek(s, redis_ask_take_socket(s->ask));
}

/* Asking */

/* What it answers is kept, also of the nodes that it names: who was reached may go. */
static const char *
take_slots(void *user, const struct redis_values *values, const char *refused)
{
	struct redis_seek *s = seek_of(user);

	return values ? redis_topology_read(&s->known->heard, values, s->node.host) : refused;
}

static bool ask_node(struct redis_seek *s);

static void
on_node_asked(void *user, const char *why)
{
	struct redis_seek *s = seek_of(user);

	if (!why) {
		hand_node(s);
		return;
	}
	snprintf(s->why, sizeof s->why, "node %s: %s", s->node.name, why);
	redis_ask_end(s->ask);
	s->ask = NULL;
	if (--s->left > 0) {
		if (ask_node(s)) return;
		snprintf(s->why, sizeof s->why, "out of memory");
	}
	end_seek(s, NULL);
}

/* Whether there was memory for it. */
static bool
ask_node(struct redis_seek *s)
{
	const struct redis_question question = {
		.url = &s->node,
		.words = { EIO_LIT("CLUSTER"), EIO_LIT("SLOTS") },
		.n_words = 2,
		.ms = REDIS_SEEK_MS,
		.answer_bytes = REDIS_TOPOLOGY_BYTES,
		.answer = take_slots,
		.asked = on_node_asked,
		.user = s,
	};

	if (choose_node(s) == 0) s->ask = redis_ask_start(s->loop, &question);
	return s->ask != NULL;
}

struct redis_seek *
redis_seek_start(
	uv_loop_t *loop, const struct redis_url *url, struct redis_known *known, redis_dialed_fn done, void *user)
{
	struct redis_seek *s = calloc(1, sizeof *s);

	CHECK(url->is_cluster && url->n_guides);
	if (!s) return NULL;
	*s = (struct redis_seek){
		.magic = REDIS_SEEK_MAGIC, .loop = loop, .url = url, .known = known, .done = done, .user = user
	};
	s->left = count_known(s);
	if (ask_node(s)) return s;
	redis_seek_cancel(s);
	return NULL;
}
