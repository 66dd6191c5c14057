/* SPDX-License-Identifier: MIT */
/* From the page's events to orders for workers. */
#include "src/adminui/orders.h"

#include "sio/json.h"
#include "src/base/log.h"
#include "src/feed/sending.h"

#include <string.h>

/* One, taken apart. */
struct page_order {
	struct eio_bytes json; /* all of it */
	struct eio_bytes second, third; /* arguments behind the namespace, raw; empty: not there */
	struct eio_buf nsp, filter, room; /* owned; of the filter nothing: everybody */
};

static bool
take_text(struct eio_bytes json, struct eio_buf *out)
{
	if (!json.n || sio_json_kind(json) != SIO_JSON_STRING) return false;
	sio_json_unescape(out, json);
	return !eio_buf_failed(out);
}

/* Nothing, or a text; an empty one means nothing, as in JavaScript. */
static bool
take_filter(struct eio_bytes json, struct eio_buf *out)
{
	return !json.n || sio_json_kind(json) == SIO_JSON_NULL || take_text(json, out);
}

static struct audience
audience_of(const struct page_order *o, struct eio_bytes *room)
{
	*room = eio_buf_bytes(&o->filter);
	return (struct audience){ .nsp = eio_buf_bytes(&o->nsp), .rooms = room, .n_rooms = o->filter.n ? 1 : 0 };
}

static void
note_order(const struct page_order *o, const char *name)
{
	log_info("event=admin-ui-order order=%s nsp=\"%s\" room=\"%s\" for=\"%s\"", name,
		LOG_ESCAPE(eio_buf_bytes(&o->nsp)), LOG_ESCAPE(eio_buf_bytes(&o->room)),
		LOG_ESCAPE(eio_buf_bytes(&o->filter)));
}

static void
order_rooms(struct feed *f, struct page_order *o, enum feed_move_kind kind)
{
	struct eio_bytes filter, room;
	struct audience who, rooms;

	if (!take_text(o->second, &o->room) || !take_filter(o->third, &o->filter)) return;
	note_order(o, kind == FEED_MOVE_JOIN ? "join" : "leave");
	who = audience_of(o, &filter);
	room = eio_buf_bytes(&o->room);
	rooms = (struct audience){ .nsp = who.nsp, .rooms = &room, .n_rooms = 1 };
	(void)feed_order(f, kind, &who, &rooms);
}

static void
order_end(struct feed *f, struct page_order *o)
{
	bool whole = o->second.n && sio_json_kind(o->second) == SIO_JSON_TRUE;
	struct eio_bytes filter;
	struct audience who;

	if (!take_filter(o->third, &o->filter)) return;
	note_order(o, whole ? "close" : "disconnect");
	who = audience_of(o, &filter);
	(void)feed_order(f, whole ? FEED_MOVE_CLOSE : FEED_MOVE_DISCONNECT, &who, NULL);
}

/* What is to be emitted is the rest of the list. */
static void
order_emit(struct feed *f, struct page_order *o)
{
	struct feed_posted event = { .is_event = true, .nsp = eio_buf_bytes(&o->nsp) };
	struct eio_bytes whole = sio_json_trim(o->json);
	struct eio_buf list = { 0 }, rooms = { 0 };

	if (!o->third.n || sio_json_kind(o->third) != SIO_JSON_STRING || !take_filter(o->second, &o->filter)) return;
	eio_buf_addc(&list, '[');
	eio_buf_append(&list, o->third.p, (size_t)(whole.p + whole.n - o->third.p));
	if (o->filter.n) {
		size_t begun = feed_names_begin(&rooms);

		eio_buf_add(&rooms, eio_buf_bytes(&o->filter));
		feed_names_end(&rooms, begun);
	}
	event.payload = eio_buf_bytes(&list);
	event.everyone = !o->filter.n;
	event.rooms = eio_buf_bytes(&rooms);
	if (!eio_buf_failed(&list) && !eio_buf_failed(&rooms)) {
		note_order(o, "emit");
		(void)feed_send(f, &event);
	}
	eio_buf_deinit(&list);
	eio_buf_deinit(&rooms);
}

void
adminui_order(struct feed *f, struct eio_bytes json)
{
	struct sio_json_iter it = sio_json_iter(json);
	struct page_order o = { .json = json };
	struct eio_bytes name, nsp;

	if (!sio_json_next(&it, NULL, &name) || !sio_json_next(&it, NULL, &nsp)) return;
	if (sio_json_next(&it, NULL, &o.second)) (void)sio_json_next(&it, NULL, &o.third);
	if (take_text(nsp, &o.nsp) && o.nsp.n && o.nsp.p[0] == '/') {
		if (sio_json_string_eq(name, EIO_LIT("join")))
			order_rooms(f, &o, FEED_MOVE_JOIN);
		else if (sio_json_string_eq(name, EIO_LIT("leave")))
			order_rooms(f, &o, FEED_MOVE_LEAVE);
		else if (sio_json_string_eq(name, EIO_LIT("_disconnect")))
			order_end(f, &o);
		else if (sio_json_string_eq(name, EIO_LIT("emit")))
			order_emit(f, &o);
	}
	eio_buf_deinit(&o.nsp);
	eio_buf_deinit(&o.filter);
	eio_buf_deinit(&o.room);
}
