/* SPDX-License-Identifier: MIT */
/* The path of the value at hand, and the mistakes. */
#include "src/handlers/mistake.h"

#include <stdarg.h>
#include <stdio.h>

static void
path_add(struct handlers_compiler *c, char ch)
{
	if (c->failed || c->path_n + 1 >= sizeof c->err.path) return;
	c->err.path[c->path_n++] = ch;
	c->err.path[c->path_n] = 0;
}

void
handlers__path_key(struct handlers_compiler *c, const char *key)
{
	path_add(c, '/');
	for (; *key; key++) {
		if (*key == '~' || *key == '/') {
			path_add(c, '~');
			path_add(c, *key == '~' ? '0' : '1');
		} else {
			path_add(c, *key);
		}
	}
}

void
handlers__path_index(struct handlers_compiler *c, size_t index)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%zu", index);
	handlers__path_key(c, digits);
}

void
handlers__path_up(struct handlers_compiler *c, size_t mark)
{
	if (c->failed) return; /* it stays where the mistake is */
	c->path_n = mark;
	c->err.path[mark] = 0;
}

bool
handlers__fail(struct handlers_compiler *c, const struct cJSON *item, const char *fmt, ...)
{
	va_list ap;

	if (c->failed) return false;
	c->failed = true;
	c->err.item = item;
	va_start(ap, fmt);
	vsnprintf(c->err.text, sizeof c->err.text, fmt, ap);
	va_end(ap);
	return false;
}

bool
handlers__fail_nomem(struct handlers_compiler *c)
{
	return handlers__fail(c, NULL, "out of memory");
}

bool
handlers__go_on(struct handlers_compiler *c, size_t mark)
{
	bool nomem = !c->err.item;

	if (c->failed) c->error(c->user, &c->err);
	c->told = true;
	c->failed = false;
	handlers__path_up(c, mark);
	return !nomem;
}
