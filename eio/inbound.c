/* SPDX-License-Identifier: MIT */
/* Messages out of bytes. One that arrives at once and uncompressed is unmasked where it lies, and not copied. */
#include "eio/inbound.h"

#include "eio/check.h"
#include "eio/deflate.h"
#include "eio/utf8.h"

/* Puts the plain bytes of a complete message in place of the compressed ones. */
static enum eio_inbound_result
inflate_message(struct eio_inbound_message *m, size_t max)
{
	struct eio_buf plain;
	enum eio_inflated rc;

	eio_buf_init(&plain);
	rc = eio_inflate(&plain, eio_bytes(m->data, m->n), max);
	eio_buf_deinit(&m->owned);
	m->data = plain.p;
	m->n = plain.n;
	m->owned = plain;
	if (rc == EIO_INFLATE_OK) return EIO_INBOUND_MESSAGE;
	return rc == EIO_INFLATE_BAD ? EIO_INBOUND_BAD_DATA : EIO_INBOUND_TOO_BIG;
}

/* All of the message is there; the first `checked` bytes of it need no look any more. */
static enum eio_inbound_result
finish_message(struct eio_inbound_message *m, bool compressed, size_t checked, size_t max)
{
	enum eio_inbound_result rc = compressed ? inflate_message(m, max) : EIO_INBOUND_MESSAGE;

	if (rc == EIO_INBOUND_MESSAGE && !m->binary && !eio_utf8_valid(eio_bytes(m->data + checked, m->n - checked)))
		rc = EIO_INBOUND_BAD_DATA;
	if (rc != EIO_INBOUND_MESSAGE) eio_buf_deinit(&m->owned);
	return rc;
}

/* Adds the last piece of something to those before it: what lies whole in it stays where it is. false when out of
 * memory. */
static bool
join_pieces(struct eio_buf *pieces, char *p, size_t n, struct eio_inbound_message *m)
{
	*m = (struct eio_inbound_message){ .data = p, .n = n };
	if (pieces->n == 0) return true;
	eio_buf_append(pieces, p, n);
	if (eio_buf_failed(pieces)) return false;
	m->data = pieces->p;
	m->n = pieces->n;
	m->owned = *pieces;
	eio_buf_init(pieces);
	return true;
}

/* How many bytes at the end of text belong to a character that has begun there and may go on. */
static size_t
cut_bytes(const char *p, size_t n)
{
	for (size_t i = 1; i <= 3 && i <= n; i++) {
		unsigned char c = (unsigned char)p[n - i];
		size_t whole = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

		if ((c & 0xc0) != 0x80) return i < whole ? i : 0;
	}
	return 0;
}

/* Whether these one to three bytes can become a character: one of the lowest or one of the highest with this beginning
 * is one then. */
static bool
may_go_on(const char *p, size_t n)
{
	size_t whole = (unsigned char)p[0] >= 0xf0 ? 4 : (unsigned char)p[0] >= 0xe0 ? 3 : 2;
	char low[4] = { (char)0x80, (char)0x80, (char)0x80, (char)0x80 };
	char high[4] = { (char)0xbf, (char)0xbf, (char)0xbf, (char)0xbf };

	memcpy(low, p, n);
	memcpy(high, p, n);
	return eio_utf8_valid(eio_bytes(low, whole)) || eio_utf8_valid(eio_bytes(high, whole));
}

/* Looks at what came last of a text that is not complete: what is no text now will not become any. */
static bool
check_pieces(struct eio_inbound *in)
{
	const char *p = in->pieces.p + in->checked;
	size_t n = in->pieces.n - in->checked, cut = cut_bytes(p, n);

	if (!eio_utf8_valid(eio_bytes(p, n - cut))) return false;
	in->checked += n - cut;
	return cut == 0 || may_go_on(p + n - cut, cut);
}

/* More of a message will come. */
static enum eio_inbound_result
keep_piece(struct eio_inbound *in, const char *p, size_t n)
{
	eio_buf_append(&in->pieces, p, n);
	if (eio_buf_failed(&in->pieces)) return EIO_INBOUND_TOO_BIG;
	if (n == 0 || in->binary || in->compressed || check_pieces(in)) return EIO_INBOUND_MORE;
	return EIO_INBOUND_BAD_DATA;
}

/* The next bytes of a data frame; done: they are the message's last. */
static enum eio_inbound_result
take_data(struct eio_inbound *in, char *p, size_t n, bool done, size_t max, struct eio_inbound_message *m)
{
	size_t checked;

	if (done) in->in_message = false;
	if (in->skip) {
		eio_buf_deinit(&in->pieces);
		in->checked = 0;
		return EIO_INBOUND_MORE;
	}
	if (!done) return keep_piece(in, p, n);
	if (!join_pieces(&in->pieces, p, n, m)) return EIO_INBOUND_TOO_BIG;
	checked = in->checked;
	in->checked = 0;
	m->binary = in->binary;
	return finish_message(m, in->compressed, checked, max);
}

/* The codes that may stand in a close frame: those of RFC 6455 section 7.4.1 and of IANA's list, and the private
 * ones. */
static bool
is_close_code(unsigned code)
{
	if (code >= 3000) return code <= 4999;
	return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

static enum eio_inbound_result
check_close(const struct eio_inbound_message *m)
{
	const unsigned char *p = (const unsigned char *)m->data;

	if (m->n == 0) return EIO_INBOUND_CLOSE;
	if (m->n == 1 || !is_close_code((unsigned)(p[0] << 8 | p[1]))) return EIO_INBOUND_BAD_FRAME;
	return eio_utf8_valid(eio_bytes(m->data + 2, m->n - 2)) ? EIO_INBOUND_CLOSE : EIO_INBOUND_BAD_DATA;
}

/* The next bytes of a control frame; done: all are there. */
static enum eio_inbound_result
take_control(struct eio_inbound *in, char *p, size_t n, bool done, struct eio_inbound_message *m)
{
	enum eio_inbound_result rc = EIO_INBOUND_MORE;

	if (!done) {
		eio_buf_append(&in->control, p, n);
		return eio_buf_failed(&in->control) ? EIO_INBOUND_TOO_BIG : EIO_INBOUND_MORE;
	}
	if (!join_pieces(&in->control, p, n, m)) return EIO_INBOUND_TOO_BIG;
	if (in->frame.opcode == EIO__FRAME_PING) return EIO_INBOUND_PING;
	if (in->frame.opcode == EIO__FRAME_CLOSE) rc = check_close(m);
	if (rc != EIO_INBOUND_CLOSE) eio_buf_deinit(&m->owned);
	return rc;
}

/* The header of a data frame is there: whether it may stand here, and what it says of its message. */
static enum eio_inbound_result
begin_data(struct eio_inbound *in, size_t max)
{
	const struct eio__frame *f = &in->frame;
	bool first = f->opcode != EIO__FRAME_CONTINUATION, compressed = f->rsv == EIO__FRAME_RSV1;

	if (first == in->in_message) return EIO_INBOUND_BAD_FRAME;
	/* RSV1 says "compressed", once for a message; the other bits mean nothing. */
	if (f->rsv && !(compressed && in->deflate && first)) return EIO_INBOUND_BAD_FRAME;
	if (first) {
		in->binary = f->opcode == EIO__FRAME_BINARY;
		in->compressed = compressed;
	}
	in->in_message = true;
	if (in->skip) return EIO_INBOUND_MORE;
	return f->n > max || in->pieces.n > max - f->n ? EIO_INBOUND_TOO_BIG : EIO_INBOUND_MORE;
}

static void
pass_arrived(struct eio_arrived *bytes, size_t n)
{
	bytes->p += n;
	bytes->n -= n;
}

/* Takes the bytes of a header, which may be cut anywhere. */
static enum eio_inbound_result
take_header(struct eio_inbound *in, struct eio_arrived *bytes, size_t max)
{
	size_t had = in->head_n, n = sizeof in->head - had < bytes->n ? sizeof in->head - had : bytes->n;
	int length;

	memcpy(in->head + had, bytes->p, n);
	length = eio__frame_parse(&in->frame, in->head, had + n);
	if (length < 0) return EIO_INBOUND_BAD_FRAME;
	in->in_frame = length > 0;
	in->head_n = (unsigned char)(in->in_frame ? 0 : had + n);
	pass_arrived(bytes, in->in_frame ? (size_t)length - had : n);
	return in->in_frame && !eio__frame_is_control(&in->frame) ? begin_data(in, max) : EIO_INBOUND_MORE;
}

/* Takes what is there of the data of the frame, and unmasks it. */
static enum eio_inbound_result
take_frame(struct eio_inbound *in, struct eio_arrived *bytes, size_t max, struct eio_inbound_message *m)
{
	struct eio__frame *f = &in->frame;
	size_t n = f->n < bytes->n ? (size_t)f->n : bytes->n;
	char *p = bytes->p;

	eio__frame_unmask(f, p, n);
	pass_arrived(bytes, n);
	f->n -= n;
	in->in_frame = f->n > 0;
	if (eio__frame_is_control(f)) return take_control(in, p, n, !in->in_frame, m);
	return take_data(in, p, n, !in->in_frame && f->final, max, m);
}

enum eio_inbound_result
eio_inbound_take(struct eio_inbound *in, struct eio_arrived *bytes, size_t max, struct eio_inbound_message *message)
{
	enum eio_inbound_result rc = EIO_INBOUND_MORE;

	CHECK(!in->pieces.failed && !in->control.failed);
	/* A frame without data is complete with its header. */
	while (rc == EIO_INBOUND_MORE && (bytes->n > 0 || (in->in_frame && in->frame.n == 0)))
		rc = in->in_frame ? take_frame(in, bytes, max, message) : take_header(in, bytes, max);
	return rc;
}

void
eio_inbound_deinit(struct eio_inbound *in)
{
	eio_buf_deinit(&in->pieces);
	eio_buf_deinit(&in->control);
}
