/* SPDX-License-Identifier: MIT */
/*
 * The official Admin UI, @socket.io/admin-ui: every two seconds the figures of this server go to whoever is in its
 * namespace, on any worker; and, as a member of a cluster with servers of Node, to those who are there on these. While
 * nobody is there, a look once a second says so, and nothing else is done.
 *
 * Who comes into the namespace is clients/admission.h, who may is auth/login.h, and its page is web/files_page.h.
 *
 * Threads: it lives on the feed's.
 */
#ifndef SRC_ADMINUI_ADMINUI_H
#define SRC_ADMINUI_ADMINUI_H

#include "src/adapter/adapter.h"
#include "src/base/thread.h"
#include "src/clients/ui.h"
#include "src/feed/feed.h"
#include "src/feed/interest.h"

struct adminui;

struct adminui_options {
	struct thread *thread; /* borrowed, as all below: the feed's */
	struct feed *feed; /* it must not be stopped before this is */
	struct interest_table *interest;
	struct adapter *adapter; /* NULL: there is none */
	struct metrics_set *metrics; /* what it reads */
	const char *nsp; /* the namespace; copied, as the next two */
	const char *
		server_id; /* by which the page tells servers apart; NULL: the name of the host, and node's behind it */
	const char *node; /* NULL: it has no name */
	bool watches, orders; /* as in struct ui_line */
};

/* One that does nothing yet. NULL when out of memory. Before there are threads. */
struct adminui *adminui_new(const struct adminui_options *options);

/* How workers tell it what happens. It lives as long as u. */
struct ui_line *adminui_line(struct adminui *u);

/* Begins, as soon as its thread runs. Once. */
void adminui_start(struct adminui *u);

/* Ends it, and waits for that. To be called once, also when it was not started, by the thread that starts and stops its
 * thread. */
void adminui_stop(struct adminui *u);

/* Frees it when it was stopped, after its thread. NULL is fine. */
void adminui_free(struct adminui *u);

#endif
