/* SPDX-License-Identifier: MIT */
/* Cutting values out of JSON text; see the header for what that means. */
#include "sio/json_cut.h"

#include "sio/json_int.h"

#include <stdlib.h>

/* A pointer as its tokens. */
struct path {
	size_t n;
	struct eio_bytes *tokens; /* owned; their bytes lie behind the paths */
};

struct sio_json_cuts {
	size_t n;
	struct path paths[SIO_JSON_MAX_CUTS];
	char *text; /* owned: the tokens' bytes */
};

/* One text on its way to out: what lies before `from` was copied or cut. */
struct cutting {
	const struct sio_json_cuts *cuts;
	struct eio_buf *out;
	const char *from;
	bool any; /* something was cut */
};

static int
split(struct path *path, struct eio_bytes pointer)
{
	size_t n = 0;

	for (size_t i = 0; i < pointer.n; i++) n += pointer.p[i] == '/';
	CHECK(n > 0 && pointer.p[0] == '/');
	path->tokens = calloc(n, sizeof *path->tokens);
	if (!path->tokens) return -1;
	for (size_t i = 0; i < pointer.n; i++) {
		if (pointer.p[i] == '/')
			path->tokens[path->n++] = eio_bytes(pointer.p + i + 1, 0);
		else
			path->tokens[path->n - 1].n++;
	}
	return 0;
}

struct sio_json_cuts *
sio_json_cuts_new(const struct eio_bytes *pointers, size_t n)
{
	struct sio_json_cuts *c = calloc(1, sizeof *c);
	size_t bytes = 1, at = 0;

	CHECK(n > 0 && n <= SIO_JSON_MAX_CUTS);
	if (!c) return NULL;
	for (size_t i = 0; i < n; i++) bytes += pointers[i].n;
	c->text = malloc(bytes);
	for (; c->text && c->n < n; c->n++) {
		struct eio_bytes p = pointers[c->n];

		memcpy(c->text + at, p.p, p.n);
		if (split(&c->paths[c->n], eio_bytes(c->text + at, p.n)) < 0) break;
		at += p.n;
	}
	if (c->n == n) return c;
	sio_json_cuts_free(c);
	return NULL;
}

void
sio_json_cuts_free(struct sio_json_cuts *c)
{
	if (!c) return;
	for (size_t i = 0; i < c->n; i++) free(c->paths[i].tokens);
	free(c->text);
	free(c);
}

static void
cut(struct cutting *c, const char *begin, const char *end)
{
	eio_buf_append(c->out, c->from, (size_t)(begin - c->from));
	c->from = end;
	c->any = true;
}

/* A run of neighbours that are cut, and what was kept before it. */
struct run {
	const char *begin, *end; /* begin is NULL: there is none */
	const char *kept; /* the end of the last one kept; NULL: none was */
};

/* The run is over, because of one that is kept: the comma behind the run goes with it, and all up to that one. */
static void
end_run_before(struct cutting *c, struct run *r, const char *next)
{
	if (r->begin) cut(c, r->begin, next);
	r->begin = NULL;
}

/* The container ends with the run: the comma before it goes with it. */
static void
end_run_last(struct cutting *c, const struct run *r)
{
	if (r->begin) cut(c, r->kept ? r->kept : r->begin, r->end);
}

static bool
token_fits(struct eio_bytes token, struct eio_bytes key, size_t index)
{
	size_t wanted;

	if (key.p) return sio__json_key_is_token(key, token);
	return sio__json_token_index(token, &wanted) && wanted == index;
}

/* Which of the paths lead on from here to a member or element; *whole: one of them ends there. */
static uint64_t
paths_to(
	const struct sio_json_cuts *cuts, uint64_t paths, size_t depth, struct eio_bytes key, size_t index, bool *whole)
{
	uint64_t further = 0;

	*whole = false;
	for (; paths; paths &= paths - 1) {
		int i = __builtin_ctzll(paths);
		const struct path *p = &cuts->paths[i];

		if (!token_fits(p->tokens[depth], key, index)) continue;
		if (p->n == depth + 1)
			*whole = true;
		else
			further |= UINT64_C(1) << i;
	}
	return further;
}

/* Calls itself for what is inside, as deep as the longest pointer. */
static void
cut_inside(struct cutting *c, struct eio_bytes json, uint64_t paths, size_t depth)
{
	struct sio_json_iter it = sio_json_iter(json);
	struct eio_bytes key = { NULL, 0 }, v;
	struct run run = { NULL, NULL, NULL };
	uint64_t further;
	size_t index = 0;
	bool whole;

	while (sio_json_next(&it, &key, &v)) {
		const char *begin = it.object ? key.p : v.p, *end = v.p + v.n;

		further = paths_to(c->cuts, paths, depth, key, index++, &whole);
		if (whole) {
			if (!run.begin) run.begin = begin;
			run.end = end;
			continue;
		}
		end_run_before(c, &run, begin);
		run.kept = end;
		if (further) cut_inside(c, v, further, depth + 1);
	}
	end_run_last(c, &run);
}

bool
sio_json_cut(const struct sio_json_cuts *c, struct eio_bytes json, struct eio_buf *out)
{
	struct cutting cutting = { .cuts = c, .out = out, .from = json.p };

	cut_inside(&cutting, json, UINT64_MAX >> (SIO_JSON_MAX_CUTS - c->n), 0);
	if (cutting.any) eio_buf_append(out, cutting.from, (size_t)(json.p + json.n - cutting.from));
	return cutting.any;
}
