/* SPDX-License-Identifier: MIT */
/* How far sources have read, for the process that goes on. */
#include "src/feed/intakes_int.h"

#include "eio/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
feed_intake_forget_places(struct feed_intake *in)
{
	for (size_t i = 0; i < in->n_places; i++) {
		free((void *)(uintptr_t)in->places[i].name);
		free((void *)(uintptr_t)in->places[i].text);
		if (in->places[i].fd >= 0) close(in->places[i].fd);
	}
	free(in->places);
	in->places = NULL;
	in->n_places = 0;
}

void
feed_intakes_forget_places(struct feed_intakes *all)
{
	for (size_t i = 0; i < FEED_INTAKES * all->options->n_redis; i++) feed_intake_forget_places(&all->v[i]);
}

static bool
add_place(struct feed_intake *in, struct eio_bytes name, struct eio_bytes text, int fd)
{
	struct source_place *places = realloc(in->places, (in->n_places + 1) * sizeof *places);
	char *name_copy, *text_copy;

	if (!places) return false;
	in->places = places;
	name_copy = strndup(name.n ? name.p : "", name.n);
	text_copy = strndup(text.n ? text.p : "", text.n);
	if (!name_copy || !text_copy) {
		free(name_copy);
		free(text_copy);
		return false;
	}
	places[in->n_places++] = (struct source_place){ name_copy, text_copy, fd };
	return true;
}

static void
note_place(void *user, const struct source_place *place)
{
	struct feed_intake *in = user;

	CHECK_MAGIC(in, FEED_INTAKE_MAGIC);
	if (!add_place(in, eio_cstr(place->name), eio_cstr(place->text), -1))
		log_error("event=place-not-noted reason=\"out of memory\"");
}

/* Its connection gets a name, by which the next process finds it: the first word of the place. */
static void
hand_source(struct feed_intake *in)
{
	struct feed_intakes *all = in->all;
	struct eio_buf text;
	char name[32];
	int fd;

	snprintf(name, sizeof name, "siocast-link-%zu", (size_t)(in - all->v));
	eio_buf_init(&text);
	eio_buf_printf(&text, "%s ", name);
	fd = in->source->ops->hand(in->source, &text);
	if (fd >= 0 && (eio_buf_failed(&text) || !add_place(in, eio_cstr(""), eio_buf_bytes(&text), -1)))
		close(fd);
	else if (fd >= 0 && inherited_add(all->heirs, fd, name))
		feed_intake_forget_places(in);
	eio_buf_deinit(&text);
}

/* One that has not been opened goes on where it was to. */
void
feed_intake_note(struct feed_intake *in)
{
	if (!in->source) return;
	feed_intake_forget_places(in);
	if (in->source->ops->tell_places) in->source->ops->tell_places(in->source, note_place, in);
	if (in->source->ops->hand && in->all->heirs) hand_source(in);
}

void
feed_intakes_note(struct feed_intakes *all)
{
	for (size_t i = 0; i < FEED_INTAKES * all->options->n_redis; i++) feed_intake_note(&all->v[i]);
}

bool
feed_intakes_next_place(const struct feed_intakes *all, size_t *at, struct feed_intake_place *out)
{
	size_t n = *at;

	for (size_t i = 0; i < FEED_INTAKES * all->options->n_redis; n -= all->v[i++].n_places) {
		if (n >= all->v[i].n_places) continue;
		out->server = all->options->redis[i / FEED_INTAKES].name;
		out->kind = feed_intake_kind(&all->v[i]);
		out->place = all->v[i].places[n];
		++*at;
		return true;
	}
	return false;
}

/* Whether a source still wants to know. */
static bool
wants_place(const struct feed_intakes *all, size_t i, struct eio_bytes name)
{
	if (!all->v[i].wanted || !(feed_intake_ops(all, i)->tell_places || feed_intake_ops(all, i)->hand)) return false;
	if (feed_intake_kind(&all->v[i]) != FEED_INTAKE_STREAMS) return all->v[i].n_places == 0;
	for (size_t k = 0; k < all->router->table.n_streams; k++)
		if (eio_bytes_eq(eio_cstr(all->router->table.streams[k].name), name)) return true;
	return false;
}

/* The connection that a place is about, and the rest of its words. -1: it is not there. */
static int
take_connection(const struct feed_intakes *all, struct eio_bytes *text)
{
	const char *end = memchr(text->p, ' ', text->n);
	char name[32];

	if (!end || (size_t)(end - text->p) >= sizeof name || !all->options->inherited) return -1;
	memcpy(name, text->p, (size_t)(end - text->p));
	name[end - text->p] = '\0';
	*text = eio_bytes(end + 1, text->n - (size_t)(end + 1 - text->p));
	return inherited_take(all->options->inherited, name);
}

bool
feed_intakes_place(struct feed_intakes *all, struct eio_bytes server, enum feed_intake_kind kind, struct eio_bytes name,
	struct eio_bytes text, bool *failed)
{
	for (size_t i = (size_t)kind; i < FEED_INTAKES * all->options->n_redis; i += FEED_INTAKES) {
		if (!eio_bytes_eq(eio_cstr(all->options->redis[i / FEED_INTAKES].name), server)) continue;
		int fd = -1;

		if (!wants_place(all, i, name)) continue;
		if (feed_intake_ops(all, i)->hand && (fd = take_connection(all, &text)) < 0) return false;
		*failed = !add_place(&all->v[i], name, text, fd);
		if (*failed && fd >= 0) close(fd);
		if (*failed) return false;
		all->unsettled += !all->v[i].settles;
		all->v[i].settles = true;
		return true;
	}
	return false;
}

static bool
has_place(const struct feed_intake *in, const char *name)
{
	for (size_t i = 0; i < in->n_places; i++)
		if (strcmp(in->places[i].name, name) == 0) return true;
	return false;
}

bool
feed_intakes_go_on(const struct feed_intakes *all, const struct feed_spec *f)
{
	for (size_t i = 0; i < all->options->n_redis; i++) {
		const struct feed_intake *in = &all->v[FEED_INTAKES * i + (size_t)feed_intake_kind_of(f)];

		if (!f->is_stream && !has_place(in, "")) return false;
		for (size_t k = 0; f->is_stream && k < f->n_channels; k++)
			if (!has_place(in, f->channels[k])) return false;
	}
	return true;
}
