/* SPDX-License-Identifier: MIT */
/* Noting what the Admin UI is told. */
#include "src/clients/ui.h"

#include "sio/event.h"
#include "sio/json.h"
#include "sio/packet.h"
#include "src/base/clock.h"
#include "src/clients/clients_int.h"
#include "src/clients/describe.h"
#include "src/feed/interest.h"

#include <stdlib.h>
#include <time.h>

/* Before each item. */
struct ui_head {
	enum ui_item kind;
	size_t n;
};

/* What is on its way */

bool
ui_told_next(const struct ui_told *told, size_t *at, enum ui_item *kind, struct eio_bytes *bytes)
{
	struct ui_head head;

	if (*at == told->items.n) return false;
	memcpy(&head, told->items.p + *at, sizeof head);
	*kind = head.kind;
	*bytes = eio_bytes(told->items.p + *at + sizeof head, head.n);
	*at += sizeof head + head.n;
	return true;
}

void
ui_told_free(struct ui_line *line, struct ui_told *told)
{
	atomic_fetch_sub_explicit(&line->bytes, told->cost, memory_order_relaxed);
	eio_buf_deinit(&told->items);
	free(told);
}

/* One item, which is written to items between these. NULL: there is no room. */
static struct eio_buf *
begin_ui_item(struct clients *c, size_t *at)
{
	struct ui *u = &c->ui;
	struct ui_told *t = u->told;
	size_t waiting = t ? t->items.n : 0;

	if (atomic_load_explicit(&u->line->bytes, memory_order_relaxed) + waiting < UI_LINE_BYTES && !t)
		t = u->told = calloc(1, sizeof *t);
	if (!t || waiting >= UI_LINE_BYTES) {
		clients__count(c, CLIENTS_METRIC_UI_DROPPED);
		return NULL;
	}
	*at = t->items.n;
	eio_buf_append(&t->items, (const char *)&(struct ui_head){ UI_ITEM_EVENT, 0 }, sizeof(struct ui_head));
	return &t->items;
}

static void
end_ui_item(struct clients *c, size_t at, enum ui_item kind)
{
	struct eio_buf *items = &c->ui.told->items;
	struct ui_head head = { kind, items->n - at - sizeof head };

	if (!eio_buf_failed(items)) {
		memcpy(items->p + at, &head, sizeof head);
		return;
	}
	/* What stood before it is lost, too: memory is out. */
	eio_buf_deinit(items);
	free(c->ui.told);
	c->ui.told = NULL;
	clients__count(c, CLIENTS_METRIC_UI_DROPPED);
}

void
ui_turn(struct clients *c)
{
	struct ui_told *t = c->ui.told;

	if (!t) return;
	c->ui.told = NULL;
	t->cost = sizeof *t + t->items.n;
	atomic_fetch_add_explicit(&c->ui.line->bytes, t->cost, memory_order_relaxed);
	mail_post(&c->ui.line->told, &t->mail);
}

/* Beginning and end */

int
ui_open(struct clients *c)
{
	struct ui *u = &c->ui;

	u->line = c->options.ui;
	if (!u->line || !u->line->watches) return 0;
	u->watchers = interest_get(c->options.interest, sio_room_everyone(eio_cstr(u->line->nsp)));
	return u->watchers ? 0 : -1;
}

void
ui_close(struct clients *c)
{
	struct ui *u = &c->ui;

	if (u->told) {
		eio_buf_deinit(&u->told->items);
		free(u->told);
	}
	interest_unref(u->watchers);
}

/* Whether somebody wants to know what happens. */
static bool
is_watched(const struct clients *c)
{
	return c->ui.watchers && interest_workers(c->ui.watchers) && !c->stopping;
}

/* Its clients */

void
ui_config(const struct clients *c, struct eio_buf *out)
{
	const struct ui_line *l = c->ui.line;

	EIO_BUF_ADD_LIT(out, "[\"config\",{\"supportedFeatures\":[");
	if (l->orders)
		EIO_BUF_ADD_LIT(
			out, "\"EMIT\",\"JOIN\",\"LEAVE\",\"DISCONNECT\",\"MJOIN\",\"MLEAVE\",\"MDISCONNECT\",");
	EIO_BUF_ADD_LIT(out, "\"AGGREGATED_EVENTS\"");
	if (l->watches) EIO_BUF_ADD_LIT(out, ",\"ALL_EVENTS\"");
	EIO_BUF_ADD_LIT(out, "]}]");
}

void
ui_came(struct sio_socket *s)
{
	struct clients *c = client_of(s)->clients;
	struct eio_buf *out;
	size_t at;

	if (!c->ui.line->watches || !(out = begin_ui_item(c, &at))) return;
	eio_buf_add(out, sio_socket_id(s));
	end_ui_item(c, at, UI_ITEM_CAME);
}

void
ui_order(const struct sio_event *ev)
{
	struct clients *c = client_of(ev->socket)->clients;
	struct eio_buf *out;
	size_t at;

	if (!c->ui.line->orders || ev->n_attachments || !(out = begin_ui_item(c, &at))) return;
	eio_buf_add(out, ev->data);
	end_ui_item(c, at, UI_ITEM_ORDER);
}

/* Events: ["name", … ,"date"] */

/* As Date's toJSON() has it. */
static void
add_date(struct eio_buf *out)
{
	uint64_t now_ms = clock_wall_ms();
	time_t seconds = (time_t)(now_ms / 1000);
	char text[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	eio_buf_printf(out, ",\"%s.%03uZ\"]", text, (unsigned)(now_ms % 1000));
}

/* The beginning of one about a socket: ["name","nsp" . NULL: nobody wants it. */
static struct eio_buf *
begin_ui_event(struct clients *c, const char *name, struct eio_bytes nsp, size_t *at)
{
	struct eio_buf *out = is_watched(c) ? begin_ui_item(c, at) : NULL;

	if (!out) return NULL;
	eio_buf_printf(out, "[\"%s\"", name);
	if (!nsp.p) return out;
	eio_buf_addc(out, ',');
	sio_json_escape(out, nsp);
	return out;
}

static void
end_ui_event(struct clients *c, size_t at)
{
	add_date(&c->ui.told->items);
	end_ui_item(c, at, UI_ITEM_EVENT);
}

void
ui_connected(struct sio_socket *s)
{
	struct clients *c = client_of(s)->clients;
	size_t at;
	struct eio_buf *out = begin_ui_event(c, "socket_connected", eio_bytes(NULL, 0), &at);

	if (!out) return;
	eio_buf_addc(out, ',');
	describe_for_ui(s, out);
	end_ui_event(c, at);
}

/* ["name","nsp","id",<more>,"date"]; more: JSON, with the comma, of before the id or behind it. */
static void
tell_of_socket(const struct sio_socket *s, const char *name, struct eio_bytes before, struct eio_bytes behind)
{
	struct clients *c = client_of(s)->clients;
	size_t at;
	struct eio_buf *out = begin_ui_event(c, name, sio_socket_nsp(s), &at);

	if (!out) return;
	eio_buf_add(out, before);
	eio_buf_addc(out, ',');
	sio_json_escape(out, sio_socket_id(s));
	eio_buf_add(out, behind);
	end_ui_event(c, at);
}

/* A comma and a string. */
static struct eio_buf
string_behind_comma(struct eio_bytes text)
{
	struct eio_buf b = { 0 };

	eio_buf_addc(&b, ',');
	sio_json_escape(&b, text);
	return b;
}

void
ui_disconnected(struct sio_socket *s, const char *reason)
{
	struct eio_buf why;

	if (!is_watched(client_of(s)->clients)) return;
	why = string_behind_comma(eio_cstr(reason));
	if (!eio_buf_failed(&why)) tell_of_socket(s, "socket_disconnected", eio_bytes("", 0), eio_buf_bytes(&why));
	eio_buf_deinit(&why);
}

static void
tell_of_room(struct sio_socket *s, const char *name, struct sio_room_key key)
{
	struct eio_buf room;

	if (key.everyone || key.aside || !is_watched(client_of(s)->clients)) return;
	room = string_behind_comma(key.name);
	if (!eio_buf_failed(&room)) tell_of_socket(s, name, eio_buf_bytes(&room), eio_bytes("", 0));
	eio_buf_deinit(&room);
}

void
ui_joined(struct sio_socket *s, struct sio_room_key key)
{
	tell_of_room(s, "room_joined", key);
}

void
ui_left(struct sio_socket *s, struct sio_room_key key)
{
	tell_of_room(s, "room_left", key);
}

void
ui_left_all(struct sio_socket *s)
{
	const struct eio_list *at = NULL;
	const struct sio_room_key *key;

	if (!is_watched(client_of(s)->clients)) return;
	while ((key = sio_member_next_room(&s->member, &at))) tell_of_room(s, "room_left", *key);
}

/* Not of the Admin UI's own. */
static void
tell_of_args(const struct sio_socket *s, const char *name, struct eio_bytes args)
{
	struct eio_buf text = { 0 };

	eio_buf_addc(&text, ',');
	eio_buf_add(&text, args);
	if (!eio_buf_failed(&text)) tell_of_socket(s, name, eio_bytes("", 0), eio_buf_bytes(&text));
	eio_buf_deinit(&text);
}

static bool
is_watched_socket(const struct sio_socket *s)
{
	return is_watched(client_of(s)->clients) && !client_socket_of(s)->namespace->is_ui;
}

void
ui_received(const struct sio_event *ev)
{
	if (is_watched_socket(ev->socket)) tell_of_args(ev->socket, "event_received", ev->data);
}

void
ui_sent(struct sio_socket *s, const struct eio_bundle *b)
{
	struct eio_message message;
	struct sio_packet packet;

	if (!b || !is_watched_socket(s)) return;
	if (!eio_bundle_message(b, 0, &message) || sio_packet_decode(message.data, &packet)) return;
	if (packet.type == SIO_PACKET_EVENT || packet.type == SIO_PACKET_BINARY_EVENT)
		tell_of_args(s, "event_sent", packet.data);
}

void
ui_upgraded(struct client *client)
{
	struct clients *c = client->clients;

	for (struct eio_list *l = client->sio.sockets.next; l != &client->sio.sockets; l = l->next) {
		const struct sio_socket *s = EIO_CONTAINER(l, struct sio_socket, link);
		size_t at;
		struct eio_buf *out = begin_ui_event(c, "socket_updated", eio_bytes(NULL, 0), &at);

		if (!out) return;
		EIO_BUF_ADD_LIT(out, ",{\"id\":");
		sio_json_escape(out, sio_socket_id(s));
		EIO_BUF_ADD_LIT(out, ",\"nsp\":");
		sio_json_escape(out, sio_socket_nsp(s));
		eio_buf_printf(out, ",\"transport\":\"%s\"}]", eio_socket_transport(client->eio));
		end_ui_item(c, at, UI_ITEM_EVENT);
	}
}
