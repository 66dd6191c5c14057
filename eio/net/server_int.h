/* SPDX-License-Identifier: MIT */
/* The Engine.IO server from the inside: what its files share. Each of them says in its own header what it does for the
 * others. */
#ifndef EIO_NET_SERVER_INT_H
#define EIO_NET_SERVER_INT_H

#include "eio/hash.h"
#include "eio/net/forms.h"
#include "eio/net/random.h"
#include "eio/net/server.h"
#include "eio/net/websocket.h"

enum { EIO__SERVER_MAGIC = 0x73657276 };

struct eio_server {
	unsigned magic; /* EIO__SERVER_MAGIC */
	uv_loop_t *loop;
	struct eio_clock *clock;
	struct eio_terms *terms; /* in force */
	const struct eio_server_options *options; /* theirs */
	struct eio_deflate ws_deflate, http_deflate; /* for good: threads that make forms read them */
	struct eio_server_handler handler;
	struct eio_server_stats stats;
	struct eio_ws_server *ws;
	struct eio__forms forms; /* those of large bundles */
	struct eio_list scripts; /* large answers of JSONP that another thread is making */
	struct eio_block *probe_pong; /* the frame "3probe" */
	struct eio_block *poll_headers; /* those of the last answer to a poll, which most others have too; or NULL */
	struct eio_buf scratch; /* its memory is kept for the next answer */
	struct eio_hash sids;
	struct eio_list dirty;
	/* During the open callback: whose, and what its client sent. */
	const struct eio_socket *greeted;
	const struct eio_request *greeting;
	const struct eio_socket *pumping; /* only to be compared: the last whose outputs were taken */
	struct eio_list strangers; /* sockets that nobody keeps, the oldest first */
	/* Sockets whose WebSocket has just been opened: since the timer came last, and before that. In the place of
	 * dirty: nothing is written to their clients yet. */
	struct eio_list opening, opened;
	uv_timer_t opened_timer;
	struct eio_list readers; /* sockets that take more events of their POST in one of the next turns */
	uv_idle_t turn; /* runs while there are some */
	uv_prepare_t prepare; /* pumps dirty sockets before the loop sleeps */
	uint64_t sid_key[2];
	char *prefix; /* what the path of a request begins with */
	struct eio_random random; /* for sids */
	bool shut; /* no session begins any more */
	bool together; /* what rested goes with this turn: each socket's in one send */
};

/* Counts what went out compressed: how many bytes it was, and how many it became. */
static inline void
eio__server_count_deflated(struct eio_server *s, size_t plain, size_t sent)
{
	s->stats.deflate_plain += plain;
	s->stats.deflate_sent += sent;
}

/* The name of its node, empty when it has none. */
static inline struct eio_bytes
eio__server_node(const struct eio_server *s)
{
	return eio_cstr(s->options->node ? s->options->node : "");
}

/* Counts a request that is refused, and tells who wants to hear it. */
static inline void
eio__server_refused(struct eio_server *s, const struct eio_request *req, enum eio_refusal r, const char *why)
{
	s->stats.refused[r]++;
	if (s->handler.refused) s->handler.refused(s->handler.user, req, why);
}

#endif
