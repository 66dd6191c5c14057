/* SPDX-License-Identifier: MIT */
/* The loader: messages, memory, and the path of what is being read. */
#include "src/config/loader.h"

#include "eio/check.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ERRORS = 20 }; /* as the header of the configuration promises */

struct config_memory {
	struct config_memory *next;
	max_align_t data[];
};

/* Keys and values are quoted as they are: a line feed in one would end the line, and other controls reach a terminal. So do
 * those from U+0080 to U+009F, which begin with 0xc2 in UTF-8. */
static void
blank_controls(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f) *p = '?';
		if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) p[0] = p[1] = '?';
	}
}

/* "FILE:LINE: path: reason", or "--flag: reason". line: 0 for no line. */
static void
loader_report(struct config_loader *l, unsigned line, const char *fmt, va_list ap)
{
	char text[1024], where[16] = "";
	size_t n;

	if (l->errors++ >= MAX_ERRORS || l->starved) return;
	if (line) snprintf(where, sizeof where, ":%u", line);
	if (l->flag)
		n = (size_t)snprintf(text, sizeof text, "%s: ", l->flag);
	else
		n = (size_t)snprintf(text, sizeof text, "%s%s: %s%s", l->name, where, l->path, *l->path ? ": " : "");
	if (n < sizeof text) vsnprintf(text + n, sizeof text - n, fmt, ap);
	blank_controls(text);
	l->error(l->user, text);
}

void
config__error(struct config_loader *l, const cJSON *item, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	loader_report(l, item && l->document ? config_document_line(l->document, item) : 0, fmt, ap);
	va_end(ap);
}

void
config__error_line(struct config_loader *l, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	loader_report(l, line, fmt, ap);
	va_end(ap);
}

void
config__error_memory(struct config_loader *l)
{
	config__error(l, NULL, "out of memory");
	l->starved = true;
}

void *
config__alloc(struct config_loader *l, size_t n)
{
	struct config_memory *m = calloc(1, sizeof *m + n);

	if (!m) {
		config__error_memory(l);
		return NULL;
	}
	m->next = *l->memory;
	*l->memory = m;
	return m->data;
}

void
config__memory_free(struct config_memory *memory)
{
	struct config_memory *next;

	for (; memory; memory = next) {
		next = memory->next;
		free(memory);
	}
}

char *
config__strdup(struct config_loader *l, const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = config__alloc(l, n);

	if (copy) memcpy(copy, s, n);
	return copy;
}

char *
config__copy(struct config_loader *l, const char *s)
{
	char *copy = strdup(s);

	if (!copy) config__error_memory(l);
	return copy;
}

size_t
config__push(struct config_loader *l, const char *name)
{
	size_t mark = strlen(l->path);

	if (*name) snprintf(l->path + mark, sizeof l->path - mark, "%s%s", mark ? "." : "", name);
	return mark;
}

size_t
config__push_index(struct config_loader *l, size_t i)
{
	size_t mark = strlen(l->path);

	snprintf(l->path + mark, sizeof l->path - mark, "[%zu]", i);
	return mark;
}

void
config__pop(struct config_loader *l, size_t mark)
{
	CHECK(mark <= strlen(l->path));
	l->path[mark] = '\0';
}
