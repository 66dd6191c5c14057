/* SPDX-License-Identifier: MIT */
/* What the conditions of "if" are compiled from. Their pointers become placeholders: /args/0/type is {1/type}. */
#include "src/handlers/handlers_int.h"
#include "src/handlers/mistake.h"

#include "sio/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

/* Writes the placeholder for a pointer with its braces. False when it names none. */
static bool
write_pointer(struct eio_buf *out, const char *pointer)
{
	if (*pointer != '/' || strpbrk(pointer, "{}")) return false;
	eio_buf_addc(out, '{');
	if (strncmp(pointer, "/args/", 6) != 0) {
		eio_buf_add(out, eio_cstr(pointer + 1));
	} else {
		if (pointer[6] < '0' || pointer[6] > '8' || (pointer[7] && pointer[7] != '/')) return false;
		eio_buf_addc(out, (char)(pointer[6] + 1));
		eio_buf_add(out, eio_cstr(pointer + 7));
	}
	eio_buf_addc(out, '}');
	return true;
}

static bool
compile_pointer(struct handlers_compiler *c, const cJSON *item, const char *pointer,
	const struct template_context *where, struct handlers_part *part)
{
	struct eio_buf text = { 0 };
	struct template_error err;
	bool ok = false;

	if (!write_pointer(&text, pointer)) {
		handlers__fail(c, item,
			"\"%.60s\" names no value; such are /args/0 to /args/8 with their members, /claims/role and /event",
			pointer);
	} else {
		part->template = template_new_json();
		if (!part->template || eio_buf_failed(&text))
			handlers__fail_nomem(c);
		else if (template_add_string(part->template, eio_buf_bytes(&text), where, &err))
			handlers__template_failed(c, item, &err);
		else
			ok = true;
	}
	eio_buf_deinit(&text);
	return ok;
}

bool
handlers__compile_condition(
	struct handlers_compiler *c, const cJSON *v, const struct template_context *where, struct handlers_action *a)
{
	const cJSON *m = v->child;

	if (!cJSON_IsObject(v) || !m)
		return handlers__fail(c, v, "must be an object such as {\"/args/0/type\": \"trade\"}");
	if (!c->where(c->user, v, &a->where)) {
		c->err.item = v; /* it was told */
		return false;
	}
	a->parts = calloc(a->where.n + 1, sizeof *a->parts);
	if (!a->parts) return handlers__fail_nomem(c);
	for (size_t i = 0; m && i < a->where.n; i++, m = m->next) {
		a->n = i + 1;
		if (!compile_pointer(c, m, m->string, where, &a->parts[i])) return false;
	}
	return true;
}
