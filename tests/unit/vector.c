/* SPDX-License-Identifier: MIT */
/* See vector.h. */
#include "tests/unit/vector.h"

#include "sio/json.h"
#include "tests/unit/canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

char vector_id[100];

struct eio_bytes
vector_get(struct eio_bytes object, const char *pointer)
{
	struct eio_bytes v = { NULL, 0 };

	sio_json_find(object, eio_cstr(pointer), &v);
	return v;
}

bool
vector_is_true(struct eio_bytes object, const char *pointer)
{
	return eio_bytes_eq(vector_get(object, pointer), EIO_LIT("true"));
}

void
vector_get_string(struct eio_buf *out, struct eio_bytes object, const char *pointer)
{
	struct eio_bytes v = vector_get(object, pointer);

	CHECK(v.p && v.p[0] == '"');
	eio_buf_addc(out, 0); /* makes sure there is memory to point at */
	out->n = 0;
	sio_json_unescape(out, v);
	CHECK(!eio_buf_failed(out));
}

static struct vector_message
message_hex(struct eio_bytes json)
{
	struct vector_message m = { .binary = true };

	eio_buf_addc(&m.data, 0);
	m.data.n = 0;
	canon_unhex(&m.data, (struct eio_bytes){ json.p + 1, json.n - 2 });
	return m;
}

static struct vector_message
message_text(struct eio_bytes object, const char *pointer)
{
	struct vector_message m = { .binary = false };

	vector_get_string(&m.data, object, pointer);
	return m;
}

void
vector_script_free(struct vector_script *s)
{
	while (s->n > 0) eio_buf_deinit(&s->m[--s->n].data);
}

void
vector_script_frames(struct vector_script *s, struct eio_bytes frames)
{
	struct sio_json_iter it = sio_json_iter(frames);
	struct eio_bytes v;

	while (sio_json_next(&it, NULL, &v)) {
		CHECK(s->n < VECTOR_MAX_MESSAGES);
		s->m[s->n++] = vector_get(v, "/text").p ? message_text(v, "/text")
							: message_hex(vector_get(v, "/binary"));
	}
}

void
vector_script_load(struct vector_script *s, struct eio_bytes vector)
{
	struct eio_bytes frames = vector_get(vector, "/frames"), v;
	struct sio_json_iter it;

	*s = (struct vector_script){ .n = 0 };
	if (frames.p) {
		vector_script_frames(s, frames);
		return;
	}
	s->m[s->n++] = message_text(vector, "/wire/utf8");
	it = sio_json_iter(vector_get(vector, "/wire/attachments"));
	while (sio_json_next(&it, NULL, &v)) {
		CHECK(s->n < VECTOR_MAX_MESSAGES);
		s->m[s->n++] = message_hex(v);
	}
}

int
vector_each(struct eio_bytes file, void (*run)(struct eio_bytes vector, void *arg), void *arg)
{
	struct sio_json_iter it = sio_json_iter(vector_get(file, "/vectors"));
	struct eio_bytes v;
	struct eio_buf id;
	int others = 0;

	assert_int_equal(sio_json_check(file), 0);
	eio_buf_init(&id);
	while (sio_json_next(&it, NULL, &v)) {
		id.n = 0;
		vector_get_string(&id, v, "/id");
		snprintf(vector_id, sizeof(vector_id), "%.*s", (int)id.n, id.p);
		if (eio_bytes_eq(vector_get(v, "/layer"), EIO_LIT("\"sio\"")))
			run(v, arg);
		else
			others++;
	}
	eio_buf_deinit(&id);
	return others;
}

bool
vector_differs(struct vector_difference *d)
{
	struct eio_bytes id = eio_cstr(vector_id);
	const char *name = d->names;
	size_t prefix = strlen(d->prefix), n;

	if (!eio_bytes_starts(id, eio_cstr(d->prefix))) return false;
	for (; *name; name += n + (name[n] == ' ')) {
		n = strcspn(name, " ");
		if (!eio_bytes_eq(eio_bytes(name, n), eio_bytes(id.p + prefix, id.n - prefix))) continue;
		d->used++;
		return true;
	}
	return false;
}

void
vector_difference_used(const struct vector_difference *d)
{
	int names = 1;

	for (const char *p = d->names; *p; p++) names += *p == ' ';
	if (d->used != names) fail_msg("%s{%s}: %d of %d are in the file", d->prefix, d->names, d->used, names);
}
