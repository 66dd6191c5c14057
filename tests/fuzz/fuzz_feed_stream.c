/* SPDX-License-Identifier: MIT */
/*
 * Any messages of a feed through batches of each format. What comes out is taken
 * apart as the decoder in the browser does it, and must be the messages that
 * were accepted, in their order. The first bytes choose the format and limits;
 * then each message is a byte, its length, and its data.
 */
#include "sio/json.h"
#include "src/feed/format.h"
#include "src/feed/stream.h"
#include "tests/unit/rebuild.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct feed_spec feed;
	struct eio_buf in, out; /* accepted and flushed messages, each with its length */
	unsigned count;
};

static void
note(struct eio_buf *to, struct eio_bytes message)
{
	eio_buf_append_u64(to, message.n);
	eio_buf_addc(to, ':');
	eio_buf_add(to, message);
}

static unsigned
take_array(struct run *r, struct eio_bytes content)
{
	struct sio_json_iter it;
	struct eio_bytes m;
	unsigned n = 0;

	if (sio_json_check(content) || sio_json_kind(content) != SIO_JSON_ARRAY) abort();
	for (it = sio_json_iter(content); sio_json_next(&it, NULL, &m); n++) note(&r->out, m);
	return n;
}

static unsigned
take_columns(struct run *r, const struct feed_content *parts, struct eio_bytes content)
{
	struct eio_buf array = { 0 };
	unsigned n;

	if (!parts->array.n) return take_array(r, content);
	if (!rebuild_columns(content, &array) || !eio_bytes_eq(eio_buf_bytes(&array), parts->array)) abort();
	n = take_array(r, eio_buf_bytes(&array));
	eio_buf_deinit(&array);
	return n;
}

static unsigned
take_lines(struct run *r, struct eio_bytes content)
{
	const char *end;
	unsigned n = 0;
	size_t len;

	if (content.n == 0 || content.p[content.n - 1] != '\n' || content.p[0] == 0) abort();
	for (; content.n > 0; n++) {
		end = memchr(content.p, '\n', content.n);
		len = (size_t)(end - content.p);
		note(&r->out, eio_bytes(content.p, len));
		content = eio_bytes(end + 1, content.n - len - 1);
	}
	return n;
}

static unsigned
take_frames(struct run *r, struct eio_bytes content)
{
	const unsigned char *p;
	unsigned n = 0;
	size_t len;

	for (; content.n > 0; n++) {
		if (content.n < 4 || content.p[0] != 0) abort();
		p = (const unsigned char *)content.p;
		len = (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
		if (len > content.n - 4) abort();
		note(&r->out, eio_bytes(content.p + 4, len));
		content = eio_bytes(content.p + 4 + len, content.n - 4 - len);
	}
	return n;
}

static void
on_flush(void *user, struct feed_stream *b, const struct feed_content *parts, unsigned count, uint64_t now_ms)
{
	struct run *r = user;
	struct eio_bytes content;
	struct eio_buf all;
	unsigned n = 1;

	(void)b;
	(void)now_ms;
	eio_buf_init(&all);
	eio_buf_add(&all, parts->before);
	eio_buf_add(&all, parts->body);
	eio_buf_add(&all, parts->after);
	content = eio_buf_bytes(&all);
	if (feed_is_bare(&r->feed))
		note(&r->out, content);
	else if (r->feed.format == FEED_FORMAT_COLUMNS)
		n = take_columns(r, parts, content);
	else if (r->feed.format == FEED_FORMAT_ARRAY)
		n = take_array(r, content);
	else if (r->feed.format == FEED_FORMAT_LINES)
		n = take_lines(r, content);
	else
		n = take_frames(r, content);
	if (n != count || count > r->feed.max_messages) abort();
	r->count += n;
	eio_buf_deinit(&all);
}

static void
on_release(void *user, struct feed_stream *b)
{
	(void)user;
	(void)b;
}

static void
add(struct run *r, struct feed_streams *s, struct eio_bytes message, uint64_t now_ms)
{
	bool made;
	struct feed_stream *b = feed_streams_get(
		s, EIO_LIT("event"), sio_room_named(EIO_LIT("/"), EIO_LIT("room")), now_ms, &made);
	struct message m = { .payload = message, .now_ms = now_ms };

	/* Blanks around a message do not matter in an array, and are lost when it is taken apart. */
	if (b && feed_streams_append(s, b, &m) == FEED_FATE_TAKEN)
		note(&r->in, feed_format_is_list(r->feed.format) && !feed_is_bare(&r->feed) ? sio_json_trim(message)
											    : message);
}

static void
feed_all(struct run *r, struct feed_streams *s, struct eio_bytes rest)
{
	uint64_t now_ms = 1000;
	char *copy;
	size_t n;

	while (rest.n > 0) {
		n = (unsigned char)rest.p[0];
		if (n > rest.n - 1) n = rest.n - 1;
		copy = malloc(n ? n : 1);
		if (!copy) break;
		memcpy(copy, rest.p + 1, n);
		add(r, s, eio_bytes(copy, n), now_ms);
		free(copy);
		now_ms += (unsigned char)rest.p[0];
		feed_streams_tick(s, now_ms);
		rest = eio_bytes(rest.p + 1 + n, rest.n - 1 - n);
	}
	feed_streams_tick(s, now_ms + r->feed.interval_ms);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t key[2] = { 1, 2 };
	struct run r = { .count = 0 };
	struct feed_streams s;

	if (size < 3) return 0;
	r.feed = (struct feed_spec){
		.encode = (enum feed_encode)(data[0] % 3),
		.format = (enum feed_format)(data[0] / 3 % 4),
		.interval_ms = data[0] / 12 % 2 ? 200 : 0,
		.max_messages = 1 + data[1] % 8,
		.max_bytes = 1 + data[2],
	};
	/* What the configuration refuses. */
	if (r.feed.encode == FEED_ENCODE_JSON && r.feed.format != FEED_FORMAT_ARRAY) return 0;
	if (r.feed.encode == FEED_ENCODE_TEXT && r.feed.format >= FEED_FORMAT_FRAMES) return 0;
	if (feed_streams_init(&s, &r.feed, key, on_flush, on_release, &r)) return 0;
	feed_all(&r, &s, eio_bytes(data + 3, size - 3));
	if (!eio_bytes_eq(eio_buf_bytes(&r.in), eio_buf_bytes(&r.out))) abort();
	feed_streams_deinit(&s);
	eio_buf_deinit(&r.in);
	eio_buf_deinit(&r.out);
	return 0;
}
