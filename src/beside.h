/* SPDX-License-Identifier: MIT */
/* What lives beside the feed on its thread: presence, the adapter, the intake and the relay, which have
 * connections of their own; and what the Admin UI is told, with who may use that, which is found out on a thread
 * of its own. */
#ifndef SRC_BESIDE_H
#define SRC_BESIDE_H

#include "src/base/thread.h"

struct config;
struct feed;
struct interest_table;
struct presence;
struct adapter;
struct resp_server;
struct adminui;
struct auth_login;
struct inherited;
struct relay_hub;
struct relay_edge;

struct beside {
	struct presence *presence; /* NULL: no namespace has any */
	struct adapter *adapter; /* NULL: there is none */
	struct resp_server *intake; /* the same */
	struct adminui *ui; /* the same, as the next */
	struct auth_login *login;
	struct relay_hub *hub; /* the same, as the next */
	struct relay_edge *edge;
	struct feed *feed; /* borrowed */
	int listening; /* what the intake does on; -1: there is none */
	bool held; /* a service manager has that, too: its file is not ours */
};

/* Where it lives, and what it works with: borrowed until beside_free(). */
struct beside_place {
	struct thread *thread;
	struct feed *feed;
	struct interest_table *interest;
	struct inherited *inherited; /* what was open before, from which the intake's socket is taken */
};

/* Makes what is configured. 0, or -1 when that failed, which was logged. The configuration is borrowed as well. b must
 * stay where it is. */
int beside_make(struct beside *b, const struct config *c, const struct beside_place *place);

/* Edges are told of the feeds of another configuration. While the thread runs. NULL is fine. */
void beside_renew_hub(struct relay_hub *hub, const struct config *c);

/* Namespaces are those of another configuration from now on. While their thread runs. NULL is fine for both. */
void beside_renew(struct adapter *a, struct relay_edge *e, const struct config *c);

/* How workers tell the Admin UI what happens; NULL where there is none. */
struct ui_line *beside_ui_line(const struct beside *b);

/* Before its thread starts, and with the rights that remain. 0, or -1 when that failed, which was logged. */
int beside_start(struct beside *b);

/* Who may use the Admin UI is as another configuration has it. Where it is in both. */
void beside_renew_login(struct auth_login *login, const struct config *c);

/* Ends it: presence behind feed_stop(), all else before, when no worker has clients any more. By the thread that starts
 * and stops theirs. */
void beside_stop_sending(struct beside *b);
void beside_stop(struct beside *b);

/* Adds a copy of the socket that the intake listens on, for the next process. 0, or -1. */
int beside_hand(const struct beside *b, struct inherited *out);

/* Removes the file of the intake's socket, if that is one that it made. */
void beside_remove_file(const struct beside *b, const struct config *c);

/* After its thread. */
void beside_free(struct beside *b);

#endif
