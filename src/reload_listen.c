/* SPDX-License-Identifier: MIT */
/* Sockets, doors and workers, one after the other; see the header. */
#include "src/reload_listen.h"

#include "src/base/log.h"

#include <stdio.h>

static int
prepare_clients(struct reload_listen *l, const struct config *now, char *why)
{
	if (listeners_prepare(l->listeners, now, &l->next, why)) return -1;
	if (door_set_make(l->doors, now, &l->next, &l->set, why) == 0) {
		if (workers_open_listeners(l->workers, &l->next, &l->set, why) == 0) return 0;
		door_set_free(&l->set);
	}
	listeners_forget(&l->next);
	return -1;
}

int
reload_listen_prepare(struct reload_listen *l, const struct config *now, bool clients, bool admin, char *why)
{
	int err;

	if (clients && prepare_clients(l, now, why)) return -1;
	l->clients = clients;
	err = admin ? admin_prepare(l->admin, now->admin->text) : 0;
	if (err) {
		snprintf(why, LISTENERS_WHY_MAX, "admin: \"%s\": %s", now->admin->text, uv_strerror(err));
		reload_listen_forget(l);
		return -1;
	}
	l->of_admin = admin;
	return 0;
}

bool
reload_listen_take(struct reload_listen *l)
{
	bool moves = l->of_admin && admin_take(l->admin);

	l->of_admin = false;
	if (!l->clients) return moves;
	l->clients = false;
	workers_change_listeners(l->workers, l->listeners, &l->next, &l->set);
	if (l->set.others) log_info("event=listeners-altered count=%zu", l->set.others);
	if (listeners_replace(l->listeners, &l->next)) moves = true;
	doors_replace(l->doors, &l->set);
	return moves;
}

void
reload_listen_forget(struct reload_listen *l)
{
	if (l->of_admin) admin_forget(l->admin);
	l->of_admin = false;
	if (!l->clients) return;
	l->clients = false;
	workers_close_listeners(l->workers, &l->next);
	door_set_free(&l->set);
	listeners_forget(&l->next);
}
