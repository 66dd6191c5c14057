/* SPDX-License-Identifier: MIT */
/* What stands out, as JSON. */
#include "src/admin/top.h"

#include "eio/query.h"
#include "eio/utf8.h"
#include "sio/json.h"
#include "src/feed/metrics.h"

#include <inttypes.h>

unsigned
admin_top_wanted(struct eio_bytes query)
{
	struct eio_buf value = { 0 };
	unsigned n = 0;

	if (!eio_query_get(query, EIO_LIT("top"), &value)) return 0;
	if (value.n == 0) n = ADMIN_TOP_USUAL;
	for (size_t i = 0; i < value.n; i++)
		n = value.p[i] >= '0' && value.p[i] <= '9' && n <= ADMIN_TOP_MAX ? n * 10 + (unsigned)(value.p[i] - '0')
										 : ADMIN_TOP_MAX + 1;
	if (eio_buf_failed(&value) || n > ADMIN_TOP_MAX) n = 0;
	eio_buf_deinit(&value);
	return n;
}

static void
write_top_feeds(struct metrics_set *metrics, unsigned max, struct eio_buf *out)
{
	struct metrics_top top[ADMIN_TOP_MAX];
	size_t n = metrics_top(metrics, &feed_metrics, FEED_METRIC_BATCH_BYTES, FEED_METRIC_BATCH_MESSAGES, top, max);

	EIO_BUF_ADD_LIT(out, "\"feeds\":[");
	for (size_t i = 0; i < n; i++)
		eio_buf_printf(out, "%s{\"feed\":\"%s\",\"bytes\":%" PRIu64 ",\"messages\":%" PRIu64 "}", i ? "," : "",
			top[i].label, top[i].by, top[i].also);
	eio_buf_addc(out, ']');
}

/* A name may have been cut within a character, and may never have been UTF-8. */
static void
write_top_name(struct eio_bytes name, struct eio_buf *out)
{
	struct eio_buf text = { 0 };

	eio_utf8_repair(&text, name);
	sio_json_escape(out, eio_buf_bytes(&text));
	if (eio_buf_failed(&text)) out->failed = true;
	eio_buf_deinit(&text);
}

static void
write_top_room(const struct clients_top_entry *e, struct eio_buf *out)
{
	EIO_BUF_ADD_LIT(out, "{\"namespace\":");
	write_top_name(eio_bytes(e->text, e->nsp_n), out);
	EIO_BUF_ADD_LIT(out, ",\"room\":");
	if (e->everyone)
		EIO_BUF_ADD_LIT(out, "null");
	else
		write_top_name(eio_bytes(e->text + e->nsp_n, e->name_n), out);
	eio_buf_printf(out, ",\"members\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", e->members, e->bytes);
}

static void
write_top_client(const struct clients_top_entry *e, struct eio_buf *out)
{
	EIO_BUF_ADD_LIT(out, "{\"sid\":");
	write_top_name(eio_bytes(e->text, e->name_n), out);
	eio_buf_printf(out,
		",\"transport\":\"%s\",\"eio\":%u,\"waiting_bytes\":%" PRIu64 ",\"kernel_bytes\":%" PRIu64
		",\"rtt_seconds\":%u.%06u}",
		e->transport, e->revision, e->by, e->connection.kernel_bytes,
		(unsigned)(e->connection.rtt_us / 1000000), (unsigned)(e->connection.rtt_us % 1000000));
}

static void
write_top_list(const char *name, const struct clients_top_list *l,
	void (*write)(const struct clients_top_entry *e, struct eio_buf *out), struct eio_buf *out)
{
	eio_buf_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < l->n; i++) {
		if (i) eio_buf_addc(out, ',');
		write(&l->v[i], out);
	}
	eio_buf_addc(out, ']');
}

void
admin_top_write(
	struct metrics_set *metrics, const struct clients_top *all, unsigned n, unsigned max, struct eio_buf *out)
{
	write_top_feeds(metrics, max, out);
	EIO_BUF_ADD_LIT(out, ",\"workers\":[");
	for (unsigned i = 0; i < n; i++) {
		const struct clients_top *t = &all[i];

		eio_buf_printf(out, "%s{\"worker\":%u,\"sessions\":%zu,\"rooms\":%zu,\"turns\":%zu", i ? "," : "", i,
			t->sessions, t->rooms, t->turns);
		write_top_list("rooms_by_members", &t->lists[CLIENTS_TOP_MEMBERS], write_top_room, out);
		write_top_list("rooms_by_bytes", &t->lists[CLIENTS_TOP_BYTES], write_top_room, out);
		write_top_list("slowest", &t->lists[CLIENTS_TOP_SLOWEST], write_top_client, out);
		eio_buf_addc(out, '}');
	}
	eio_buf_addc(out, ']');
}
