/* SPDX-License-Identifier: MIT */
/* Errors of the server, made fit for the log. */
#include "src/redis/refusal.h"

#include "src/base/log.h"

#include <stdio.h>

/* What Redis says to AUTH, or before it hangs up: beginnings that hold nothing of ours, longer ones first. */
static const char *const known[] = {
	"WRONGPASS invalid username-password pair",
	"ERR invalid password",
	"ERR AUTH <password> called without any password configured",
	"ERR Client sent AUTH, but no password is set",
	"ERR wrong number of arguments for 'auth' command",
	"ERR unknown command",
	"ERR max number of clients",
	"ERR DB index is out of range",
	"ERR",
	"DENIED Redis is running in protected mode",
	"DENIED",
	"NOPERM",
	"NOAUTH Authentication required",
	"NOAUTH",
	"BUSY",
	"LOADING",
	"MASTERDOWN",
};

static const char *
known_words(struct eio_bytes error)
{
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (eio_bytes_starts(error, eio_cstr(known[i]))) return known[i];
	return "an error";
}

static bool
holds_password(struct eio_bytes error, const char *password)
{
	return password && *password && error.n && memmem(error.p, error.n, password, strlen(password));
}

void
redis_refusal(struct eio_bytes error, const struct redis_url *u, bool answers_auth, char *out, size_t out_size)
{
	if (answers_auth || holds_password(error, u->password))
		snprintf(out, out_size, "%s", known_words(error));
	else
		log_escape(error, out, out_size);
}
