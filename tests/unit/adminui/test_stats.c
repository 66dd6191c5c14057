/* SPDX-License-Identifier: MIT */
/* What the Admin UI is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sio/json.h"
#include "src/adminui/stats.h"
#include "src/clients/metrics.h"
#include "src/worker/metrics.h"

#include <stdio.h>
#include <string.h>

static const struct adminui_about about = { "s\"1", "host", 7, 12034 };

struct counting {
	struct metrics_set set;
	struct metrics *workers[2], *clients[2], *plain, *chat[2];
	struct adminui_stats stats;
};

static void
open_counting(struct counting *c)
{
	assert_int_equal(metrics_set_init(&c->set), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_non_null(c->workers[i] = metrics_new_numbered(&c->set, &worker_metrics, i));
		assert_non_null(c->clients[i] = metrics_new_numbered(&c->set, &clients_metrics, i));
	}
	assert_non_null(c->plain = metrics_new(&c->set, &namespace_metrics, "/"));
	for (unsigned i = 0; i < 2; i++)
		assert_non_null(c->chat[i] = metrics_new(&c->set, &namespace_metrics, "/c\"\n"));
	c->stats = (struct adminui_stats){ .set = &c->set };
}

static void
close_counting(struct counting *c)
{
	for (unsigned i = 0; i < 2; i++) {
		metrics_free(c->workers[i]);
		metrics_free(c->clients[i]);
		metrics_free(c->chat[i]);
	}
	metrics_free(c->plain);
	metrics_set_deinit(&c->set);
}

static void
expect_message(struct counting *c, const char *wanted)
{
	struct eio_buf b = { 0 };

	adminui_stats_write(&c->stats, &about, &b);
	assert_false(eio_buf_failed(&b));
	assert_int_equal(sio_json_check(eio_buf_bytes(&b)), 0);
	eio_buf_addc(&b, '\0');
	assert_string_equal(b.p, wanted);
	eio_buf_deinit(&b);
}

#define HEAD "[{\"serverId\":\"s\\\"1\",\"hostname\":\"host\",\"pid\":7,\"uptime\":12.034,"

/* All workers together. */
static void
counts(void **state)
{
	struct counting c;

	(void)state;
	open_counting(&c);
	metrics_put(c.workers[0], WORKER_METRIC_SESSIONS_POLLING, 2);
	metrics_put(c.workers[1], WORKER_METRIC_SESSIONS_POLLING, 1);
	metrics_put(c.workers[1], WORKER_METRIC_SESSIONS_WEBSOCKET, 4);
	metrics_inc(c.plain, NAMESPACE_METRIC_SOCKETS);
	metrics_add(c.chat[0], NAMESPACE_METRIC_SOCKETS, 2);
	metrics_add(c.chat[1], NAMESPACE_METRIC_SOCKETS, 3);
	expect_message(&c, HEAD "\"clientsCount\":7,\"pollingClientsCount\":3,\"aggregatedEvents\":[],\"namespaces\":["
				"{\"name\":\"/\",\"socketsCount\":1},{\"name\":\"/c\\\"\\n\",\"socketsCount\":5}]}]");
	close_counting(&c);
}

#define TAIL "],\"namespaces\":[{\"name\":\"/\",\"socketsCount\":0},{\"name\":\"/c\\\"\\n\",\"socketsCount\":0}]}]"
#define NOBODY HEAD "\"clientsCount\":0,\"pollingClientsCount\":0,\"aggregatedEvents\":["

/* What happened in which second, since somebody looks. */
static void
events(void **state)
{
	struct counting c;

	(void)state;
	open_counting(&c);
	metrics_add(c.workers[0], WORKER_METRIC_SESSIONS_OPENED, 5);
	adminui_stats_begin(&c.stats);
	adminui_stats_look(&c.stats, 1000);
	expect_message(&c, NOBODY TAIL);
	metrics_add(c.workers[0], WORKER_METRIC_SESSIONS_OPENED, 1);
	metrics_add(c.workers[1], WORKER_METRIC_SESSIONS_OPENED, 1);
	metrics_add(c.workers[1], WORKER_METRIC_CLOSED_TRANSPORT_CLOSE, 3);
	metrics_add(c.workers[1], WORKER_METRIC_CLOSED_PING_TIMEOUT, 1);
	adminui_stats_look(&c.stats, 2999);
	metrics_add(c.workers[0], WORKER_METRIC_MESSAGES_IN, 2);
	metrics_add(c.clients[0], CLIENTS_METRIC_MESSAGES_OUT, 3);
	metrics_add(c.workers[0], WORKER_METRIC_BYTES_IN, 40);
	metrics_add(c.workers[0], WORKER_METRIC_BYTES_WEBSOCKET_4, 1);
	metrics_add(c.workers[0], WORKER_METRIC_BYTES_WEBSOCKET_3, 20);
	metrics_add(c.workers[1], WORKER_METRIC_BYTES_POLLING_4, 300);
	metrics_add(c.workers[1], WORKER_METRIC_BYTES_POLLING_3, 4000);
	adminui_stats_look(&c.stats, 3001);
	expect_message(&c,
		NOBODY "{\"timestamp\":2000,\"type\":\"rawConnection\",\"count\":2},"
		       "{\"timestamp\":2000,\"type\":\"rawDisconnection\",\"subType\":\"transport close\",\"count\":3},"
		       "{\"timestamp\":2000,\"type\":\"rawDisconnection\",\"subType\":\"ping timeout\",\"count\":1},"
		       "{\"timestamp\":3000,\"type\":\"packetsIn\",\"count\":2},"
		       "{\"timestamp\":3000,\"type\":\"packetsOut\",\"count\":3},"
		       "{\"timestamp\":3000,\"type\":\"bytesIn\",\"count\":40},"
		       "{\"timestamp\":3000,\"type\":\"bytesOut\",\"count\":4321}" TAIL);
	expect_message(&c, NOBODY TAIL);
	close_counting(&c);
}

/* Looks of the same second are one, and there are never more than fit; nothing of them is lost. What was counted may
 * become less. */
static void
many_looks(void **state)
{
	struct counting c;
	char wanted[2048] = NOBODY;

	(void)state;
	open_counting(&c);
	adminui_stats_begin(&c.stats);
	for (int i = 0; i < 3; i++) {
		metrics_inc(c.workers[0], WORKER_METRIC_MESSAGES_IN);
		adminui_stats_look(&c.stats, 5000 + (uint64_t)i);
	}
	expect_message(&c, NOBODY "{\"timestamp\":5000,\"type\":\"packetsIn\",\"count\":3}" TAIL);
	for (int i = 0; i < 10; i++) {
		metrics_inc(c.workers[0], WORKER_METRIC_MESSAGES_IN);
		adminui_stats_look(&c.stats, 6000 + 1000 * (uint64_t)i);
	}
	for (int i = 0; i < ADMINUI_LOOKS; i++)
		snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted),
			"%s{\"timestamp\":%d,\"type\":\"packetsIn\",\"count\":%d}", i ? "," : "", 6000 + 1000 * i,
			i == ADMINUI_LOOKS - 1 ? 11 - ADMINUI_LOOKS : 1);
	strcat(wanted, TAIL);
	expect_message(&c, wanted);
	metrics_put(c.workers[0], WORKER_METRIC_MESSAGES_IN, 0);
	adminui_stats_look(&c.stats, 20000);
	metrics_put(c.workers[0], WORKER_METRIC_MESSAGES_IN, 2);
	adminui_stats_look(&c.stats, 21000);
	expect_message(&c, NOBODY "{\"timestamp\":21000,\"type\":\"packetsIn\",\"count\":2}" TAIL);
	close_counting(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(events),
		cmocka_unit_test(many_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
