/* SPDX-License-Identifier: MIT */
/* A configuration from text. */
#include "tests/unit/configured.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
on_configured_report(void *user, const struct config_report *r)
{
	(void)user;
	if (!r->warning) fail_msg("%s", r->text);
}

struct config *
configured(const char *text)
{
	struct config *c = config_load_text("test", eio_cstr(text), NULL, on_configured_report, NULL);

	assert_non_null(c);
	return c;
}
