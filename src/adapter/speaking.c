/* SPDX-License-Identifier: MIT */
/* What was put into words, on its way to Redis. */
#include "src/adapter/adapter_int.h"

#include <stdio.h>

struct adapter_voice
adapter__voice(const struct adapter *a, enum adapter_dialect dialect)
{
	return (struct adapter_voice){
		.dialect = dialect,
		.rooms = (enum adapter_rooms_mode)a->options.spec->rooms_mode,
		.key = eio_cstr(a->options.spec->key),
		.uid = eio_cstr(a->uids[dialect]),
	};
}

bool
adapter__publish(struct adapter *a, enum adapter_dialect dialect)
{
	const struct adapter_outgoing *o = &a->outgoing;
	const struct eio_bytes words[] = { dialect == ADAPTER_SHARDED ? EIO_LIT("SPUBLISH") : EIO_LIT("PUBLISH"),
		eio_buf_bytes(&o->channel), eio_buf_bytes(&o->payload) };

	if (!a->publisher || adapter_outgoing_failed(o)) return false;
	if (a->spublisher && dialect == ADAPTER_SHARDED)
		return redis_spublisher_publish(a->spublisher, words[1], words[2]) == 0;
	return redis_publisher_command(a->publisher, words, sizeof words / sizeof words[0]) == 0;
}

bool
adapter__add_entry(struct adapter *a, struct eio_bytes nsp)
{
	const struct adapter_outgoing *o = &a->outgoing;
	char most[24];
	const struct eio_bytes words[] = { EIO_LIT("XADD"), eio_buf_bytes(&o->channel), EIO_LIT("MAXLEN"), EIO_LIT("~"),
		{ most, (size_t)snprintf(most, sizeof most, "%zu", a->options.spec->stream_entries) }, EIO_LIT("*"),
		EIO_LIT("uid"), eio_cstr(a->uids[ADAPTER_STREAMS]), EIO_LIT("nsp"), nsp, EIO_LIT("type"), EIO_LIT("3"),
		EIO_LIT("data"), eio_buf_bytes(&o->payload) };

	if (!a->publisher || adapter_outgoing_failed(o)) return false;
	return redis_publisher_command(a->publisher, words, sizeof words / sizeof words[0]) == 0;
}
