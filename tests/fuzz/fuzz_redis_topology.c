/* SPDX-License-Identifier: MIT */
/* Any error, in a line, and behind it any answer to CLUSTER SLOTS: what is made of them stays within its bounds, and an
 * answer is taken as a whole or not at all. */
#include "src/redis/reader.h"
#include "src/redis/topology.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STRING_BYTES = 300, REPLY_BYTES = 8000 };

static void
check_redirect(struct eio_bytes error)
{
	struct redis_redirect r = redis_redirect_read(error);

	if (r.slot >= REDIS_SLOTS || r.port > 65535 || redis_slot(error) >= REDIS_SLOTS) abort();
	if (r.host.n && (r.host.p < error.p || r.host.p + r.host.n > error.p + error.n)) abort();
	if (r.kind != REDIS_REDIRECT_MOVED && r.kind != REDIS_REDIRECT_ASK && (r.port || r.host.n)) abort();
}

static void
check_topology(const struct redis_topology *t, const char *why)
{
	size_t known = 0;

	if (t->n > REDIS_TOPOLOGY_NODES) abort();
	for (unsigned i = 0; i < REDIS_SLOTS; i++) {
		const struct redis_node *node = redis_topology_owner(t, i);

		known += node != NULL;
		if (node && (!*node->host || !node->port || node->port > 65535)) abort();
	}
	if (!known != (why != NULL)) abort();
	if (!redis_topology_is_same(t, t)) abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes rest = eio_bytes((const char *)data, size);
	const char *line = size ? memchr(data, '\n', size) : NULL;
	struct redis_reader *r = redis_reader_new(STRING_BYTES);
	struct redis_topology t;
	struct redis_event event;
	enum redis_read got;

	if (line) {
		check_redirect(eio_bytes(rest.p, (size_t)(line - rest.p)));
		rest = eio_bytes(line + 1, size - (size_t)(line + 1 - rest.p));
	}
	if (!r || redis_topology_init(&t) < 0) abort();
	redis_reader_expect_values(r, REPLY_BYTES);
	redis_reader_feed(r, rest);
	while ((got = redis_reader_next(r, &event)) != REDIS_READ_NONE && got != REDIS_READ_ERROR)
		if (got == REDIS_READ_REPLY) check_topology(&t, redis_topology_read(&t, event.values, "h"));
	redis_reader_free(r);
	redis_topology_deinit(&t);
	return 0;
}
