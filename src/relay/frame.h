/* SPDX-License-Identifier: MIT */
/*
 * What a hub and an edge say to each other: frames, one behind the other, on a WebSocket whose own messages mean
 * nothing. No I/O. How the bytes are cut into pieces changes nothing.
 *
 *     frame    := length (of what follows), type (one byte), body
 *     length, number, count := LEB128, of at most 64 bits
 *     bytes    := length, so many bytes
 *     key      := flags (one byte; 1: everyone), bytes (namespace), bytes (room; empty for everyone)
 *     packets  := count (at least 1), for each: flags (one byte; 1: binary, 2: ends in JSON), bytes
 *
 *     EDGE                                             HUB
 *     HELLO version, node, nonce               ───▶
 *                                              ◀───    HELLO version, node, nonce, proof; or REFUSED text
 *     PROOF proof, epoch, session, received    ───▶
 *                                              ◀───    WELCOME; or REFUSED
 *     JOIN key                                 ───▶
 *                                              ◀═══    ROOM number, key
 *                                              ◀═══    BATCH number, what is to be done with it, packets
 *     LEAVE key                                ───▶
 *                                              ◀═══    LEFT number
 *     SYNC number                              ───▶
 *                                              ◀═══    SYNCED number
 *     ASK number, question                     ───▶
 *                                              ◀═══    ANSWER number, what is retained
 *     ACK received                             ───▶
 *     PUBLISH channel, payload                 ───▶
 *                                              ◀───    PING complete, published
 *
 * SYNCED is said when what goes to the rooms that were said before SYNC comes: see hub_sync.c. Of several that wait
 * only the last is answered. PING comes every second, and right behind WELCOME: up to when the edge was sent all that
 * was published, in milliseconds since 1970 (0: that is not known), and how many PUBLISH of the session the hub has. A
 * hub of before says neither, and its PING has no body; to an edge of before it is any PING. What stands behind is for
 * later versions.
 *
 * What is drawn double is counted, from 1 on, by both: after a lost connection the edge says how many of them it has,
 * and the hub goes on behind that.
 */
#ifndef SRC_RELAY_FRAME_H
#define SRC_RELAY_FRAME_H

#include "eio/buf.h"
#include "eio/bundle.h"
#include "sio/room.h"

#include <stdint.h>

enum {
	RELAY_VERSION = 1,
	RELAY_LENGTH_MAX = 10, /* bytes of a number */
	RELAY_PACKETS_MAX = 1 << 24, /* of one batch */
	RELAY_GREETING_MAX = 1024, /* bytes of a frame from who has proved nothing yet */
	RELAY_ENTRY_BYTES = 64, /* what a frame that waits at a hub costs beside its bytes: so edges count it, too */
};

enum relay_type {
	RELAY_HELLO = 1,
	RELAY_PROOF,
	RELAY_WELCOME,
	RELAY_REFUSED,
	RELAY_JOIN,
	RELAY_LEAVE,
	RELAY_SYNC,
	RELAY_ACK,
	RELAY_PUBLISH,
	RELAY_PING,
	RELAY_ROOM,
	RELAY_LEFT,
	RELAY_BATCH,
	RELAY_SYNCED,
	RELAY_AUDIENCE, /* as BATCH, for several rooms or with exceptions: with names in the place of the number */
	RELAY_FEEDS, /* flags, which hubs are above, and of which feeds' gaps clients are told: as behind WELCOME */
	RELAY_GAP, /* something is missing at the hub: who was away meanwhile begins anew */
	RELAY_ASK,
	RELAY_ANSWER,
	RELAY_TYPE_END
};

/* What begins what is told of feeds. */
enum { RELAY_RETAINS = 1, RELAY_EXCEPTS = 2 };

/* Whether frames of that type are counted. */
static inline bool
relay_is_counted(unsigned type)
{
	return type >= RELAY_ROOM && type < RELAY_TYPE_END && type != RELAY_FEEDS && type != RELAY_ASK;
}

/* Reading frames */

enum relay_read {
	RELAY_READ_MORE, /* all that came was taken */
	RELAY_READ_FRAME,
	RELAY_READ_LONG, /* one that is longer than `most`: its body is passed over */
	RELAY_READ_BAD, /* what came is none; nothing more may be given */
};

/* All zero but for `most` is its beginning. */
struct relay_reader {
	size_t most; /* bytes of a frame; it may change between two frames */
	/* Private. */
	struct eio_buf held; /* what came of a frame */
	uint64_t skip; /* so many bytes of a long one are still to come */
	struct eio_bytes rest; /* what was fed and not looked at; borrowed */
	size_t taken; /* of `held`, by the frame told last */
};

struct relay_frame {
	unsigned type;
	/* Valid until the next call. Of a long question or answer only how it begins, with its number; of other long
	 * ones nothing. */
	struct eio_bytes body;
	uint64_t n; /* its length with the type */
};

/* Hands over bytes, which are borrowed until relay_reader_next() has said MORE. */
void relay_reader_feed(struct relay_reader *r, struct eio_bytes s);

/* The next of what was fed. */
enum relay_read relay_reader_next(struct relay_reader *r, struct relay_frame *out);

void relay_reader_deinit(struct relay_reader *r);

/* Taking bodies apart. Each takes something off the front, and is false where it does not stand there. */

bool relay_take_number(struct eio_bytes *s, uint64_t *out);
bool relay_take_byte(struct eio_bytes *s, unsigned *out);
bool relay_take_bytes(struct eio_bytes *s, struct eio_bytes *out);
bool relay_take_fixed(struct eio_bytes *s, void *out, size_t n);

/* A key that could be one of ours: a namespace begins with a slash. */
bool relay_take_key(struct eio_bytes *s, struct sio_room_key *out);

/* All that is left has to be packets: *out gets a bundle of them with one reference. *nomem: memory is out. */
bool relay_take_packets(struct eio_bytes *s, struct eio_bundle **out, bool *nomem);

/* Putting bodies together. */

void relay_put_number(struct eio_buf *out, uint64_t v);
void relay_put_bytes(struct eio_buf *out, struct eio_bytes s);
void relay_put_key(struct eio_buf *out, struct sio_room_key key);
void relay_put_packets(struct eio_buf *out, const struct eio_bundle *b);

/* Appends a frame of that body. */
void relay_put_frame(struct eio_buf *out, unsigned type, struct eio_bytes body);

/* A frame as a message of a WebSocket, for whoever is behind the hub's end of it. NULL when out of memory. */
struct eio_block *relay_frame_block(unsigned type, struct eio_bytes body);

#endif
