/* SPDX-License-Identifier: MIT */
/*
 * The parts of a hub. For src/relay/hub*.c only.
 *
 *     hub.c ──▶ hub_link.c: a connection, its greeting ──▶ hub_said.c: what its edge says ──▶ hub_rooms.c: who is where
 *       │                                 │                      ├─▶ hub_ask.c: what is retained
 *       │                                 └─▶ hub_ping.c         └─▶ hub_sync.c: whether it comes there
 *       └─────▶ hub_send.c: what is delivered, to the edges in its rooms
 *
 *     All of them ──▶ hub_queue.c: a session, and what waits for it
 */
#ifndef SRC_RELAY_HUB_INT_H
#define SRC_RELAY_HUB_INT_H

#include "eio/check.h"
#include "eio/hash.h"
#include "eio/net/websocket.h"
#include "src/base/log.h"
#include "src/relay/greet.h"
#include "src/relay/hub.h"
#include "src/relay/metrics.h"

enum {
	RELAY_HUB_MAGIC = 0x5e1a0001,
	RELAY_LINK_MAGIC = 0x5e1a0002,
	RELAY_SESSION_MAGIC = 0x5e1a0003,
	RELAY_GREETING_MS = 5000, /* to prove who it is */
	RELAY_PING_MS = 1000,
	RELAY_PUBLISHED_MS = 50, /* how soon after the last ping an edge is told what it published, and at once ... */
	RELAY_PUBLISHED_BYTES = 16384, /* ... behind so much of it */
	RELAY_SETTLE_MS = 10000, /* a feed that is ready has answered by then, or is not waited for any more */
	RELAY_SETTLE_LOOK_MS = 20,
	RELAY_SILENCE_MS = 30000, /* an edge answers pings */
	RELAY_STRANGERS = 512, /* connections that have not proved anything */
	RELAY_EDGES = 1024,
	RELAY_AWAY_OF_NAME = 4, /* sessions that wait for edges of one name */
	RELAY_LINKS = 4096, /* connections, with those that are about to close */
	RELAY_EDGE_ROOMS = 1 << 20, /* of one edge */
	RELAY_WS_PAYLOAD = 1 << 20, /* of what an edge sends at once; it is cut anyhow */
	RELAY_REPLIES_LEAST =
		1024, /* about rooms, that may wait for an edge whatever else does; and two for each room */
	RELAY_ASKED_AT_ONCE = 8, /* questions of an edge, of which the answers are on their way through the feed */
	RELAY_KEY_BYTES = 24, /* of a Sec-WebSocket-Key */
};

struct hub_session;

/* Whether an edge waits for its SYNC to be answered: it does for the round at hand, for the next one, or, as the mail
 * that begins that is in front of what its rooms have posted, for the one behind. */
enum hub_sync { HUB_SYNC_NONE, HUB_SYNC_LATE, HUB_SYNC_ASKED, HUB_SYNC_LOOKED };

/* A room that edges are in. */
struct hub_room {
	struct eio_hash_node node; /* in hub.rooms, by its pair */
	struct interest *pair; /* a reference */
	uint64_t number; /* never used again */
	struct eio_list joins; /* of struct hub_join: who is in it */
};

struct hub_join {
	struct eio_hash_node node; /* in hub.joins, by both */
	struct eio_list in_room, in_session;
	struct hub_room *room;
	struct hub_session *session;
};

/* A frame that waits. */
struct hub_entry {
	struct eio_block *block; /* a reference */
	bool reply; /* about a room, to what the edge itself has said */
};

/* What an edge has, whether it is connected or will be again. */
struct hub_session {
	unsigned magic; /* RELAY_SESSION_MAGIC */
	struct eio_list link; /* in hub.sessions */
	struct relay_hub *hub;
	uint64_t number;
	char node[EIO_NODE_MAX + 1];
	struct eio_ws *ws; /* NULL: it is away */
	uint64_t away_ms; /* since when */
	/* Frames that are counted: those up to `acked` it has, those up to `sent` were written. A ring. */
	struct hub_entry *ring;
	size_t cap;
	uint64_t acked, sent, last;
	size_t bytes; /* of those behind `acked`, as the next two */
	size_t reply_bytes, n_replies;
	size_t n_rooms; /* the most that it has been in while there were replies */
	struct eio_list joins; /* of struct hub_join */
	size_t n_joins;
	struct eio_list asked; /* of struct hub_question: the feed is to answer */
	struct eio_list unasked; /* the same: it is asked as the queue has room */
	size_t n_asked, answer_most; /* of those asked; the longest answer so far */
	uint64_t seen; /* the last broadcast that met it */
	enum hub_sync sync;
	uint64_t sync_number; /* of the last SYNC */
	uint64_t published; /* how many messages it has said */
	size_t published_bytes; /* of those behind the last ping */
	/* Up to when it was sent all that was published, in milliseconds since 1970, 0: that is not known; and that
	 * time for when `mark` has been sent. */
	uint64_t complete_ms, mark, mark_ms;
	bool cut; /* too much waits for it */
};

enum hub_link_state { HUB_LINK_HELLO, HUB_LINK_PROOF, HUB_LINK_OPEN, HUB_LINK_OVER };

/* A connection. */
struct hub_link {
	unsigned magic; /* RELAY_LINK_MAGIC */
	struct eio_list link; /* in hub.links */
	struct relay_hub *hub;
	struct eio_ws *ws; /* NULL before it is open */
	enum hub_link_state state;
	struct relay_reader reader;
	struct relay_hello edge, own;
	struct hub_session *session; /* NULL before HUB_LINK_OPEN, and when another connection has it */
	uint64_t heard_ms, pinged_ms, begun_ms;
	uint64_t published_told; /* of session.published */
	char peer[EIO_PEER_TEXT]; /* its address, for lines */
};

struct relay_hub {
	unsigned magic; /* RELAY_HUB_MAGIC */
	struct relay_hub_options options;
	struct metrics *metrics;
	struct eio_ws_server *server; /* NULL: it has ended */
	unsigned char epoch[RELAY_EPOCH];
	uint64_t sessions_born, rooms_born, broadcasts;
	struct eio_list links, sessions;
	size_t n_links, n_sessions, n_strangers;
	struct eio_hash rooms, joins;
	struct eio_buf scratch, feeds; /* the frame at hand; what edges are told of feeds */
	struct feed_specs *changed; /* a reference: those of which they are to be told; or NULL */
	struct eio_timer second;
	/* Up to when all that is published has come here: of one with a hub of its own as that says it, of another one
	 * the last tick, as what came before that has been read; less what batches take at most. */
	uint64_t above_ms, tick_wall_ms, batch_ms;
	/* A round: edges whose SYNC is answered when it has settled what was wanted at its beginning. */
	bool sync_posted, settling;
	struct eio_timer settle;
	uint64_t settle_until_ms; /* 0: the feed was not ready yet */
	atomic_uint gaps_untold; /* gap is posted while there are any */
	struct mail_port starts, stops, upgrades, deliveries, changes, gaps, syncs;
	struct mail start, stop, sync, gap;
	uv_sem_t stopped;
	struct log_limit refused, slow;
	bool closed;
};

static inline uint64_t
hub_now(const struct relay_hub *h)
{
	return eio_clock_now(&h->options.thread->clock);
}

/* hub_queue.c: sessions */

/* NULL when out of memory, or there are too many. */
struct hub_session *hub_session_new(struct relay_hub *h, const char *node);

/* It leaves its rooms before. */
void hub_session_free(struct hub_session *s);

/* That of an epoch of this hub and a number, from which `received` frames have come; NULL: there is none. */
struct hub_session *hub_session_find(struct relay_hub *h, const struct relay_place *place);

/* Queues a frame, with a reference of its own. When too much waits for one more the session is `cut`. */
void hub_session_queue(struct hub_session *s, struct eio_block *b);

/* The same with a frame of a few bytes. Of replies as many as an edge has rooms do not count: one that comes back says
 * them all at once, and has to read what becomes of each before it can say that it has. */
void hub_session_say(struct hub_session *s, unsigned type, const struct eio_buf *body);

/* Writes what its connection takes. */
void hub_session_pump(struct hub_session *s);

/* The edge has so many. False when it never got them. */
bool hub_session_ack(struct hub_session *s, uint64_t received);

/* It goes on by a connection, behind what it has said to have. */
void hub_session_attach(struct hub_session *s, struct eio_ws *ws);

/* Writes a frame that is not counted. False when out of memory. */
bool hub_write(struct eio_ws *ws, unsigned type, struct eio_bytes body);

/* Something is missing of what it gets, at this place of it. */
void hub_session_lose(struct hub_session *s);

/* hub_rooms.c: rooms */

/* 1: it is in it now, 0: it was, -1: memory is out. */
int hub_rooms_join(struct hub_session *s, struct sio_room_key key, struct hub_room **room);

/* The number of the room that it has left; 0: it was in none. */
uint64_t hub_rooms_leave(struct hub_session *s, struct sio_room_key key);
void hub_rooms_leave_all(struct hub_session *s);

/* The room of a pair, or NULL. */
struct hub_room *hub_rooms_of(const struct relay_hub *h, const struct interest *pair);

/* The same of a key. */
struct hub_room *hub_rooms_find(struct relay_hub *h, struct sio_room_key key);

/* hub_said.c: what an edge says */

/* Takes a frame of an edge that has been welcomed. False, with the reason, when that is its end. */
bool hub_said_take(struct hub_session *s, const struct relay_frame *f, enum relay_hub_metric *why);

/* Passes over one that was too long, which no edge says whose limits are as those of this hub. */
void hub_said_too_long(struct hub_session *s, const struct relay_frame *f);

/* hub_sync.c: when rooms are ready */

/* An edge wants to know when what goes to its rooms comes. */
void hub_sync_ask(struct hub_session *s, uint64_t number);
void hub_sync_take(void *user, struct mail *run);
void hub_sync_on_settle(struct eio_timer *t);

/* hub_ping.c: what an edge is told now and then */

/* A second has passed. */
void hub_ping_tick(struct relay_hub *h);

/* Writes one, if it can be. */
void hub_ping(struct hub_link *l);

/* The edge has said something: it may have to know what was published of it. */
void hub_ping_published(struct hub_link *l);

/* hub_ask.c: questions about what is retained */

/* Asks for an edge, now or when its queue has room for the answer. False when it is no question, or memory is out
 * (*nomem). */
bool hub_ask(struct hub_session *s, struct eio_bytes body, bool *nomem);

/* One was too long, and this is how it began. */
void hub_ask_fail(struct hub_session *s, struct eio_bytes begin);

/* Its queue may have more room. */
void hub_ask_next(struct hub_session *s);

/* It does not wait for answers any more. */
void hub_ask_forget(struct hub_session *s);

/* hub_send.c: what is delivered */

void hub_take_deliveries(void *user, struct mail *run);

/* hub_link.c: connections */

extern const struct eio_ws_handler hub_link_handler;

void hub_link_begin(struct relay_hub *h, struct eio_upgrade *up);

/* Time passes: who is silent ends. */
void hub_link_tick(struct hub_link *l, uint64_t now_ms);

/* Sends all edges what is different with feeds. */
void hub_link_tell_feeds(struct relay_hub *h);

/* Tells all edges, in the order of what they get, that something is missing. */
void hub_link_tell_gap(struct relay_hub *h);

/* Its session is cut: the connection ends. */
void hub_link_cut_session(struct hub_session *s, enum relay_hub_metric why);

/* A session without a connection ends for good. */
void hub_link_forget_session(struct hub_session *s);

#endif
