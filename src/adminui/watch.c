/* SPDX-License-Identifier: MIT */
/* The queue, and the list of all sockets. */
#include "src/adminui/watch.h"

#include "eio/list.h"
#include "src/adminui/orders.h"
#include "src/feed/sending.h"

#include <stdlib.h>

static void
send_to_page(struct adminui_watch *w, struct eio_bytes list, struct eio_bytes rooms)
{
	const struct feed_posted event = {
		.is_event = true, .payload = list, .nsp = eio_cstr(w->line.nsp), .everyone = !rooms.n, .rooms = rooms
	};

	(void)feed_send(w->feed, &event);
}

/* The list goes to who has come. */
static void
end_list(struct adminui_watch *w)
{
	struct eio_buf rooms = { 0 };
	size_t begun = feed_names_begin(&rooms);

	eio_buf_add(&rooms, eio_buf_bytes(&w->who));
	feed_names_end(&rooms, begun);
	EIO_BUF_ADD_LIT(&w->list, "]]");
	if (!eio_buf_failed(&w->list) && !eio_buf_failed(&rooms))
		send_to_page(w, eio_buf_bytes(&w->list), eio_buf_bytes(&rooms));
	eio_buf_deinit(&rooms);
	eio_buf_deinit(&w->list);
	eio_buf_deinit(&w->who);
}

static void
begin_list(struct adminui_watch *w, struct eio_bytes id)
{
	const struct audience all = { .nsp = eio_cstr(w->line.nsp) };
	const struct feed_survey like = { .number = ++w->number, .answers = &w->answers };

	eio_buf_add(&w->who, id);
	EIO_BUF_ADD_LIT(&w->list, "[\"all_sockets\",[");
	w->some = false;
	w->left = eio_buf_failed(&w->who) ? 0 : feed_survey(w->feed, FEED_MOVE_EVERYBODY, &all, &like, NULL);
	if (!w->left) end_list(w);
}

/* What waits goes on, as far as it may. */
static void
drain_told(struct adminui_watch *w)
{
	enum ui_item kind;
	struct eio_bytes bytes;

	while (w->first && !w->left) {
		struct ui_told *t = EIO_CONTAINER(w->first, struct ui_told, mail);

		if (!w->closed && ui_told_next(t, &w->at, &kind, &bytes)) {
			switch (kind) {
			case UI_ITEM_EVENT: send_to_page(w, bytes, eio_bytes("", 0)); break;
			case UI_ITEM_CAME: begin_list(w, bytes); break;
			case UI_ITEM_ORDER: adminui_order(w->feed, bytes); break;
			}
			continue;
		}
		w->first = t->mail.next;
		if (!w->first) w->last = &w->first;
		w->at = 0;
		ui_told_free(&w->line, t);
	}
}

static void
take_ui_told(void *user, struct mail *run)
{
	struct adminui_watch *w = user;

	*w->last = run;
	while (*w->last) w->last = &(*w->last)->next;
	drain_told(w);
}

static void
take_ui_answers(void *user, struct mail *run)
{
	struct adminui_watch *w = user;
	struct mail *next;

	for (struct mail *m = run; m; m = next) {
		struct feed_answer *a = EIO_CONTAINER(m, struct feed_answer, mail);

		next = m->next;
		if (!w->closed && w->left && a->survey == w->number) {
			if (a->n && w->some) eio_buf_addc(&w->list, ',');
			w->some |= a->n > 0;
			eio_buf_add(&w->list, eio_buf_bytes(&a->json));
			if (--w->left == 0) end_list(w);
		}
		feed_answer_free(a);
	}
	drain_told(w);
}

void
adminui_watch_init(struct adminui_watch *w, struct feed *feed, struct mailbox *mailbox)
{
	w->feed = feed;
	w->last = &w->first;
	w->line.told = (struct mail_port){ mailbox, take_ui_told, w };
	w->answers = (struct mail_port){ mailbox, take_ui_answers, w };
}

void
adminui_watch_close(struct adminui_watch *w)
{
	w->closed = true;
	w->left = 0;
	drain_told(w);
}

void
adminui_watch_deinit(struct adminui_watch *w)
{
	eio_buf_deinit(&w->list);
	eio_buf_deinit(&w->who);
}
