/* SPDX-License-Identifier: MIT */
/* Any bytes from a client of the intake, whole and in pieces: the same must be published and answered, and nothing is
 * longer than it may be. With a password, and a client that gives it or not. */
#include "src/resp/session.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST = 24, ROOM = 64 };

static struct resp_spec spec = { .user = "default", .message_bytes = LONGEST };

/* Takes what was fed. What is published stands between angle brackets, everything in its order. */
static enum resp_event
converse(struct resp_session *s, struct eio_buf *to)
{
	struct resp_publication p;
	enum resp_event event;

	do {
		event = resp_session_next(s, &p);
		if (event == RESP_EVENT_PUBLISH) {
			if (p.channel.n > LONGEST || p.payload.n > LONGEST) abort();
			eio_buf_add(to, eio_buf_bytes(&s->out));
			eio_buf_clear(&s->out);
			s->answered = 0;
			eio_buf_addc(to, '<');
			eio_buf_add(to, p.channel);
			eio_buf_addc(to, '>');
			eio_buf_add(to, p.payload);
			resp_session_published(s, p.payload.n);
		}
		if (event == RESP_EVENT_FULL || event == RESP_EVENT_NONE) {
			eio_buf_add(to, eio_buf_bytes(&s->out));
			eio_buf_clear(&s->out);
		}
		if (s->reader.held.n > s->reader.room) abort();
	} while (event == RESP_EVENT_PUBLISH || event == RESP_EVENT_FULL);
	if (event == RESP_EVENT_NONE && resp_reader_rest(&s->reader).n) abort();
	if (event == RESP_EVENT_END) eio_buf_add(to, eio_buf_bytes(&s->out));
	return event;
}

/* With enough room for what is not too long, or with little. */
static void
run_pieces(struct eio_bytes in, size_t piece, size_t room, struct eio_buf *to)
{
	struct resp_tally tally = { .commands = { 0 } };
	enum resp_event event = RESP_EVENT_NONE;
	struct resp_session s;

	resp_session_init(&s, &spec, &tally, "0", 1);
	s.reader.room = room;
	while (in.n && event == RESP_EVENT_NONE) {
		size_t n = in.n < piece ? in.n : piece;
		char *copy = malloc(n); /* so that nothing is read beyond it */

		if (!copy) abort();
		memcpy(copy, in.p, n);
		resp_reader_feed(&s.reader, eio_bytes(copy, n));
		event = converse(&s, to);
		free(copy);
		in = eio_bytes(in.p + n, in.n - n);
	}
	resp_session_deinit(&s);
}

static void
compare_pieces(struct eio_bytes in)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 64 };
	struct eio_buf whole = { 0 }, parts = { 0 };

	/* So much that only what is too long is passed over. */
	run_pieces(in, SIZE_MAX, (RESP_WORDS + 1) * LONGEST + RESP_LINE_BYTES, &whole);
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		eio_buf_clear(&parts);
		run_pieces(in, pieces[i], (RESP_WORDS + 1) * LONGEST + RESP_LINE_BYTES, &parts);
		if (!eio_bytes_eq(eio_buf_bytes(&whole), eio_buf_bytes(&parts))) abort();
	}
	eio_buf_clear(&parts);
	run_pieces(in, 5, ROOM, &parts);
	eio_buf_deinit(&whole);
	eio_buf_deinit(&parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct eio_bytes in = eio_bytes(data, size);

	spec.password = NULL;
	compare_pieces(in);
	spec.password = "secret";
	compare_pieces(in);
	return 0;
}
