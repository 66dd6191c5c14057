/* SPDX-License-Identifier: MIT */
/*
 * From configured JSON with variables to a list of parts (handlers_int.h). All
 * mistakes are found here, so running a handler has none to report.
 */
#include "src/handlers/template.h"

#include "eio/buf.h"
#include "sio/json.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Integers beyond this are not what the configuration says any more once cJSON has read them as doubles. */
#define MAX_EXACT 9007199254740992.0

#define VARIABLES "$1 … $9, $args, $auth, $auth.member, $query.name, $sid and $nsp"

/* ---- the path and the first mistake ---- */

static void
path_add(struct handlers_compiler *c, char ch)
{
	if (c->failed || c->path_n + 1 >= sizeof(c->err->path)) return;
	c->err->path[c->path_n++] = ch;
	c->err->path[c->path_n] = 0;
}

void
handlers_path_key(struct handlers_compiler *c, const char *key)
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
handlers_path_index(struct handlers_compiler *c, size_t index)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%zu", index);
	handlers_path_key(c, digits);
}

void
handlers_path_up(struct handlers_compiler *c, size_t mark)
{
	if (c->failed) return; /* it stays where the mistake is */
	c->path_n = mark;
	c->err->path[mark] = 0;
}

bool
handlers_fail(struct handlers_compiler *c, const cJSON *item, const char *fmt, ...)
{
	va_list ap;

	if (c->failed) return false;
	c->failed = true;
	c->err->item = item;
	va_start(ap, fmt);
	vsnprintf(c->err->text, sizeof(c->err->text), fmt, ap);
	va_end(ap);
	return false;
}

static bool
fail_nomem(struct handlers_compiler *c)
{
	return handlers_fail(c, NULL, "out of memory");
}

/* ---- parts ---- */

void
handlers_template_free(struct handlers_template *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) free(t->parts[i].text);
	free(t->parts);
	*t = (struct handlers_template){ 0 };
}

static struct handlers_part *
add_part(struct handlers_compiler *c, struct handlers_template *t, enum handlers_part_type type)
{
	struct handlers_part *p;

	/* Grown one by one: templates are small and made once. */
	p = realloc(t->parts, (t->n + 1) * sizeof(*p));
	if (!p) {
		fail_nomem(c);
		return NULL;
	}
	t->parts = p;
	p += t->n++;
	*p = (struct handlers_part){ .type = type };
	return p;
}

/* Adds text, to the part before when that is text too. */
static bool
add_text(struct handlers_compiler *c, struct handlers_template *t, struct eio_bytes s)
{
	struct handlers_part *p = t->n ? &t->parts[t->n - 1] : NULL;
	char *text;

	if (s.n == 0) return true;
	if (!p || p->type != HANDLERS_PART_TEXT) p = add_part(c, t, HANDLERS_PART_TEXT);
	if (!p) return false;
	text = realloc(p->text, p->n + s.n);
	if (!text) return fail_nomem(c);
	memcpy(text + p->n, s.p, s.n);
	p->text = text;
	p->n += s.n;
	return true;
}

/* Adds text as part of a JSON string. */
static bool
add_escaped(struct handlers_compiler *c, struct handlers_template *t, struct eio_bytes s)
{
	struct eio_buf b;
	bool ok;

	eio_buf_init(&b);
	sio_json_escape(&b, s);
	ok = eio_buf_failed(&b) ? fail_nomem(c) : add_text(c, t, eio_bytes(b.p + 1, b.n - 2));
	eio_buf_deinit(&b);
	return ok;
}

/* ---- variables ---- */

struct scan {
	struct handlers_compiler *c;
	const cJSON *item;
	const char *p; /* NUL-terminated: the configuration's own text */
};

static size_t
name_len(const char *p)
{
	return strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
}

/* Members after $auth and parameters of $query may have dashes inside. */
static size_t
member_len(const char *p)
{
	size_t n = name_len(p);

	if (n == 0) return 0;
	while (p[n] == '-' && name_len(p + n + 1) > 0) n += 1 + name_len(p + n + 1);
	return n;
}

static bool
set_text(struct scan *s, struct handlers_part *p, struct eio_bytes text)
{
	char *grown = realloc(p->text, p->n + text.n + 1);

	if (!grown) return fail_nomem(s->c);
	memcpy(grown + p->n, text.p, text.n);
	p->text = grown;
	p->n += text.n;
	return true;
}

/* ".a.b" behind $auth, as the pointer /a/b: such names have nothing a pointer escapes. */
static bool
scan_auth(struct scan *s, struct handlers_part *p)
{
	size_t n;

	p->var = HANDLERS_VAR_AUTH;
	while (*s->p == '.' && (n = member_len(s->p + 1)) > 0) {
		if (!set_text(s, p, EIO_LIT("/")) || !set_text(s, p, eio_bytes(s->p + 1, n))) return false;
		s->p += 1 + n;
	}
	return true;
}

static bool
scan_query(struct scan *s, struct handlers_part *p)
{
	size_t n = *s->p == '.' ? member_len(s->p + 1) : 0;

	p->var = HANDLERS_VAR_QUERY;
	s->c->use_query = true;
	if (n == 0) return handlers_fail(s->c, s->item, "$query needs a parameter's name, such as $query.token");
	if (!set_text(s, p, eio_bytes(s->p + 1, n))) return false;
	s->p += 1 + n;
	return true;
}

/* s->p stands behind a dollar sign that is not doubled. */
static bool
scan_variable(struct scan *s, struct handlers_part *p)
{
	size_t n = name_len(s->p);
	struct eio_bytes name = eio_bytes(s->p, n);

	if (n == 0) return handlers_fail(s->c, s->item, "a lone $: write $$ for a dollar sign");
	s->p += n;
	if (n == 1 && name.p[0] >= '1' && name.p[0] <= '9') {
		p->var = HANDLERS_VAR_ARG;
		p->index = (unsigned)(name.p[0] - '1');
		return true;
	}
	if (eio_bytes_eq(name, EIO_LIT("auth"))) return scan_auth(s, p);
	if (eio_bytes_eq(name, EIO_LIT("query"))) return scan_query(s, p);
	if (eio_bytes_eq(name, EIO_LIT("args")))
		p->var = HANDLERS_VAR_ARGS;
	else if (eio_bytes_eq(name, EIO_LIT("sid")))
		p->var = HANDLERS_VAR_SID;
	else if (eio_bytes_eq(name, EIO_LIT("nsp")))
		p->var = HANDLERS_VAR_NSP;
	else
		return handlers_fail(
			s->c, s->item, "unknown variable $%.*s: there are " VARIABLES, (int)name.n, name.p);
	return true;
}

/* Whether a string is one variable and nothing else. */
static bool
is_one_variable(const char *text)
{
	size_t n;

	if (text[0] != '$' || text[1] == '$') return false;
	n = 1 + name_len(text + 1);
	if (strncmp(text, "$auth", n) == 0 || strncmp(text, "$query", n) == 0)
		while (text[n] == '.' && member_len(text + n + 1) > 0) n += 1 + member_len(text + n + 1);
	return text[n] == 0;
}

/* Text and variables of one string. Inside JSON strings (escape) text is escaped, and variables go within quotes. */
static bool
scan_string(struct scan *s, struct handlers_template *t, enum handlers_part_type type, bool escape)
{
	struct handlers_part *p;
	struct eio_bytes text;

	while (*s->p) {
		if (s->p[0] == '$' && s->p[1] != '$') {
			s->p++;
			p = add_part(s->c, t, type);
			if (!p || !scan_variable(s, p)) return false;
			continue;
		}
		text = s->p[0] == '$' ? EIO_LIT("$") : eio_bytes(s->p, strcspn(s->p, "$"));
		s->p += s->p[0] == '$' ? 2 : text.n;
		if (!(escape ? add_escaped(s->c, t, text) : add_text(s->c, t, text))) return false;
	}
	return true;
}

/* ---- arguments ---- */

static bool compile_value(struct handlers_compiler *c, const cJSON *v, struct handlers_template *t);

static bool
compile_string(struct handlers_compiler *c, const cJSON *v, struct handlers_template *t)
{
	struct scan s = { c, v, v->valuestring };

	if (is_one_variable(v->valuestring)) return scan_string(&s, t, HANDLERS_PART_VALUE, false);
	if (strncmp(v->valuestring, "...$", 4) == 0 && is_one_variable(v->valuestring + 3))
		return handlers_fail(c, v, "only ...$args can be spread, and only in an array");
	return add_text(c, t, EIO_LIT("\"")) && scan_string(&s, t, HANDLERS_PART_INSIDE, true) &&
	       add_text(c, t, EIO_LIT("\""));
}

static bool
compile_element(struct handlers_compiler *c, const cJSON *v, struct handlers_template *t, bool first)
{
	if (cJSON_IsString(v) && strcmp(v->valuestring, "...$args") == 0)
		return add_part(c, t, HANDLERS_PART_SPREAD) != NULL;
	if (!first && !add_part(c, t, HANDLERS_PART_SEPARATOR)) return false;
	return compile_value(c, v, t);
}

static bool
compile_array(struct handlers_compiler *c, const cJSON *v, struct handlers_template *t)
{
	size_t mark = c->path_n, i = 0;
	const cJSON *e;

	if (!add_text(c, t, EIO_LIT("["))) return false;
	cJSON_ArrayForEach(e, v)
	{
		handlers_path_index(c, i);
		if (!compile_element(c, e, t, i == 0)) return false;
		handlers_path_up(c, mark);
		i++;
	}
	return add_text(c, t, EIO_LIT("]"));
}

static bool
compile_object(struct handlers_compiler *c, const cJSON *v, struct handlers_template *t)
{
	size_t mark = c->path_n;
	const cJSON *m;

	if (!add_text(c, t, EIO_LIT("{"))) return false;
	cJSON_ArrayForEach(m, v)
	{
		handlers_path_key(c, m->string);
		if (!add_text(c, t, m == v->child ? EIO_LIT("\"") : EIO_LIT(",\"")) ||
			!add_escaped(c, t, eio_cstr(m->string)) || !add_text(c, t, EIO_LIT("\":")) ||
			!compile_value(c, m, t))
			return false;
		handlers_path_up(c, mark);
	}
	return add_text(c, t, EIO_LIT("}"));
}

static bool
compile_scalar(struct handlers_compiler *c, const cJSON *v, struct handlers_template *t)
{
	char *text;
	bool ok;

	if (cJSON_IsNumber(v) && !(v->valuedouble >= -MAX_EXACT && v->valuedouble <= MAX_EXACT))
		return handlers_fail(c, v, "a number beyond 2^53 cannot be kept exactly: write it as a string");
	text = cJSON_PrintUnformatted(v);
	if (!text) return fail_nomem(c);
	ok = add_text(c, t, eio_cstr(text));
	cJSON_free(text);
	return ok;
}

static bool
compile_value(struct handlers_compiler *c, const cJSON *v, struct handlers_template *t)
{
	if (cJSON_IsString(v)) return compile_string(c, v, t);
	if (cJSON_IsArray(v)) return compile_array(c, v, t);
	if (cJSON_IsObject(v)) return compile_object(c, v, t);
	return compile_scalar(c, v, t);
}

bool
handlers_template_arguments(struct handlers_compiler *c, const cJSON *array, struct handlers_template *t)
{
	return compile_array(c, array, t);
}

bool
handlers_template_target(struct handlers_compiler *c, const cJSON *string, bool many, struct handlers_template *t)
{
	struct scan s = { c, string, string->valuestring };
	bool one;
	size_t i;

	if (many && strcmp(s.p, "...$args") == 0) s.p += 3; /* among rooms it means the same as $args */
	if (*s.p == 0) return handlers_fail(c, string, "an empty name");
	one = is_one_variable(s.p);
	if (!scan_string(&s, t, one ? HANDLERS_PART_VALUE : HANDLERS_PART_INSIDE, false)) return false;
	for (i = 0; i < t->n; i++)
		if (t->parts[i].type != HANDLERS_PART_TEXT && t->parts[i].var == HANDLERS_VAR_ARGS && !(one && many))
			return handlers_fail(
				c, string, "$args is a list and cannot be %s a name", one ? "used as" : "part of");
	return true;
}
