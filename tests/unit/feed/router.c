/* SPDX-License-Identifier: MIT */
/* A router with workers that keep what they are given. */
#include "tests/unit/feed/router.h"

static void
take_delivery(void *user, struct mail *run)
{
	struct rig_worker *w = user;

	assert_null(run->next);
	assert_true(w->n < 64);
	w->got[w->n++] = EIO_CONTAINER(run, struct delivery, mail);
}

struct rig *
rig_new(const char *config)
{
	struct rig *r = calloc(1, sizeof *r);

	assert_non_null(r);
	r->config = configured(config);
	r->interest = interest_table_new();
	assert_int_equal(metrics_set_init(&r->metrics), 0);
	r->options = (struct feed_options){ .interest = r->interest, .metrics = &r->metrics };
	config_fill_feed(r->config, &r->options);
	r->options.workers = 4;
	assert_int_equal(feed_out_init(&r->out, &r->options), 0);
	for (unsigned w = 0; w < 4; w++) {
		r->workers[w].port = (struct mail_port){ .take = take_delivery, .user = &r->workers[w] };
		r->out.workers[w] = &r->workers[w].port;
	}
	assert_int_equal(feed_router_init(&r->router, &r->options, &r->out), 0);
	return r;
}

void
give_back(struct rig *r)
{
	for (unsigned w = 0; w < 4; w++) {
		for (size_t i = 0; i < r->workers[w].n; i++) delivery_free(r->workers[w].got[i]);
		r->workers[w].n = 0;
	}
}

void
leave(struct rig *r, unsigned w, const char *nsp, const char *room)
{
	struct eio_bytes name = room ? eio_cstr(room) : EIO_LIT("");

	interest_clear(r->interest, w, room ? sio_room_named(eio_cstr(nsp), name) : sio_room_everyone(eio_cstr(nsp)));
}

void
rig_free(struct rig *r)
{
	give_back(r);
	for (size_t i = 0; i < r->n_listening; i++)
		leave(r, r->listening[i].w, r->listening[i].nsp, r->listening[i].room);
	feed_router_deinit(&r->router);
	feed_out_deinit(&r->out);
	metrics_set_deinit(&r->metrics);
	interest_table_free(r->interest);
	config_free(r->config);
	free(r);
}

void
listen_to(struct rig *r, unsigned w, const char *nsp, const char *room)
{
	struct eio_bytes name = room ? eio_cstr(room) : EIO_LIT("");

	assert_int_equal(interest_set(r->interest, w,
				 room ? sio_room_named(eio_cstr(nsp), name) : sio_room_everyone(eio_cstr(nsp))),
		0);
	assert_true(r->n_listening < 8);
	r->listening[r->n_listening].w = w;
	r->listening[r->n_listening].nsp = nsp;
	r->listening[r->n_listening++].room = room;
}

void
message(struct rig *r, const char *pattern, const char *channel, const char *payload, uint64_t now)
{
	struct message m = {
		.kind = pattern ? MESSAGE_OF_PATTERN : MESSAGE_OF_CHANNEL,
		.name = eio_cstr(pattern ? pattern : channel),
		.channel = eio_cstr(channel),
		.payload = eio_cstr(payload),
		.now_ms = now,
	};

	feed_router_message(&r->router, &m);
}

uint64_t
count(struct rig *r, enum feed_metric m)
{
	return metrics_sum(&r->metrics, &feed_metrics, m);
}

void
expect(const struct rig *r, unsigned w, size_t d, size_t i, const char *wire)
{
	struct eio_block *b;

	assert_true(d < r->workers[w].n && i < r->workers[w].got[d]->n);
	b = eio_bundle_wire(r->workers[w].got[d]->items[i].bundle, EIO_WIRE_POLLING);
	assert_non_null(b);
	if (!eio_bytes_eq(eio_bytes(b->data, b->n), eio_cstr(wire))) fail_msg("%.*s", (int)b->n, b->data);
}
