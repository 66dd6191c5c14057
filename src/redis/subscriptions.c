/* SPDX-License-Identifier: MIT */
/* What is subscribed to. */
#include "src/redis/subscriptions.h"

#include "eio/check.h"
#include "src/redis/command.h"
#include "src/redis/hex.h"

#include <stdlib.h>
#include <string.h>

/* Lists */

static void
free_names(struct redis_subscription_list *l, size_t from)
{
	for (size_t i = from; i < l->n; i++) free((void *)(uintptr_t)l->v[i].name.p);
}

/* One that was not there. The list has room for it. False when out of memory. */
static bool
append_subscription(struct redis_subscription_list *l, const char *name, bool is_pattern)
{
	char *copy = strdup(name);

	if (!copy) return false;
	l->v[l->n++] = (struct redis_subscription){ .name = eio_cstr(copy), .is_pattern = is_pattern, .wanted = true };
	return true;
}

/* Number of one among the first n; n: there is none. Lists are mostly in the same order, so it begins to look where the
 * last one was found. */
static size_t
find_subscription(const struct redis_subscription_list *l, size_t n, const char *name, bool is_pattern, size_t *hint)
{
	struct eio_bytes wanted = eio_cstr(name);

	for (size_t i = 0; i < n; i++) {
		size_t at = (*hint + i) % n;
		const struct redis_subscription *one = &l->v[at];

		if (one->is_pattern != is_pattern || !eio_bytes_eq(one->name, wanted)) continue;
		*hint = at + 1;
		return at;
	}
	return n;
}

static bool
want_names(struct redis_subscription_list *l, size_t before, const char *const *names, size_t n, bool is_pattern)
{
	size_t hint = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = find_subscription(l, before, names[i], is_pattern, &hint);

		if (at < before)
			l->v[at].wanted = true;
		else if (!append_subscription(l, names[i], is_pattern))
			return false;
	}
	return true;
}

/* Room for so many commands more. */
static bool
reserve_commands(struct redis_subscriptions *s, size_t more)
{
	size_t cap = s->asked_n + more;
	size_t *asked;

	if (cap <= s->asked_cap) return true;
	asked = realloc(s->asked, cap * sizeof *asked);
	if (!asked) return false;
	s->asked = asked;
	s->asked_cap = cap;
	return true;
}

int
redis_subscriptions_prepare(struct redis_subscriptions *s, const char *const *channels, size_t n_channels,
	const char *const *patterns, size_t n_patterns)
{
	struct redis_subscription_list next = { .v = NULL };
	size_t before, most = s->all.n + n_channels + n_patterns;

	redis_subscriptions_forget(s);
	/* Each is asked for, or left, at most once for each change, and asked for again by itself. */
	if (!reserve_commands(s, 2 * most + 1)) return -1;
	next.v = calloc(most + 1, sizeof *next.v);
	if (!next.v) return -1;
	for (size_t i = 0; i < s->all.n; i++) {
		next.v[next.n++] = s->all.v[i];
		next.v[i].wanted = false;
	}
	before = next.n;
	if (want_names(&next, before, channels, n_channels, false) &&
		want_names(&next, before, patterns, n_patterns, true)) {
		s->next = next;
		return 0;
	}
	free_names(&next, before);
	free(next.v);
	return -1;
}

void
redis_subscriptions_forget(struct redis_subscriptions *s)
{
	if (!s->next.v) return;
	free_names(&s->next, s->all.n);
	free(s->next.v);
	s->next = (struct redis_subscription_list){ .v = NULL };
}

/* Those that nobody wants and no answer will name. The numbers of the others change. */
static void
drop_unwanted(struct redis_subscriptions *s)
{
	size_t n = 0;

	CHECK(!s->unanswered);
	for (size_t i = 0; i < s->all.n; i++)
		if (s->all.v[i].wanted || s->all.v[i].sent)
			s->all.v[n++] = s->all.v[i];
		else
			free((void *)(uintptr_t)s->all.v[i].name.p);
	s->all.n = n;
}

void
redis_subscriptions_commit(struct redis_subscriptions *s)
{
	CHECK(s->next.v);
	free(s->all.v);
	s->all = s->next;
	s->next = (struct redis_subscription_list){ .v = NULL };
	for (size_t i = 0; i < s->all.n; i++) {
		struct redis_subscription *one = &s->all.v[i];

		if (one->wanted) continue;
		s->refused -= one->refused;
		s->confirmed -= one->confirmed;
		one->refused = one->confirmed = one->told = false;
		one->missing_ms = 0;
	}
	if (!s->unanswered) drop_unwanted(s);
}

int
redis_subscriptions_init(struct redis_subscriptions *s, const char *const *channels, size_t n_channels,
	const char *const *patterns, size_t n_patterns)
{
	*s = (struct redis_subscriptions){ .unanswered = 0 };
	if (redis_subscriptions_prepare(s, channels, n_channels, patterns, n_patterns) == 0) {
		redis_subscriptions_commit(s);
		return 0;
	}
	free(s->asked);
	return -1;
}

void
redis_subscriptions_deinit(struct redis_subscriptions *s)
{
	redis_subscriptions_forget(s);
	free_names(&s->all, 0);
	free(s->all.v);
	free(s->asked);
	*s = (struct redis_subscriptions){ .unanswered = 0 };
}

/* Commands */

static void
note_command(struct redis_subscriptions *s, size_t i)
{
	CHECK(s->asked_n < s->asked_cap);
	s->asked[s->asked_n++] = i;
	s->all.v[i].unanswered++;
	s->returning += s->all.v[i].unanswered == 2;
	s->unanswered++;
}

static void
ask_for(struct redis_subscriptions *s, size_t i, struct eio_buf *out)
{
	s->all.v[i].sent = true;
	note_command(s, i);
	redis_command_subscribe(out, s->all.v[i].is_pattern, s->all.v[i].name);
}

static void
leave(struct redis_subscriptions *s, size_t i, struct eio_buf *out)
{
	s->all.v[i].sent = false;
	note_command(s, i);
	redis_command_unsubscribe(out, s->all.v[i].is_pattern, s->all.v[i].name);
}

/* No answer is to come any more. */
static void
forget_commands(struct redis_subscriptions *s)
{
	s->asked_at = s->asked_n = s->unanswered = s->returning = 0;
}

size_t
redis_subscriptions_ask(struct redis_subscriptions *s, struct eio_buf *out)
{
	forget_commands(s);
	s->confirmed = 0;
	for (size_t i = 0; i < s->all.n; i++) {
		s->all.v[i].confirmed = s->all.v[i].sent = false;
		s->all.v[i].unanswered = 0;
	}
	drop_unwanted(s);
	for (size_t i = 0; i < s->all.n; i++) ask_for(s, i, out);
	return s->unanswered;
}

/* First what is new: so a connection that subscribes does not stop doing so. */
size_t
redis_subscriptions_ask_changes(struct redis_subscriptions *s, struct eio_buf *out)
{
	size_t before = s->unanswered;

	for (size_t i = 0; i < s->all.n; i++)
		if (s->all.v[i].wanted && !s->all.v[i].sent && !s->all.v[i].refused) ask_for(s, i, out);
	for (size_t i = 0; i < s->all.n; i++)
		if (!s->all.v[i].wanted && s->all.v[i].sent) leave(s, i, out);
	return s->unanswered - before;
}

bool
redis_subscriptions_is_left(const struct redis_subscriptions *s, bool is_pattern, struct eio_bytes name)
{
	for (size_t i = 0; i < s->all.n; i++) {
		const struct redis_subscription *one = &s->all.v[i];

		if (one->unanswered > 1 && one->is_pattern == is_pattern && eio_bytes_eq(one->name, name)) return true;
	}
	return false;
}

void
redis_subscriptions_lost(struct redis_subscriptions *s, uint64_t since_ms)
{
	for (size_t i = 0; i < s->all.n; i++)
		if (s->all.v[i].confirmed) s->all.v[i].missing_ms = since_ms;
}

size_t
redis_subscriptions_ask_refused(struct redis_subscriptions *s, struct eio_buf *out)
{
	CHECK(!s->unanswered);
	forget_commands(s);
	for (size_t i = 0; i < s->all.n; i++)
		if (s->all.v[i].refused) ask_for(s, i, out);
	return s->unanswered;
}

struct redis_subscription *
redis_subscriptions_answered(struct redis_subscriptions *s, bool confirmed, bool *counts)
{
	struct redis_subscription *one;

	if (!s->unanswered) return NULL;
	one = &s->all.v[s->asked[s->asked_at++]];
	s->unanswered--;
	one->unanswered--;
	s->returning -= one->unanswered == 1;
	if (!s->unanswered) forget_commands(s);
	*counts = one->wanted && !one->unanswered;
	if (!*counts) return one;
	s->refused -= one->refused;
	s->confirmed -= one->confirmed;
	one->sent = one->confirmed = confirmed;
	one->refused = !confirmed;
	s->confirmed += one->confirmed;
	s->refused += one->refused;
	return one;
}

/* From one process to the next: "c" or "p", the name in hexadecimal digits, and a space, for each. */

void
redis_subscriptions_write(const struct redis_subscriptions *s, struct eio_buf *out)
{
	for (size_t i = 0; i < s->all.n; i++) {
		const struct redis_subscription *one = &s->all.v[i];

		if (!one->confirmed) continue;
		eio_buf_addc(out, one->is_pattern ? 'p' : 'c');
		redis_hex_write(one->name, out);
		eio_buf_addc(out, ' ');
	}
}

/* One that is not wanted here. Without memory it just comes, which harms nobody. */
static void
adopt_unwanted(struct redis_subscriptions *s, const char *name, bool is_pattern)
{
	struct redis_subscription *v = realloc(s->all.v, (s->all.n + 1) * sizeof *v);

	if (v) s->all.v = v;
	if (!v || !reserve_commands(s, 2 * (s->all.n + 1) + 1) || !append_subscription(&s->all, name, is_pattern))
		return;
	v[s->all.n - 1].wanted = false;
	v[s->all.n - 1].sent = true;
}

static void
adopt_subscription(struct redis_subscriptions *s, size_t wanted, const char *name, bool is_pattern, size_t *hint)
{
	size_t at = find_subscription(&s->all, wanted, name, is_pattern, hint);
	struct redis_subscription *one = &s->all.v[at];

	if (at == wanted) {
		adopt_unwanted(s, name, is_pattern);
		return;
	}
	s->confirmed += !one->confirmed;
	one->confirmed = one->sent = true;
}

void
redis_subscriptions_read(struct redis_subscriptions *s, struct eio_bytes text)
{
	size_t hint = 0, wanted = s->all.n;
	struct eio_buf name;

	CHECK(!s->unanswered);
	eio_buf_init(&name);
	while (text.n) {
		const char *end = memchr(text.p, ' ', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;

		eio_buf_clear(&name);
		if (n && (*text.p == 'p' || *text.p == 'c') && redis_hex_read(eio_bytes(text.p + 1, n - 1), &name)) {
			eio_buf_addc(&name, '\0');
			if (!eio_buf_failed(&name)) adopt_subscription(s, wanted, name.p, *text.p == 'p', &hint);
		}
		n += end != NULL;
		text = eio_bytes(text.p + n, text.n - n);
	}
	eio_buf_deinit(&name);
}
