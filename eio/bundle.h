/* SPDX-License-Identifier: MIT */
/*
 * A bundle: one or more Engine.IO packets that leave together and in order,
 * such as a Socket.IO binary event with its attachments. It is immutable and
 * shared: one bundle serves every client of a broadcast on every thread, and
 * each wire form of it is made at most once, when the first client needs it.
 *
 * "Revision" is always Engine.IO's in eio/: 4, or 3, which EIO=2 is as well.
 * Socket.IO counts its own, one higher.
 *
 * Threads: everything here may be called from any thread; the reference count
 * and the cache of wire forms are atomic.
 */
#ifndef EIO_BUNDLE_H
#define EIO_BUNDLE_H

#include "eio/block.h"

#include <stdatomic.h>
#include <stdint.h>

/* Engine.IO packet types; the value is the digit on the wire (protocol section "Packet types"). */
enum eio_packet_type {
	EIO_PACKET_OPEN = 0,
	EIO_PACKET_CLOSE = 1,
	EIO_PACKET_PING = 2,
	EIO_PACKET_PONG = 3,
	EIO_PACKET_MESSAGE = 4,
	EIO_PACKET_UPGRADE = 5,
	EIO_PACKET_NOOP = 6,
};

/* The forms a bundle can take on the wire. */
enum eio_wire {
	/* Revision 4 */
	EIO_WIRE_WS, /* WebSocket frames, binary as binary frames */
	EIO_WIRE_WS_B64, /* WebSocket frames, binary as text "b<base64>" (b64=1) */
	EIO_WIRE_POLLING, /* long-polling payload: packets joined by 0x1e, binary as "b<base64>" */
	/* Revision 3 (and 2) */
	EIO_WIRE_WS_3, /* WebSocket frames, binary ones start with the type byte */
	EIO_WIRE_WS_B64_3, /* WebSocket frames, binary as text "b4<base64>" (b64=1) */
	EIO_WIRE_POLLING_3, /* the payload's binary form: 00 or 01, the length in digit bytes, ff, the packet */
	EIO_WIRE_POLLING_B64_3, /* the payload's string form: <units>:<packet>, binary as "b4<base64>" (b64=1, JSONP) */
	/* The same with text encoded twice, for 1.x, and on WebSockets for 1.0.x only; they differ when there is more
	 * than ASCII. */
	EIO_WIRE_POLLING_B64_3_TWICE,
	EIO_WIRE_WS_3_TWICE,
	EIO_WIRE_WS_B64_3_TWICE,
	EIO_WIRE_COUNT
};

/* One Engine.IO message of a bundle, text or binary. */
struct eio_message {
	bool binary;
	struct eio_bytes data;
	/* Text that ends in JSON. To clients of revision 3 what is not ASCII in that is sent as \uXXXX: their
	 * generations disagree about how text is encoded, but not about ASCII. What stands before the first bracket,
	 * brace or quote is left as it is. */
	bool json;
	/* What follows the data in the same message, so that a large one need not be put together before it is copied
	 * into the bundle. */
	struct eio_bytes more[4];
	/* So many bytes before the last one are an extra, which eio_bundle_bare() leaves out: less than there are. */
	unsigned char extra;
};

struct eio_bundle;

/* A bundle of n >= 1 messages with one reference. The data is copied. NULL when out of memory. */
struct eio_bundle *eio_bundle_new(const struct eio_message *messages, size_t n);

/* A bundle of one text packet of any type, with its data, which counts as JSON text. NULL when out of memory. */
struct eio_bundle *eio_bundle_packet(enum eio_packet_type type, struct eio_bytes data);

/* A bundle of all the packets of n >= 1 bundles, in their order: what goes to the same clients at the same time goes in
 * one write. The given ones stay as they are. NULL when out of memory. */
struct eio_bundle *eio_bundle_join(struct eio_bundle *const *bundles, size_t n);

struct eio_bundle *eio_bundle_ref(struct eio_bundle *b);
void eio_bundle_unref(struct eio_bundle *b); /* NULL is fine */

/* A bundle with so many bytes of data is large: another form of it takes long enough to be made on another thread. */
enum { EIO_BUNDLE_LARGE = 256 << 10 };

/* The bytes of the bundle in one wire form. The block belongs to the bundle and lives as long as it;
 * take a reference to keep it longer. NULL when out of memory. */
struct eio_block *eio_bundle_wire(struct eio_bundle *b, enum eio_wire wire);

/* The same for who has no time to make a form of a large bundle: then NULL where it is not there yet. */
struct eio_block *eio_bundle_wire_soon(struct eio_bundle *b, enum eio_wire wire);

struct eio_deflate;

/* Whether a form, and with options its compressed variant, is there or made in no time. */
bool eio_bundle_has(const struct eio_bundle *b, enum eio_wire wire, const struct eio_deflate *options);

/*
 * The compressed variant of a wire form, made at most once and kept as those are. Of a WebSocket form: the frames for a
 * client with which permessage-deflate was negotiated; messages shorter than the threshold, or that do not shrink, are
 * plain in it, and when all are it is the plain form itself. Of a polling form: a part for eio_zip_add_part(). options:
 * the same for all calls with one form. NULL when out of memory, and, with busy given, when another thread is just
 * making it, or the bundle is large and it is not there: then *busy is set, and a call with busy NULL makes one in any
 * case.
 */
struct eio_block *eio_bundle_deflated(
	struct eio_bundle *b, enum eio_wire wire, const struct eio_deflate *options, bool *busy);

/* Lets a joined bundle remember what it was joined of, so that its variants are put together of theirs, which may be
 * there already or be wanted on other threads. Before it is shared. Returns 0, or -1 when out of memory: then nothing
 * has changed. */
int eio_bundle_remember(struct eio_bundle *joined, struct eio_bundle *const *bundles, size_t n);

/* The bundle without the extras of its messages, where it has any, made at most once; else itself. It belongs to the
 * bundle as its blocks do. NULL when out of memory. */
struct eio_bundle *eio_bundle_bare(struct eio_bundle *b);

/* The i-th message of a bundle that eio_bundle_new() made, all of it in data; false behind the last. The bytes are the
 * bundle's. */
bool eio_bundle_message(const struct eio_bundle *b, size_t i, struct eio_message *out);

/* How many forms were made of bundles, and how many of these compressed: by whatever threads. All zero is its start. */
struct eio_bundle_tally {
	_Atomic uint64_t plain[EIO_WIRE_COUNT], compressed[EIO_WIRE_COUNT];
};

/* Counts the forms of a bundle that there are or will be made, in what it is joined into as well. Before it is shared;
 * the tally outlives it. */
void eio_bundle_count_in(struct eio_bundle *b, struct eio_bundle_tally *tally);

/* Whether some packet of it is binary. */
bool eio_bundle_has_binary(const struct eio_bundle *b);

/* How many bytes of message data the bundle carries: what a queue limit counts. */
size_t eio_bundle_size(const struct eio_bundle *b);

#endif
