/* SPDX-License-Identifier: MIT */
/* From counters to the page's figures. */
#include "src/adminui/stats.h"

#include "eio/check.h"
#include "sio/json.h"
#include "src/clients/metrics.h"
#include "src/worker/metrics.h"

#include <inttypes.h>

/* X(type, subtype or NULL, table, slot). Rows of the same type and subtype stand together, and are added up. */
#define KINDS(X) \
	X("rawConnection", NULL, worker_metrics, WORKER_METRIC_SESSIONS_OPENED) \
	X("rawDisconnection", "transport close", worker_metrics, WORKER_METRIC_CLOSED_TRANSPORT_CLOSE) \
	X("rawDisconnection", "transport error", worker_metrics, WORKER_METRIC_CLOSED_TRANSPORT_ERROR) \
	X("rawDisconnection", "ping timeout", worker_metrics, WORKER_METRIC_CLOSED_PING_TIMEOUT) \
	X("rawDisconnection", "parse error", worker_metrics, WORKER_METRIC_CLOSED_PARSE_ERROR) \
	X("rawDisconnection", "forced close", worker_metrics, WORKER_METRIC_CLOSED_FORCED) \
	X("rawDisconnection", "server shutting down", worker_metrics, WORKER_METRIC_CLOSED_SHUTDOWN) \
	X("packetsIn", NULL, worker_metrics, WORKER_METRIC_MESSAGES_IN) \
	X("packetsOut", NULL, clients_metrics, CLIENTS_METRIC_MESSAGES_OUT) \
	X("bytesIn", NULL, worker_metrics, WORKER_METRIC_BYTES_IN) \
	X("bytesOut", NULL, worker_metrics, WORKER_METRIC_BYTES_WEBSOCKET_4)

#define KIND(type, subtype, table, slot) { type, subtype, &table, slot },
static const struct kind {
	const char *type, *subtype;
	const struct metrics_table *table;
	size_t slot;
} kinds[] = { KINDS(KIND) };

_Static_assert(sizeof kinds / sizeof kinds[0] == ADMINUI_KINDS, "a number for each kind");

/* What counts as bytes out beside the one in the row. */
static const size_t other_bytes_out[] = { WORKER_METRIC_BYTES_WEBSOCKET_3, WORKER_METRIC_BYTES_POLLING_4,
	WORKER_METRIC_BYTES_POLLING_3 };

static uint64_t
count_of_kind(struct metrics_set *set, const struct kind *k)
{
	uint64_t sum = metrics_sum(set, k->table, k->slot);

	if (k->slot != WORKER_METRIC_BYTES_WEBSOCKET_4 || k->table != &worker_metrics) return sum;
	for (size_t i = 0; i < sizeof other_bytes_out / sizeof other_bytes_out[0]; i++)
		sum += metrics_sum(set, &worker_metrics, other_bytes_out[i]);
	return sum;
}

void
adminui_stats_begin(struct adminui_stats *s)
{
	s->n = 0;
	for (size_t i = 0; i < ADMINUI_KINDS; i++) s->before[i] = count_of_kind(s->set, &kinds[i]);
}

void
adminui_stats_look(struct adminui_stats *s, uint64_t now_ms)
{
	uint64_t second_ms = now_ms - now_ms % 1000;
	struct adminui_look *l;

	if (s->n == 0 || (s->looks[s->n - 1].second_ms != second_ms && s->n < ADMINUI_LOOKS))
		s->looks[s->n++] = (struct adminui_look){ .second_ms = second_ms };
	l = &s->looks[s->n - 1];
	for (size_t i = 0; i < ADMINUI_KINDS; i++) {
		uint64_t now = count_of_kind(s->set, &kinds[i]);

		/* What a namespace or a thread has counted may go with it. */
		if (now > s->before[i]) l->counts[i] += now - s->before[i];
		s->before[i] = now;
	}
}

static void
write_events(const struct adminui_stats *s, struct eio_buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; k < ADMINUI_KINDS; k++) {
			if (!s->looks[i].counts[k]) continue;
			eio_buf_printf(out, "%s{\"timestamp\":%" PRIu64 ",\"type\":\"%s\"", comma,
				s->looks[i].second_ms, kinds[k].type);
			if (kinds[k].subtype) eio_buf_printf(out, ",\"subType\":\"%s\"", kinds[k].subtype);
			eio_buf_printf(out, ",\"count\":%" PRIu64 "}", s->looks[i].counts[k]);
			comma = ",";
		}
	}
}

/* Where namespaces are written to. */
struct list_of_namespaces {
	struct eio_buf *out;
	bool some;
};

static void
write_namespace(void *user, const char *label, uint64_t sockets)
{
	struct list_of_namespaces *list = user;

	if (list->some) eio_buf_addc(list->out, ',');
	list->some = true;
	EIO_BUF_ADD_LIT(list->out, "{\"name\":");
	sio_json_escape(list->out, eio_cstr(label));
	eio_buf_printf(list->out, ",\"socketsCount\":%" PRIu64 "}", sockets);
}

void
adminui_stats_write(struct adminui_stats *s, const struct adminui_about *about, struct eio_buf *out)
{
	uint64_t polling = metrics_sum(s->set, &worker_metrics, WORKER_METRIC_SESSIONS_POLLING);
	uint64_t websocket = metrics_sum(s->set, &worker_metrics, WORKER_METRIC_SESSIONS_WEBSOCKET);
	struct list_of_namespaces list = { .out = out };

	EIO_BUF_ADD_LIT(out, "[{\"serverId\":");
	sio_json_escape(out, eio_cstr(about->server_id));
	EIO_BUF_ADD_LIT(out, ",\"hostname\":");
	sio_json_escape(out, eio_cstr(about->hostname));
	eio_buf_printf(out, ",\"pid\":%d,\"uptime\":%" PRIu64 ".%03u", about->pid, about->uptime_ms / 1000,
		(unsigned)(about->uptime_ms % 1000));
	eio_buf_printf(out, ",\"clientsCount\":%" PRIu64 ",\"pollingClientsCount\":%" PRIu64 ",\"aggregatedEvents\":[",
		polling + websocket, polling);
	write_events(s, out);
	EIO_BUF_ADD_LIT(out, "],\"namespaces\":[");
	metrics_each(s->set, &namespace_metrics, NAMESPACE_METRIC_SOCKETS, write_namespace, &list);
	EIO_BUF_ADD_LIT(out, "]}]");
	s->n = 0;
}
