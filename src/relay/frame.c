/* SPDX-License-Identifier: MIT */
/* Frames from bytes and back. */
#include "src/relay/frame.h"

#include <stdlib.h>

enum { KEY_EVERYONE = 1, PACKET_BINARY = 1, PACKET_JSON = 2 };

/* Numbers */

void
relay_put_number(struct eio_buf *out, uint64_t v)
{
	while (v >= 0x80) {
		eio_buf_addc(out, (char)(v | 0x80));
		v >>= 7;
	}
	eio_buf_addc(out, (char)v);
}

/* How long the number at the front is; 0: it is cut, -1: it is none. The one way to write a number is the shortest. */
static int
number_length(struct eio_bytes s, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < RELAY_LENGTH_MAX; i++) {
		unsigned char c;

		if (i == s.n) return 0;
		c = (unsigned char)s.p[i];
		if (i == RELAY_LENGTH_MAX - 1 && c > 1) return -1;
		v |= (uint64_t)(c & 0x7f) << (7 * i);
		if (c & 0x80) continue;
		if (c == 0 && i > 0) return -1;
		*out = v;
		return (int)i + 1;
	}
	return -1;
}

static void
drop_bytes(struct eio_bytes *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

bool
relay_take_number(struct eio_bytes *s, uint64_t *out)
{
	int n = number_length(*s, out);

	if (n <= 0) return false;
	drop_bytes(s, (size_t)n);
	return true;
}

bool
relay_take_byte(struct eio_bytes *s, unsigned *out)
{
	if (!s->n) return false;
	*out = (unsigned char)*s->p;
	drop_bytes(s, 1);
	return true;
}

bool
relay_take_bytes(struct eio_bytes *s, struct eio_bytes *out)
{
	uint64_t n;

	if (!relay_take_number(s, &n) || n > s->n) return false;
	*out = eio_bytes(s->p, (size_t)n);
	drop_bytes(s, (size_t)n);
	return true;
}

bool
relay_take_fixed(struct eio_bytes *s, void *out, size_t n)
{
	if (s->n < n) return false;
	memcpy(out, s->p, n);
	drop_bytes(s, n);
	return true;
}

void
relay_put_bytes(struct eio_buf *out, struct eio_bytes s)
{
	relay_put_number(out, s.n);
	eio_buf_add(out, s);
}

/* Keys */

void
relay_put_key(struct eio_buf *out, struct sio_room_key key)
{
	eio_buf_addc(out, key.everyone ? KEY_EVERYONE : 0);
	relay_put_bytes(out, key.nsp);
	relay_put_bytes(out, key.everyone ? eio_bytes("", 0) : key.name);
}

bool
relay_take_key(struct eio_bytes *s, struct sio_room_key *out)
{
	struct eio_bytes nsp, name;
	unsigned flags;

	if (!relay_take_byte(s, &flags) || flags > KEY_EVERYONE) return false;
	if (!relay_take_bytes(s, &nsp) || !nsp.n || *nsp.p != '/' || !relay_take_bytes(s, &name)) return false;
	if (flags && name.n) return false;
	*out = flags ? sio_room_everyone(nsp) : sio_room_named(nsp, name);
	return true;
}

/* Packets */

void
relay_put_packets(struct eio_buf *out, const struct eio_bundle *b)
{
	struct eio_message m;
	size_t n = 0;

	while (eio_bundle_message(b, n, &m)) n++;
	relay_put_number(out, n);
	for (size_t i = 0; eio_bundle_message(b, i, &m); i++) {
		eio_buf_addc(out, (char)((m.binary ? PACKET_BINARY : 0) | (m.json ? PACKET_JSON : 0)));
		relay_put_bytes(out, m.data);
	}
}

static bool
take_one_packet(struct eio_bytes *s, struct eio_message *out)
{
	unsigned flags;

	*out = (struct eio_message){ .binary = false };
	if (!relay_take_byte(s, &flags) || flags > (PACKET_BINARY | PACKET_JSON)) return false;
	out->binary = flags & PACKET_BINARY;
	out->json = flags & PACKET_JSON;
	return relay_take_bytes(s, &out->data);
}

bool
relay_take_packets(struct eio_bytes *s, struct eio_bundle **out, bool *nomem)
{
	struct eio_message few[4], *all = few;
	uint64_t n, i = 0;

	*nomem = false;
	*out = NULL;
	/* Each takes two bytes at least: what is said is not believed before. */
	if (!relay_take_number(s, &n) || n < 1 || n > RELAY_PACKETS_MAX || n > s->n / 2) return false;
	if (n > sizeof few / sizeof few[0]) all = calloc((size_t)n, sizeof *all);
	while (all && i < n && take_one_packet(s, &all[i])) i++;
	if (all && i == n && !s->n) *out = eio_bundle_new(all, (size_t)n);
	*nomem = !all || (i == n && !s->n && !*out);
	if (all != few) free(all);
	return *out != NULL;
}

/* Frames */

void
relay_put_frame(struct eio_buf *out, unsigned type, struct eio_bytes body)
{
	relay_put_number(out, body.n + 1);
	eio_buf_addc(out, (char)type);
	eio_buf_add(out, body);
}

struct eio_block *
relay_frame_block(unsigned type, struct eio_bytes body)
{
	struct eio_buf head = { 0 };
	struct eio_block *block = NULL;
	struct eio_bundle *b = NULL;

	relay_put_number(&head, body.n + 1);
	eio_buf_addc(&head, (char)type);
	if (!eio_buf_failed(&head)) {
		const struct eio_message m = { .binary = true, .data = eio_buf_bytes(&head), .more = { body } };

		b = eio_bundle_new(&m, 1);
	}
	/* In this form a binary packet is the frame of a WebSocket with these bytes and nothing else. */
	if (b) block = eio_block_ref(eio_bundle_wire(b, EIO_WIRE_WS));
	eio_bundle_unref(b);
	eio_buf_deinit(&head);
	return block;
}

void
relay_reader_feed(struct relay_reader *r, struct eio_bytes s)
{
	r->rest = s;
}

void
relay_reader_deinit(struct relay_reader *r)
{
	eio_buf_deinit(&r->held);
	*r = (struct relay_reader){ .most = 0 };
}

/* The rest of a long frame is passed over. */
static void
skip_long(struct relay_reader *r)
{
	size_t n = r->skip < r->rest.n ? (size_t)r->skip : r->rest.n;

	drop_bytes(&r->rest, n);
	r->skip -= n;
}

/* How much of a frame of that length is looked at, with its type: of a question or an answer that is too long its
 * number, so that nobody waits for it in vain. */
static uint64_t
looked_at(const struct relay_reader *r, unsigned type, uint64_t n)
{
	bool numbered = type == RELAY_ASK || type == RELAY_ANSWER;
	uint64_t front = numbered ? 1 + RELAY_LENGTH_MAX : 1;

	return n > r->most && n > front ? front : n;
}

/* Looks at the beginning of s. Returns MORE where that is cut. *used: so many bytes of it were taken. */
static enum relay_read
look_at_frame(struct relay_reader *r, struct eio_bytes s, struct relay_frame *out, size_t *used)
{
	uint64_t n, look;
	int head = number_length(s, &n);

	*used = 0;
	if (head < 0 || (head > 0 && n == 0)) return RELAY_READ_BAD;
	if (head == 0 || s.n == (size_t)head) return RELAY_READ_MORE;
	look = looked_at(r, (unsigned char)s.p[head], n);
	if (s.n - (size_t)head < look) return RELAY_READ_MORE;
	*used = (size_t)head + (size_t)look;
	*out = (struct relay_frame){ .type = (unsigned char)s.p[head], .n = n };
	out->body = eio_bytes(s.p + head + 1, (size_t)look - 1);
	r->skip = n - look;
	return n > r->most ? RELAY_READ_LONG : RELAY_READ_FRAME;
}

/* How many bytes more the frame that is held needs, as far as that is known. */
static size_t
held_lacks(const struct relay_reader *r)
{
	uint64_t n;
	int head = number_length(eio_buf_bytes(&r->held), &n);

	if (head <= 0 || r->held.n == (size_t)head) return 1;
	return (size_t)looked_at(r, (unsigned char)r->held.p[head], n) + (size_t)head - r->held.n;
}

/* A frame that was cut: as much is taken as it needs. */
static enum relay_read
next_held(struct relay_reader *r, struct relay_frame *out)
{
	enum relay_read what = RELAY_READ_MORE;
	size_t used = 0;

	while (what == RELAY_READ_MORE && r->rest.n) {
		size_t lacks = held_lacks(r), n = lacks < r->rest.n ? lacks : r->rest.n;

		eio_buf_append(&r->held, r->rest.p, n);
		drop_bytes(&r->rest, n);
		if (eio_buf_failed(&r->held)) return RELAY_READ_BAD;
		what = look_at_frame(r, eio_buf_bytes(&r->held), out, &used);
	}
	r->taken = used;
	return what;
}

enum relay_read
relay_reader_next(struct relay_reader *r, struct relay_frame *out)
{
	enum relay_read what;
	size_t used;

	if (r->taken) eio_buf_deinit(&r->held);
	r->taken = 0;
	skip_long(r);
	if (r->held.n) return next_held(r, out);
	if (!r->rest.n) return RELAY_READ_MORE;
	what = look_at_frame(r, r->rest, out, &used);
	if (what != RELAY_READ_MORE) {
		drop_bytes(&r->rest, used);
		return what;
	}
	eio_buf_add(&r->held, r->rest);
	r->rest.n = 0;
	return eio_buf_failed(&r->held) ? RELAY_READ_BAD : RELAY_READ_MORE;
}
