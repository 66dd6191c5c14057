/* SPDX-License-Identifier: MIT */
/* A status line, lines of headers, and a body of so many bytes. */
#include "src/peers/answer.h"

#include <strings.h>

void
peers_answer_reset(struct peers_answer *a)
{
	eio_buf_deinit(&a->headers);
	eio_buf_deinit(&a->peer);
	eio_buf_deinit(&a->head);
	eio_block_unref(a->body);
	*a = (struct peers_answer){ .max_body = a->max_body };
}

/* "HTTP/1.1 200 OK" */
static bool
read_status(struct peers_answer *a, struct eio_bytes line)
{
	if (line.n < 12 || !eio_bytes_starts(line, EIO_LIT("HTTP/1.1 ")) || (line.n > 12 && line.p[12] != ' '))
		return false;
	for (int i = 9; i < 12; i++) {
		if (line.p[i] < '0' || line.p[i] > '9') return false;
		a->status = a->status * 10 + line.p[i] - '0';
	}
	a->no_length = true;
	return a->status >= 200 && a->status < 600;
}

static bool
read_content_length(struct peers_answer *a, struct eio_bytes value)
{
	if (!a->no_length || value.n == 0 || value.n > 12) return false;
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9') return false;
		a->length = a->length * 10 + (size_t)(value.p[i] - '0');
	}
	a->no_length = false;
	return true;
}

static bool
is_named(struct eio_bytes name, const char *text)
{
	return name.n == strlen(text) && strncasecmp(name.p, text, name.n) == 0;
}

static bool
read_answer_line(struct peers_answer *a, struct eio_bytes line)
{
	const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
	struct eio_bytes name, value;

	if (!colon || colon == line.p || memchr(line.p, '\r', line.n)) return false;
	name = eio_bytes(line.p, (size_t)(colon - line.p));
	value = eio_bytes(colon + 1, line.n - name.n - 1);
	while (value.n && *value.p == ' ') value = eio_bytes(value.p + 1, value.n - 1);
	if (is_named(name, "content-length")) return read_content_length(a, value);
	if (is_named(name, "transfer-encoding") || is_named(name, "upgrade")) return false;
	if (is_named(name, "connection")) {
		a->close = !is_named(value, "keep-alive");
	} else if (is_named(name, "siocast-peer")) {
		eio_buf_clear(&a->peer);
		eio_buf_add(&a->peer, value);
	} else if (!is_named(name, "date") && !is_named(name, "keep-alive")) {
		eio_buf_add(&a->headers, line);
		EIO_BUF_ADD_LIT(&a->headers, "\r\n");
	}
	return true;
}

/* The complete head, with the empty line at its end. */
static bool
read_answer_head(struct peers_answer *a, struct eio_bytes head)
{
	bool first = true;

	while (head.n > 2) {
		const char *end = memmem(head.p, head.n, "\r\n", 2);
		struct eio_bytes line = eio_bytes(head.p, (size_t)(end - head.p));

		if (!(first ? read_status(a, line) : read_answer_line(a, line))) return false;
		first = false;
		head = eio_bytes(end + 2, head.n - line.n - 2);
	}
	if (a->no_length && a->status != 204 && a->status != 304) return false;
	return a->length <= a->max_body && !eio_buf_failed(&a->headers) && !eio_buf_failed(&a->peer);
}

static enum peers_answer_state
take_answer_body(struct peers_answer *a, struct eio_bytes s)
{
	size_t left = a->body ? a->length - a->got : 0;

	if (s.n > left) return PEERS_ANSWER_BAD;
	if (s.n) memcpy(a->body->data + a->got, s.p, s.n);
	a->got += s.n;
	return s.n == left ? PEERS_ANSWER_COMPLETE : PEERS_ANSWER_MORE;
}

enum peers_answer_state
peers_answer_feed(struct peers_answer *a, struct eio_bytes s)
{
	struct eio_bytes head;
	const char *end;
	size_t at;

	if (a->in_body) return take_answer_body(a, s);
	/* The end may have begun in the piece before. */
	at = a->head.n > 3 ? a->head.n - 3 : 0;
	eio_buf_add(&a->head, s);
	if (eio_buf_failed(&a->head)) return PEERS_ANSWER_BAD;
	end = a->head.n ? memmem(a->head.p + at, a->head.n - at, "\r\n\r\n", 4) : NULL;
	if (!end) return a->head.n > PEERS_HEAD_MAX ? PEERS_ANSWER_BAD : PEERS_ANSWER_MORE;
	head = eio_bytes(a->head.p, (size_t)(end - a->head.p) + 4);
	if (head.n > PEERS_HEAD_MAX || !read_answer_head(a, head)) return PEERS_ANSWER_BAD;
	if (a->length && !a->head_only) a->body = eio_block_new(a->length);
	if (a->length && !a->head_only && !a->body) return PEERS_ANSWER_BAD;
	a->in_body = true;
	return take_answer_body(a, eio_bytes(head.p + head.n, a->head.n - head.n));
}
