/* SPDX-License-Identifier: MIT */
/*
 * Rates, without timers: the state is the time up to which the events so far have used up what there is, in
 * microseconds. Each event moves it on by its share of `per`; while it is less than `per` ahead, there is room.
 */
#include "src/handlers/handlers_int.h"

bool
handlers_rate_over(const struct handlers_rate *rate, uint64_t *state, uint64_t now_ms)
{
	uint64_t now = (now_ms + 1) * 1000; /* so that no time is 0 */
	uint64_t per = (uint64_t)rate->per_ms * 1000, share = per / rate->events;

	if (*state < now) *state = now;
	if (*state - now + share > per) return true;
	*state += share;
	return false;
}

size_t
handlers_rates(const struct handlers *h)
{
	return h->n_rates;
}

bool
handlers__within_rate(struct handlers_run *r, const struct handlers_action *a)
{
	const struct handlers_call *c = r->call;

	if (!handlers_rate_over(&a->rate, &c->rates[a->to], c->now_ms)) return true;
	c->ops->over_rate(c->ctx, c->socket, a->rate.then);
	if (a->rate.then == HANDLERS_OVER_DISCONNECT) c->ops->close(c->ctx, c->socket, true);
	return a->rate.then == HANDLERS_OVER_COUNT;
}
