/* SPDX-License-Identifier: MIT */
/* What the files of this folder share: one worker. */
#ifndef SRC_WORKER_WORKER_INT_H
#define SRC_WORKER_WORKER_INT_H

#include "eio/check.h"
#include "eio/net/server.h"
#include "src/worker/metrics.h"
#include "src/worker/worker.h"

enum { WORKER_MAGIC = 0x30a4e25b };

/* The steps of stopping, see stopping.c. */
enum worker_step { WORKER_HOLD, WORKER_DRAIN, WORKER_LEAVE, WORKER_CLOSE, WORKER_STEPS };

struct worker_step_mail {
	struct mail mail;
	enum worker_step step;
};

/* Ending sessions little by little. */
struct worker_shut {
	struct mail_port port;
	struct mail mail;
	uint64_t ms; /* for all of them; written before the mail is posted */
	uv_timer_t timer;
	uint64_t began_ms;
	size_t sessions, ended; /* there were at the beginning, and have been ended since */
};

/* Another configuration. */
struct worker_change {
	struct mail_port port;
	struct mail mail;
	const struct config *config; /* what follows is written before the mail is posted, too */
	struct eio_server_options options;
	struct eio_terms *terms; /* owned until they are in force */
	struct namespaces *namespaces; /* the same; NULL: they stay */
};

/* Other listeners. */
enum relisten_step { RELISTEN_OPEN, RELISTEN_CLOSE, RELISTEN_TAKE };

struct worker_relisten {
	struct mail_port port;
	struct mail mail;
	enum relisten_step step; /* what follows is written before the mail is posted, too */
	struct listeners *before, *next; /* of which the worker looks at its own */
	const struct door_set *doors;
	int err; /* the worker's answer to OPEN: 0 or a libuv error */
};

struct worker {
	unsigned magic; /* WORKER_MAGIC */
	unsigned index;
	struct workers *shared;
	struct thread *thread;
	struct metrics *metrics; /* of worker_metrics */
	struct eio_server_options options;
	struct eio_httpd *httpd; /* NULL once it is closed: it frees itself */
	struct eio_server *server;
	struct peers *peers; /* NULL: there are no other nodes; it frees itself */
	struct hook *hook; /* NULL: the application is never asked; it frees itself */
	struct clients *clients;
	struct files_cache *cache;
	uv_prepare_t turn_end;
	uint64_t counted; /* connections of its own that all know of */
	size_t staying; /* connections that had not left, or have their TLS here, at the last WORKER_LEAVE */
	bool draining; /* no session is left, and none begins */
	struct mail_port deliveries, presences, recalls, stows, moves, logins, starts; /* worker.c */
	struct mail_port exchanges, answers, upgrades; /* forward.c */
	struct mail_port joins; /* joining.c */
	struct mail_port steps; /* stopping.c */
	struct mail start;
	struct worker_step_mail step_mails[WORKER_STEPS];
	struct worker_shut shut; /* stopping.c */
	struct worker_change change; /* changing.c */
	struct worker_relisten relisten; /* relisten.c */
	uv_sem_t stepped; /* posted after each step, and each change */
};

/* A port of a worker on its mailbox. */
static inline struct mail_port
worker__port(struct worker *w, void (*take)(void *user, struct mail *run))
{
	return (struct mail_port){ &w->thread->mailbox, take, w };
}

#endif
