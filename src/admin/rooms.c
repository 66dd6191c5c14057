/* SPDX-License-Identifier: MIT */
/* Counting the members of rooms for who asks. */
#include "src/admin/rooms.h"

#include "eio/check.h"
#include "eio/query.h"
#include "sio/json.h"

#include <stdlib.h>

enum { ROOMS_MAGIC = 0x400a5ca1 };

/* One question. Names are parts of `text`. */
struct admin_rooms {
	unsigned magic; /* ROOMS_MAGIC */
	const struct admin_census *census; /* borrowed */
	struct eio_exchange *ex; /* a reference */
	struct eio_buf text;
	size_t ends[1 + ADMIN_ROOMS]; /* where the namespace ends, and each room */
	size_t n; /* rooms */
};

static struct sio_room_key
key_of_rooms(const struct admin_rooms *q, size_t i)
{
	struct eio_bytes nsp = eio_bytes(q->text.p, q->ends[0]);

	if (i == 0) return sio_room_everyone(nsp);
	return sio_room_named(nsp, eio_bytes(q->text.p + q->ends[i - 1], q->ends[i] - q->ends[i - 1]));
}

static void
free_admin_rooms(struct admin_rooms *q)
{
	eio_buf_deinit(&q->text);
	eio_exchange_unref(q->ex);
	q->magic = 0;
	free(q);
}

/* One of those that were asked for; 0 is the namespace. */
static void
write_there(const struct admin_rooms *q, const size_t *clients, size_t i, struct eio_buf *out)
{
	const struct admin_census *c = q->census;
	bool edges = c->edges && (interest_of(c->interest, key_of_rooms(q, i)) & c->edges);

	eio_buf_printf(out, ",\"clients\":%zu", clients[i]);
	if (c->edges) eio_buf_printf(out, ",\"edges\":%s", edges ? "true" : "false");
}

static void
write_rooms(const struct admin_rooms *q, const size_t *clients, struct eio_buf *out)
{
	EIO_BUF_ADD_LIT(out, "{\"namespace\":");
	sio_json_escape(out, key_of_rooms(q, 0).nsp);
	write_there(q, clients, 0, out);
	EIO_BUF_ADD_LIT(out, ",\"rooms\":[");
	for (size_t i = 1; i <= q->n; i++) {
		if (i > 1) eio_buf_addc(out, ',');
		EIO_BUF_ADD_LIT(out, "{\"room\":");
		sio_json_escape(out, key_of_rooms(q, i).name);
		write_there(q, clients, i, out);
		eio_buf_addc(out, '}');
	}
	EIO_BUF_ADD_LIT(out, "]}\n");
}

static void
respond_rooms(struct eio_exchange *ex, int status, struct eio_bytes body)
{
	eio_exchange_respond_text(ex, status, status == 200 ? "application/json" : "text/plain; charset=utf-8", body,
		EIO_LIT("Cache-Control: no-store\r\n"));
}

static void
on_counted(void *user, const size_t *clients, size_t n)
{
	struct admin_rooms *q = user;
	struct eio_buf out = { 0 };

	CHECK_MAGIC(q, ROOMS_MAGIC);
	CHECK(n == q->n + 1);
	write_rooms(q, clients, &out);
	if (eio_buf_failed(&out))
		respond_rooms(q->ex, 503, EIO_LIT("out of memory\n"));
	else
		respond_rooms(q->ex, 200, eio_buf_bytes(&out));
	eio_buf_deinit(&out);
	free_admin_rooms(q);
}

/* Reads the query. NULL, or what is wrong with it. */
static const char *
read_rooms_query(struct admin_rooms *q, struct eio_bytes query)
{
	struct eio_bytes name, value;

	if (!eio_query_get(query, EIO_LIT("namespace"), &q->text)) eio_buf_addc(&q->text, '/');
	q->ends[0] = q->text.n;
	while (eio_query_next(&query, &name, &value)) {
		if (!eio_bytes_eq(name, EIO_LIT("room"))) continue;
		if (q->n == ADMIN_ROOMS) return "too many rooms\n";
		eio_query_value_decode(value, &q->text);
		q->ends[++q->n] = q->text.n;
	}
	return eio_buf_failed(&q->text) ? "out of memory\n" : NULL;
}

void
admin_rooms_answer(const struct admin_census *census, struct eio_exchange *ex)
{
	struct sio_room_key keys[1 + ADMIN_ROOMS];
	struct admin_rooms *q = calloc(1, sizeof *q);
	const char *wrong;

	if (!q) {
		respond_rooms(ex, 503, EIO_LIT("out of memory\n"));
		return;
	}
	q->magic = ROOMS_MAGIC;
	q->census = census;
	q->ex = eio_exchange_ref(ex);
	wrong = read_rooms_query(q, ex->req->query);
	for (size_t i = 0; !wrong && i <= q->n; i++) keys[i] = key_of_rooms(q, i);
	if (!wrong && census->take(census->ctx, keys, q->n + 1, on_counted, q) == 0) return;
	respond_rooms(ex, wrong && q->n == ADMIN_ROOMS ? 400 : 503, eio_cstr(wrong ? wrong : "out of memory\n"));
	free_admin_rooms(q);
}
