/* SPDX-License-Identifier: MIT */
/* What is subscribed to. Answers come in the order of the commands, which is that of the list. */
#include "src/redis/subscriptions.h"

#include "eio/check.h"
#include "src/redis/command.h"

#include <stdlib.h>

static void
add_subscriptions(struct redis_subscriptions *s, const char *const *names, size_t n, bool is_pattern)
{
	for (size_t i = 0; i < n; i++)
		s->v[s->n++] = (struct redis_subscription){ .name = eio_cstr(names[i]), .is_pattern = is_pattern };
}

int
redis_subscriptions_init(struct redis_subscriptions *s, const char *const *channels, size_t n_channels,
	const char *const *patterns, size_t n_patterns)
{
	*s = (struct redis_subscriptions){ .v = calloc(n_channels + n_patterns + 1, sizeof *s->v) };
	if (!s->v) return -1;
	add_subscriptions(s, channels, n_channels, false);
	add_subscriptions(s, patterns, n_patterns, true);
	return 0;
}

void
redis_subscriptions_deinit(struct redis_subscriptions *s)
{
	free(s->v);
	*s = (struct redis_subscriptions){ 0 };
}

static void
ask_for(struct redis_subscriptions *s, struct redis_subscription *one, struct eio_buf *out)
{
	one->asked = true;
	s->unanswered++;
	redis_command_subscribe(out, one->is_pattern, one->name);
}

size_t
redis_subscriptions_ask(struct redis_subscriptions *s, struct eio_buf *out)
{
	s->next = s->unanswered = s->confirmed = 0;
	for (size_t i = 0; i < s->n; i++) {
		s->v[i].confirmed = false;
		ask_for(s, &s->v[i], out);
	}
	return s->unanswered;
}

void
redis_subscriptions_lost(struct redis_subscriptions *s, uint64_t since_ms)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].confirmed) s->v[i].missing_ms = since_ms;
}

size_t
redis_subscriptions_ask_refused(struct redis_subscriptions *s, struct eio_buf *out)
{
	CHECK(!s->unanswered);
	s->next = 0;
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].refused) ask_for(s, &s->v[i], out);
	return s->unanswered;
}

struct redis_subscription *
redis_subscriptions_answered(struct redis_subscriptions *s, bool confirmed)
{
	struct redis_subscription *one;

	if (!s->unanswered) return NULL;
	while (!s->v[s->next].asked) s->next++;
	one = &s->v[s->next++];
	one->asked = false;
	s->unanswered--;
	s->refused -= one->refused;
	one->confirmed = confirmed;
	one->refused = !confirmed;
	s->confirmed += one->confirmed;
	s->refused += one->refused;
	return one;
}
