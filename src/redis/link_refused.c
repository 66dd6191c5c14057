/* SPDX-License-Identifier: MIT */
/* What a server refuses, in words that may be logged. */
#include "src/redis/link_int.h"

#include "src/redis/command.h"
#include "src/redis/refusal.h"

#include <stdio.h>

/* What of an error may be told: it lies in out. */
const char *
redis_link__tellable(const struct redis_link *l, struct eio_bytes error, char *out, size_t out_size)
{
	const struct redis_url *u = &l->at;

	redis_refusal(error, u, u->password && l->greetings, out, out_size);
	return out;
}

void
redis_link_refuse(struct redis_link *l, struct eio_bytes text)
{
	if (!*l->refused) redis_link__tellable(l, text, l->refused, sizeof l->refused);
}

/* CLIENT SETNAME is a courtesy: old servers do not know it and an ACL may forbid it. It is the last greeting. */
static bool
is_courtesy(const struct redis_link *l, struct eio_bytes text)
{
	return l->greetings == 1 && !eio_bytes_starts(text, EIO_LIT("NOAUTH"));
}

void
redis_link__greeting_refused(struct redis_link *l, struct eio_bytes text)
{
	char error[LOG_ESCAPE_MAX];

	redis_link__tellable(l, text, error, sizeof error);
	if (is_courtesy(l, text))
		snprintf(l->said, sizeof l->said, "%s", error);
	else if (!*l->refused)
		snprintf(l->refused, sizeof l->refused, "%s refused: %s", redis_command_greeting(&l->at, l->greetings),
			error);
}
