/* SPDX-License-Identifier: MIT */
/* The rules about the siocast that runs, and its feeds: what they did since its start. */
#include "src/tools/findings_int.h"

#include <stdio.h>

/* Whether it had messages and sent none of them; else there is nothing to say. */
static bool
sent_nothing(const struct running_feed *f)
{
	return f->batches == 0 && f->filtered + f->unheard > 0;
}

static void
find_filter(const struct running_feed *f, const struct findings_teller *t)
{
	findings__tell(t, FINDING_WARN,
		"siocast explain CHANNEL MESSAGE says at which member: in \"where\" a number is no string, and a pointer begins "
		"with a slash",
		"feeds[%zu] has sent nothing: \"where\" was against all of its %llu messages", f->index,
		U(f->filtered));
}

/* Clients of a hub's edges are not known here: there may be some. */
static void
find_audience(const struct running_facts *r, const struct running_feed *f, const struct findings_teller *t)
{
	static const char connect[] = "let a page connect, in the namespace of the feed";
	static const char join[] =
		"a page has to ask, after each connect, by an event for which there is a handler with \"join\"; "
		"siocast explain CHANNEL MESSAGE names the room";
	char where[64] = "are connected";

	if (r->edges) snprintf(where, sizeof where, "are connected here, and %llu edges", U(r->edges));
	findings__tell(t, FINDING_WARN, f->rooms && (r->clients || r->edges) ? join : connect,
		"feeds[%zu] has sent nothing: nobody was there for any of its %llu messages; %llu clients %s", f->index,
		U(f->unheard), U(r->clients), where);
}

/* How many of them have something wrong. */
static size_t
find_running_feed(const struct running_facts *r, const struct running_feed *f, const struct findings_teller *t)
{
	bool silent = sent_nothing(f);

	if (silent && !f->unheard) find_filter(f, t);
	if (silent && f->unheard) find_audience(r, f, t);
	if (f->dropped)
		findings__tell(t, FINDING_WARN,
			"siocast explain CHANNEL MESSAGE with one of them says which part of the feed it is against",
			"feeds[%zu] could not send %llu messages (reason %s)", f->index, U(f->dropped), f->reason);
	return silent || f->dropped;
}

/* An edge has no feeds: what comes has been through those of its hub. */
static void
find_batches(const struct running_facts *f, const struct findings_teller *t)
{
	if (f->messages)
		findings__tell(t, FINDING_OK, NULL, "%llu batches have come from its hub since it was started",
			U(f->messages));
	else
		findings__tell(t, FINDING_OK, NULL, "no batch has come from its hub since it was started");
}

static void
find_messages(const struct running_facts *f, const struct findings_teller *t)
{
	size_t wrong = 0;

	for (size_t i = 0; i < f->n; i++) wrong += find_running_feed(f, &f->feeds[i], t);
	if (!f->messages)
		findings__tell(t, FINDING_OK, NULL, "no message has come since it was started");
	else if (!wrong)
		findings__tell(t, FINDING_OK, NULL, "%llu messages have come, and each feed that had some has sent",
			U(f->messages));
}

void
running_findings(const struct running_facts *f, finding_fn emit, void *user)
{
	const struct findings_teller t = { emit, user, "siocast" }, feeds = { emit, user, "feeds" };

	if (f->away) {
		findings__tell(&t, FINDING_WARN,
			"start it, or let \"admin\" say where the one that runs has its admin port; until then nothing is known of its "
			"feeds",
			"%s, \"admin\": %s", f->name, f->away);
		return;
	}
	findings__tell(&t, FINDING_OK, NULL, "one runs, and answers at %s", f->name);
	if (f->edge)
		find_batches(f, &t);
	else
		find_messages(f, &feeds);
}
