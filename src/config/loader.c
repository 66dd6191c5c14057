/* SPDX-License-Identifier: MIT */
/* The loader: messages, memory, and the path of what is being read. */
#include "src/config/loader.h"

#include "eio/check.h"
#include "src/config/variables.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config_memory {
	struct config_memory *next;
	max_align_t data[];
};

/* Notes one thing for the current path. item: NULL, or what it is about. What a flag or a variable has said is of that,
 * also when all has been read. */
static void loader_note(struct config_loader *l, bool warning, const cJSON *item, size_t at, const char *fmt,
	va_list ap) __attribute__((format(printf, 5, 0)));

static void
loader_note(struct config_loader *l, bool warning, const cJSON *item, size_t at, const char *fmt, va_list ap)
{
	const char *flag = l->flag || !l->flag_of ? l->flag : l->flag_of(l->flags, l->path);
	const char *variable = l->variable ? l->variable : config__variable_around(l, item);
	char prefix[sizeof l->path + 64];

	if (l->starved || l->quiet) return;
	if (flag)
		snprintf(prefix, sizeof prefix, "%s: ", flag);
	else if (variable)
		snprintf(prefix, sizeof prefix, "%.60s: %s: ", variable, l->path);
	else
		snprintf(prefix, sizeof prefix, "%s%s", l->path, *l->path ? ": " : "");
	config__note(&l->notes, warning, flag || variable ? CONFIG_ELSEWHERE : at, prefix, fmt, ap);
}

static const struct config_place *
loader_place(const struct config_loader *l, const cJSON *item)
{
	return item && l->document ? config_document_place(l->document, item) : NULL;
}

void
config__error(struct config_loader *l, const cJSON *item, const char *fmt, ...)
{
	const struct config_place *place = loader_place(l, item);
	va_list ap;

	if (place && place->mended) return;
	va_start(ap, fmt);
	loader_note(l, false, item, place ? place->at : CONFIG_NO_PLACE, fmt, ap);
	va_end(ap);
}

void
config__error_key(struct config_loader *l, const cJSON *item, const char *fmt, ...)
{
	const struct config_place *place = loader_place(l, item);
	va_list ap;

	va_start(ap, fmt);
	loader_note(l, false, item, place ? place->key : CONFIG_NO_PLACE, fmt, ap);
	va_end(ap);
}

void
config__error_at(struct config_loader *l, size_t at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	loader_note(l, false, NULL, at, fmt, ap);
	va_end(ap);
}

void
config__warn(struct config_loader *l, const cJSON *item, const char *fmt, ...)
{
	const struct config_place *place = loader_place(l, item);
	va_list ap;

	if (place && place->mended) return;
	va_start(ap, fmt);
	loader_note(l, true, item, place ? place->at : CONFIG_NO_PLACE, fmt, ap);
	va_end(ap);
}

bool
config__is_wrong(const struct config_loader *l, const cJSON *item)
{
	const struct config_place *place = loader_place(l, item);

	if (!item || !l->notes.errors) return false;
	/* Of what the environment says, or where there was no room for all mistakes, nobody knows. */
	if (!place || l->notes.errors > CONFIG_MAX_REPORTS) return true;
	return place->mended || config__notes_within(&l->notes, place->at, place->end);
}

struct eio_bytes
config__source(const struct config_loader *l, const cJSON *item)
{
	const struct config_place *place = loader_place(l, item);

	return place ? eio_bytes(l->text.p + place->at, place->end - place->at) : eio_bytes(NULL, 0);
}

void
config__error_memory(struct config_loader *l)
{
	l->quiet = false;
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
