/* SPDX-License-Identifier: MIT */
/* ${NAME} and ${NAME:-default} in strings of the file. */
#include "src/config/environment.h"

#include "eio/buf.h"
#include "src/config/variables.h"

#include <string.h>

/* The names are those that shells export by custom; so none of them is a placeholder of a template. */
static size_t
name_length(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return n && (*s < '0' || *s > '9') ? n : 0;
}

/* The value of a variable, or NULL. */
static const char *
variable_text(const struct config_loader *l, const char *name, size_t n)
{
	for (char *const *e = l->flags->environment; e && *e; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=') return *e + n + 1;
	return NULL;
}

/* Appends what "${NAME}" at s stands for. Returns its length in the string, 0 when it is nothing of the kind. */
static size_t
expand_one(struct config_loader *l, const cJSON *item, const char *s, struct eio_buf *out)
{
	size_t n = name_length(s + 2);
	const char *after = s + 2 + n, *value, *end;

	if (!n) return 0;
	end = strncmp(after, ":-", 2) == 0 ? strchr(after, '}') : *after == '}' ? after : NULL;
	if (!end) {
		config__error(l, item, "a variable of the environment is written ${%.*s} or ${%.*s:-text}", (int)n,
			s + 2, (int)n, s + 2);
		return 0;
	}
	value = variable_text(l, s + 2, n);
	if (*after == ':' && !(value && *value))
		eio_buf_append(out, after + 2, (size_t)(end - after) - 2);
	else if (value)
		eio_buf_add(out, eio_cstr(value));
	else
		config__error(l, item,
			"there is no %.*s in the environment; ${%.*s:-text} stands for the text where it is not",
			(int)n, s + 2, (int)n, s + 2);
	return (size_t)(end - s) + 1;
}

/* Appends s with all of them replaced; "$${NAME}" is the text "${NAME}". Returns how many there were. */
static unsigned
expand_all(struct config_loader *l, const cJSON *item, const char *s, struct eio_buf *out)
{
	unsigned found = 0;
	size_t n;

	while (*s) {
		if (strncmp(s, "$${", 3) == 0 && name_length(s + 3)) {
			EIO_BUF_ADD_LIT(out, "${");
			s += 3;
			found++;
			continue;
		}
		n = strncmp(s, "${", 2) == 0 ? expand_one(l, item, s, out) : 0;
		if (n) {
			found++;
			s += n;
		} else {
			eio_buf_addc(out, *s++);
		}
	}
	eio_buf_addc(out, '\0');
	return found;
}

/* Finds $NAME, or $name where no template can be: where it is and how long; 0 where there is none. */
static size_t
find_dollar(const char *s, bool templates, const char **at)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz", digits[] = "0123456789";
	size_t n;

	for (; (s = strchr(s, '$')); s++) {
		bool braces = s[1] == '{';
		const char *name = s + 1 + braces;

		n = templates ? strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") : strspn(name, letters);
		if (n < 2 || (braces && name_length(name) >= n)) continue;
		while (name[n] && (strchr(letters, name[n]) || strchr(digits, name[n]))) n++;
		*at = s;
		return 1 + braces + n + (braces && name[n] == '}');
	}
	return 0;
}

/* What stands before an '@' may be a password: it is not quoted. */
static void
warn_of_dollar(struct config_loader *l, const cJSON *item, bool templates)
{
	const char *at;
	size_t n = find_dollar(item->valuestring, templates, &at);

	if (!n) return;
	if (strchr(at, '@')) {
		at = "a '$'";
		n = strlen(at);
	}
	config__warn(l, item, "%.*s is text here; the environment is written ${NAME}, in capitals", (int)n, at);
}

static void
expand_string(struct config_loader *l, cJSON *item, bool templates)
{
	struct eio_buf out;
	const char *s = item->valuestring;
	unsigned found, errors = l->notes.errors;
	bool whole;

	warn_of_dollar(l, item, templates);
	if (!strstr(s, "${")) return;
	eio_buf_init(&out);
	found = expand_all(l, item, s, &out);
	whole = found == 1 && strncmp(s, "${", 2) == 0 && strchr(s, '}')[1] == '\0';
	if (eio_buf_failed(&out) || (found && !cJSON_SetValuestring(item, out.p))) config__error_memory(l);
	if (whole) config__mark_variable(item);
	/* What it says now is not what was meant. */
	if (l->notes.errors > errors && l->document) config_document_spoil(l->document, item);
	eio_buf_deinit(&out);
}

/* Recursion is bounded by CONFIG_MAX_DEPTH. */
static void
expand_tree(struct config_loader *l, cJSON *item, bool templates)
{
	size_t mark, i = 0;

	if (cJSON_IsString(item)) expand_string(l, item, templates);
	for (cJSON *child = item->child; child; child = child->next, i++) {
		bool feeds = child->string && !*l->path &&
			     (strncmp(child->string, "feed", 4) == 0 || strcmp(child->string, "namespaces") == 0);

		mark = child->string ? config__push(l, child->string) : config__push_index(l, i);
		expand_tree(l, child, templates || feeds);
		config__pop(l, mark);
	}
}

void
config__expand(struct config_loader *l)
{
	expand_tree(l, l->root, false);
}
