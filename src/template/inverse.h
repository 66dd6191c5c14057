/* SPDX-License-Identifier: MIT */
/*
 * A room's template the other way round: which channel a message must have come by to go to a room. That is known where
 * the room is made of nothing but the channel and all of what is open in that:
 *
 *     channel "news"         room "news", "all", "c:{channel}"     the room is one, and so is the channel
 *     pattern "price:?*"     room "{channel}", "c:{channel}"       the channel stands in the room
 *     pattern "price:*"      room "{1}", "p-{1}"                   the room, between other texts
 *     pattern "a:*:*"        room "{1}:{2}"                        the same: with the pattern's text between its stars
 *
 * Of anything else several channels may make one room. Pure functions, any thread.
 */
#ifndef SRC_TEMPLATE_INVERSE_H
#define SRC_TEMPLATE_INVERSE_H

#include "src/template/template.h"

struct template_inverse {
	bool fixed; /* one room, and one channel */
	char *text; /* owned: what stands around the middle, which both have: of rooms, then of channels */
	size_t room_head, room_tail, channel_head, channel_tail; /* bytes of each, in this order */
	const char *pattern; /* borrowed: what channels have to match; NULL: nothing */
};

/* source: the channel, or the pattern, which is borrowed. 0; or -1 with *err, when there is no inverse or memory is
 * out: nothing is to be undone then. */
int template_inverse_init(struct template_inverse *v, const struct template *room, const char *source, bool is_pattern,
	struct template_error *err);
void template_inverse_deinit(struct template_inverse *v); /* all zero is fine */

/* Whether a room may be made of a channel: false is sure. Without memory. */
bool template_inverse_may(const struct template_inverse *v, struct eio_bytes room);

/* The one channel whose messages go to a room, appended; false when there is none. Whether out ran out of memory is for
 * the caller to check. */
bool template_inverse_find(const struct template_inverse *v, struct eio_bytes room, struct eio_buf *out);

#endif
