/* SPDX-License-Identifier: MIT */
/*
 * What may come back from Redis as a session, as text or packed; and what clients may say that they have. What was read
 * is written as it was.
 */
#include "eio/base64.h"
#include "src/feed/offset.h"
#include "src/feed/stored.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All of a session, or it is refused. */
static void
read_session(struct eio_bytes text)
{
	struct stored_session a, b;
	struct eio_buf again = { 0 };

	if (!stored_read(&a, text)) return;
	stored_write(&a, &again);
	if (!eio_buf_failed(&again)) {
		if (!stored_read(&b, eio_buf_bytes(&again))) abort();
		if (a.n_rooms != b.n_rooms || a.shape != b.shape || a.who != b.who || !eio_bytes_eq(a.sid, b.sid) ||
			!eio_bytes_eq(a.joined, b.joined))
			abort();
		stored_free(&b);
	}
	eio_buf_deinit(&again);
	stored_free(&a);
}

static void
read_packed(struct eio_bytes packed)
{
	char *text = malloc(eio_base64_encoded_len(packed.n) + 1);

	if (!text) return;
	read_session(eio_bytes(text, eio_base64_encode(text, packed)));
	free(text);
}

static void
read_offset(struct eio_bytes text, unsigned tracks, unsigned classes)
{
	struct eio_bytes standing = { "", 0 };
	struct standing s, again;
	struct standing_text t;
	struct feed_offset o;
	uint32_t node;

	if (feed_offset_cut(&text, &node, &standing) && node >> 6 * FEED_NODE_DIGITS) abort();
	(void)feed_offset_read(text, &o);
	if (!standing_read(standing, tracks, classes, &s)) return;
	t = standing_write(&s);
	if (t.n && !standing_read(eio_bytes(t.text, t.n), tracks, classes, &again)) abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes rest = eio_bytes((const char *)data + 1, size - 1);

	if (size < 1) return 0;
	switch (data[0] & 3) {
	case 0: read_session(rest); break;
	case 1: read_packed(rest); break;
	default: read_offset(rest, 1 + (data[0] >> 2) % STANDING_TRACKS, 1 + (data[0] >> 5) % STANDING_CLASSES);
	}
	return 0;
}
