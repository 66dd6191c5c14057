/* SPDX-License-Identifier: MIT */
/*
 * A connection goes to another process as its descriptor, what was read of it, and the address that its client has
 * connected to: by that the other one knows how it is to be served.
 */
#include "src/worker/joining.h"

#include "eio/list.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct join_mail {
	struct mail mail;
	struct eio_leaver leaver; /* its descriptor is owned, and it has a reference to its door */
	char bytes[]; /* the subject, and what it has said */
};

void
joining_leave(void *user, const struct eio_leaver *l)
{
	struct worker *w = user;
	struct workers *ws = w->shared;

	CHECK_MAGIC(w, WORKER_MAGIC);
	ws->leave(ws->leave_user, l, eio_httpd_door_name(l->door));
}

static void
take_joins(void *user, struct mail *run)
{
	struct worker *w = user;
	struct mail *next;

	CHECK_MAGIC(w, WORKER_MAGIC);
	for (struct mail *m = run; m; m = next) {
		struct join_mail *j = EIO_CONTAINER(m, struct join_mail, mail);

		next = m->next;
		if (w->draining)
			close(j->leaver.fd);
		else
			eio_httpd_join(w->httpd, &j->leaver);
		eio_httpd_door_unref(j->leaver.door);
		free(j);
	}
}

void
joining_open(struct worker *w)
{
	w->joins = worker__port(w, take_joins);
}

bool
workers_join(struct workers *ws, const struct eio_leaver *l, const char *address)
{
	struct worker *w = ws->all[ws->joined++ % ws->n];
	struct join_mail *j = malloc(sizeof *j + l->begun.n + l->subject.n);
	struct eio_httpd_door *door = NULL;

	if (!j || (ws->doors && !doors_find(ws->doors, address, &door))) {
		free(j);
		close(l->fd);
		return false;
	}
	j->leaver = *l;
	j->leaver.door = eio_httpd_door_ref(door);
	j->leaver.subject.p = j->bytes;
	j->leaver.begun.p = j->bytes + l->subject.n;
	if (l->subject.n) memcpy(j->bytes, l->subject.p, l->subject.n);
	if (l->begun.n) memcpy(j->bytes + l->subject.n, l->begun.p, l->begun.n);
	mail_post(&w->joins, &j->mail);
	return true;
}
