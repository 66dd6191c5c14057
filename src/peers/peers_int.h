/* SPDX-License-Identifier: MIT */
/* What the files of this folder share. */
#ifndef SRC_PEERS_PEERS_INT_H
#define SRC_PEERS_PEERS_INT_H

#include "eio/net/splice.h"
#include "src/peers/link.h"
#include "src/peers/metrics.h"
#include "src/peers/peers.h"
#include "src/peers/unread.h"

enum {
	PEERS_MAGIC = 0x9ee25002,
	PEERS_LOOK_MS = 5000, /* from one look for the others to the next */
	PEERS_HURRY_MS = 1000, /* the same when somebody waits for one of whom nobody knows */
};

struct peers {
	unsigned magic; /* PEERS_MAGIC */
	struct peers_options o;
	struct peers_link_options link_options;
	struct metrics *metrics;
	struct peers_nodes nodes;
	struct eio_splices *splices;
	struct peers_unread unread;
	struct eio_list waiting; /* jobs, until a look ends */
	struct eio_list busy; /* links that are not idle */
	uint64_t n_links;
	bool drained;
	/* A look: names are looked up, and whoever is new is greeted. */
	struct eio_timer look_timer;
	uint64_t looked_ms; /* when the last one began; 0: none has */
	unsigned looking; /* names that are being looked up, which are references, too */
	unsigned greeting; /* links that are to say hello and no more */
	bool hurried; /* somebody waits for it */
	void (*looked)(struct peers *p); /* it is over */
	unsigned refs;
};

/* look.c */

void peers__look_init(struct peers *p);

/* Begins a look, unless there is one. */
void peers__look(struct peers *p, bool hurried);

/* A link that was to say hello has, or never will. */
void peers__look_greeted(struct peers *p);

/* Whether a look would find something new, or one is under way. */
bool peers__look_helps(const struct peers *p);

/* Places the nodes whose address stands in the configuration. */
void peers__look_begin(struct peers *p);

/* Drops a reference. */
void peers__unref(struct peers *p);

/* A link to a node, which is counted; in p->busy. NULL when there is none. */
struct peers_link *peers__link_new(struct peers *p, struct peers_node *n);

/* Closes a link that is counted. */
void peers__link_close(struct peers *p, struct peers_link *l);

#endif
