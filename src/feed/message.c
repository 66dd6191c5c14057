/* SPDX-License-Identifier: MIT */
/* Facts about a message. JSON is UTF-8, so a yes to the one answers the other, and so does a no the other way round. */
#include "src/feed/message.h"

#include "eio/utf8.h"
#include "sio/json.h"

bool
message_is_json(struct message *m)
{
	if (m->json == MESSAGE_FACT_UNKNOWN && m->utf8 != MESSAGE_FACT_NO && sio_json_check(m->payload) == 0)
		m->json = m->utf8 = MESSAGE_FACT_YES;
	else if (m->json == MESSAGE_FACT_UNKNOWN)
		m->json = MESSAGE_FACT_NO;
	return m->json == MESSAGE_FACT_YES;
}

bool
message_is_utf8(struct message *m)
{
	if (m->utf8 == MESSAGE_FACT_UNKNOWN) m->utf8 = eio_utf8_valid(m->payload) ? MESSAGE_FACT_YES : MESSAGE_FACT_NO;
	return m->utf8 == MESSAGE_FACT_YES;
}
