/* SPDX-License-Identifier: MIT */
/* What may stand between braces, and where. Also the variables of version 0.1, to say what they are called now. */
#include "src/template/template_int.h"

#include "eio/check.h"
#include "sio/json.h"

#include <stdarg.h>
#include <stdio.h>

enum members {
	MEMBERS_NONE,
	MEMBERS_DEEP, /* of JSON: {1.a.b}, {1/a/b} */
	MEMBERS_FLAT, /* of a request: one name, whatever is in it */
	MEMBERS_STARS, /* of a pattern: {nsp.1} */
	MEMBERS_SUBJECT /* {tls.subject}, and nothing else */
};

#define IN(place) (1u << TEMPLATE_IN_##place)
#define WITH_CLIENT (IN(CONNECTION) | IN(EVENT) | IN(DISCONNECT))
#define OF_FEEDS (IN(FEED) | IN(STREAM))
#define OF_PRIMES (IN(PRIME) | IN(SCAN))
#define OF_ROOMS (IN(HERE) | IN(MEMBER) | IN(COUNT))

static const struct known {
	const char *name;
	enum template_what what;
	unsigned places;
	enum members members;
	enum template_type type; /* without members */
} known[] = {
	{ "channel", TEMPLATE_CHANNEL, OF_FEEDS, MEMBERS_NONE, TEMPLATE_TYPE_TEXT },
	{ "id", TEMPLATE_ID, IN(STREAM), MEMBERS_NONE, TEMPLATE_TYPE_TEXT },
	{ "message", TEMPLATE_MESSAGE, OF_FEEDS, MEMBERS_DEEP, TEMPLATE_TYPE_ANY },
	{ "text", TEMPLATE_MESSAGE_TEXT, OF_FEEDS, MEMBERS_NONE, TEMPLATE_TYPE_TEXT },
	{ "args", TEMPLATE_ARGUMENTS, IN(EVENT), MEMBERS_NONE, TEMPLATE_TYPE_LIST },
	{ "event", TEMPLATE_EVENT, IN(EVENT) | IN(SNAPSHOT), MEMBERS_NONE,
		TEMPLATE_TYPE_ANY }, /* a string or a number */
	{ "auth", TEMPLATE_AUTH, WITH_CLIENT, MEMBERS_DEEP, TEMPLATE_TYPE_OBJECT },
	{ "claims", TEMPLATE_CLAIMS, WITH_CLIENT, MEMBERS_DEEP, TEMPLATE_TYPE_OBJECT },
	{ "query", TEMPLATE_QUERY, WITH_CLIENT, MEMBERS_FLAT, TEMPLATE_TYPE_OBJECT },
	{ "header", TEMPLATE_HEADER, WITH_CLIENT, MEMBERS_FLAT, TEMPLATE_TYPE_OBJECT },
	{ "cookie", TEMPLATE_COOKIE, WITH_CLIENT, MEMBERS_FLAT, TEMPLATE_TYPE_OBJECT },
	{ "address", TEMPLATE_ADDRESS, WITH_CLIENT, MEMBERS_NONE, TEMPLATE_TYPE_TEXT },
	{ "tls", TEMPLATE_SUBJECT, WITH_CLIENT, MEMBERS_SUBJECT, TEMPLATE_TYPE_TEXT },
	{ "sid", TEMPLATE_SID, WITH_CLIENT, MEMBERS_NONE, TEMPLATE_TYPE_TEXT },
	{ "nsp", TEMPLATE_NSP, WITH_CLIENT | OF_ROOMS, MEMBERS_STARS, TEMPLATE_TYPE_TEXT },
	{ "rooms", TEMPLATE_ROOMS, WITH_CLIENT, MEMBERS_NONE, TEMPLATE_TYPE_LIST },
	{ "reason", TEMPLATE_REASON, IN(DISCONNECT), MEMBERS_NONE, TEMPLATE_TYPE_TEXT },
	{ "room", TEMPLATE_ROOM, OF_ROOMS, MEMBERS_NONE, TEMPLATE_TYPE_TEXT },
	{ "members", TEMPLATE_MEMBERS, IN(HERE), MEMBERS_NONE, TEMPLATE_TYPE_LIST },
	{ "ids", TEMPLATE_IDS, IN(HERE), MEMBERS_NONE, TEMPLATE_TYPE_LIST },
	{ "info", TEMPLATE_INFO, IN(MEMBER), MEMBERS_DEEP, TEMPLATE_TYPE_ANY },
	{ "member", TEMPLATE_MEMBER, IN(MEMBER), MEMBERS_NONE, TEMPLATE_TYPE_ANY },
	{ "count", TEMPLATE_NUMBER, OF_ROOMS, MEMBERS_NONE, TEMPLATE_TYPE_ANY },
	{ "key", TEMPLATE_KEY, OF_PRIMES, MEMBERS_NONE, TEMPLATE_TYPE_TEXT },
	{ "field", TEMPLATE_FIELD, IN(PRIME), MEMBERS_NONE, TEMPLATE_TYPE_TEXT },
};

static const struct known star = { "1", TEMPLATE_STAR, IN(FEED) | IN(SCAN), MEMBERS_NONE, TEMPLATE_TYPE_TEXT };
static const struct known argument = { "1", TEMPLATE_ARGUMENT, IN(EVENT), MEMBERS_DEEP, TEMPLATE_TYPE_ANY };

#define OF_CLIENTS \
	"{auth}, {claims}, {query.name}, {header.name}, {cookie.name}, {address}, " \
	"{tls.subject}, {sid}, {nsp}"

/* For mistakes: a place, and what there is in it. */
static const struct {
	const char *name, *all;
} places[] = {
	[TEMPLATE_IN_FEED] = { "in a feed", "{channel}, {1} … {9}, {message}, {text} and {/json/pointer}" },
	[TEMPLATE_IN_STREAM] = { "in a feed of a stream", "{channel}, {id}, {message}, {text} and {/json/pointer}" },
	[TEMPLATE_IN_CONNECTION] = { "at \"connection\"", OF_CLIENTS " and {rooms}" },
	[TEMPLATE_IN_EVENT] = { "in the handler of an event",
		"{1} … {9}, {args}, {event}, " OF_CLIENTS " and {rooms}" },
	[TEMPLATE_IN_DISCONNECT] = { "at \"disconnect\"", "{reason}, " OF_CLIENTS " and {rooms}" },
	[TEMPLATE_IN_HERE] = { "in \"here\"", "{members}, {ids}, {count}, {room} and {nsp}" },
	[TEMPLATE_IN_MEMBER] = { "in \"joining\" and \"leaving\"", "{info}, {member}, {count}, {room} and {nsp}" },
	[TEMPLATE_IN_SNAPSHOT] = { "in \"snapshotEvent\"", "{event}" },
	[TEMPLATE_IN_PRIME] = { "in \"prime\"", "{key}, and of a hash {field}" },
	[TEMPLATE_IN_SCAN] = { "in \"prime\" with \"scan\"", "{key} and {1} … {9}" },
	[TEMPLATE_IN_COUNT] = { "in the event of a count", "{count}, {room} and {nsp}" },
};

int
template__mistake(struct template_error *err, const char *fmt, ...)
{
	va_list ap;

	err->nomem = false;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return -1;
}

int
template__nomem(struct template_error *err)
{
	template__mistake(err, "out of memory");
	err->nomem = true;
	return -1;
}

static const struct known *
known_as(enum template_what what)
{
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].what == what) return &known[i];
	return NULL;
}

enum template_type
template__type(const struct template_part *part)
{
	const struct known *k = known_as(part->what);

	if (part->name_n) return TEMPLATE_TYPE_TEXT;
	return k && !part->n ? k->type : TEMPLATE_TYPE_ANY;
}

const char *
template__name(enum template_what what)
{
	const struct known *k = known_as(what);

	CHECK(k);
	return k->name;
}

/* Letters of any script, digits, '_' and '-'. What else there is belongs to pointers, or may mean something one day. */
static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
	       (unsigned char)c >= 0x80;
}

static size_t
name_span(struct eio_bytes s)
{
	size_t n = 0;

	while (n < s.n && is_name_char(s.p[n])) n++;
	return n;
}

static struct eio_bytes
cut_front(struct eio_bytes s, size_t n)
{
	return eio_bytes(s.p + n, s.n - n);
}

/* ".a.b", "/a/b" or ".a/b" as the pointer "/a/b": what a dot may stand before has nothing that a pointer escapes. */
static int
read_deep(struct template *t, struct eio_bytes inside, struct eio_bytes rest, struct template_part *part,
	struct template_error *err)
{
	size_t n;

	part->at = t->text.n;
	while (rest.n && rest.p[0] == '.' && (n = name_span(cut_front(rest, 1))) > 0) {
		eio_buf_addc(&t->text, '/');
		eio_buf_append(&t->text, rest.p + 1, n);
		rest = cut_front(rest, n + 1);
	}
	if (rest.n && rest.p[0] != '/')
		return template__mistake(err,
			"{%.*s}: behind a dot stands a name of letters, digits, '_' and '-'; any other member is "
			"reached by a JSON pointer, such as {1/a b}",
			TEMPLATE_QUOTE(inside));
	if (!sio_json_pointer_valid(rest))
		return template__mistake(err, "\"%.*s\" is not a JSON pointer", TEMPLATE_QUOTE(rest));
	eio_buf_add(&t->text, rest);
	part->n = t->text.n - part->at;
	return 0;
}

/* Adds the name as it is, behind the pointer to it that stands at part->at. */
static void
add_flat_name(struct template *t, struct eio_bytes name, struct template_part *part)
{
	bool lower = part->what == TEMPLATE_HEADER;

	part->name_at = t->text.n;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '~' && i + 1 < name.n) c = name.p[++i] == '0' ? '~' : '/'; /* of a pointer only */
		eio_buf_addc(&t->text, lower && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
	part->name_n = t->text.n - part->name_at;
}

/* ".name" or "/name", where a dot does not go deeper: cookies are called "connect.sid". */
static int
read_flat(struct template *t, struct eio_bytes inside, struct eio_bytes rest, struct template_part *part,
	struct template_error *err)
{
	struct eio_bytes name = cut_front(rest, 1);
	bool good = name.n > 0;

	if (rest.p[0] == '/')
		good = good && sio_json_pointer_valid(rest) && !memchr(name.p, '/', name.n);
	else
		for (size_t i = 0; i < name.n; i++) good = good && (is_name_char(name.p[i]) || name.p[i] == '.');
	if (!good)
		return template__mistake(err,
			"{%.*s}: behind a dot stands one name of letters, digits, '_', '-' and '.'; any other is "
			"reached by a JSON pointer, such as {query/a b}",
			TEMPLATE_QUOTE(inside));
	add_flat_name(t, name, part);
	if (part->what == TEMPLATE_QUERY) return 0;
	part->at = t->text.n;
	eio_buf_addc(&t->text, '/');
	for (size_t i = 0; i < part->name_n; i++) {
		char c = t->text.failed ? 0 : t->text.p[part->name_at + i];

		if (c == '~' || c == '/') eio_buf_addc(&t->text, '~');
		eio_buf_addc(&t->text, c == '~' ? '0' : c == '/' ? '1' : c);
	}
	part->n = t->text.n - part->at;
	return 0;
}

static bool
is_feed(const struct template_context *where)
{
	return where->place == TEMPLATE_IN_FEED || where->place == TEMPLATE_IN_STREAM;
}

static const struct known *
find_known(struct eio_bytes name, const struct template_context *where, struct template_part *part)
{
	if (name.n == 1 && name.p[0] >= '1' && name.p[0] <= '9') {
		part->number = (unsigned)(name.p[0] - '1');
		return is_feed(where) || where->place == TEMPLATE_IN_SCAN ? &star : &argument;
	}
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (eio_bytes_eq(name, eio_cstr(known[i].name))) return &known[i];
	return NULL;
}

static int
read_message(struct template *t, struct eio_bytes inside, const struct template_context *where,
	struct template_part *part, struct template_error *err)
{
	if (!is_feed(where))
		return template__mistake(err, "{%.*s} is a value in a feed's message: %s there are %s",
			TEMPLATE_QUOTE(inside), places[where->place].name, places[where->place].all);
	part->what = TEMPLATE_MESSAGE;
	t->uses_message = true;
	return read_deep(t, inside, inside, part, err);
}

/* ".1" to ".9" behind {nsp}. */
static int
read_star(struct eio_bytes inside, struct eio_bytes rest, const struct template_context *where,
	struct template_part *part, struct template_error *err)
{
	if (rest.n != 2 || rest.p[0] != '.' || rest.p[1] < '1' || rest.p[1] > '9')
		return template__mistake(err,
			"{%.*s}: {nsp} has no members but {nsp.1} … {nsp.9}, what its stars matched",
			TEMPLATE_QUOTE(inside));
	part->what = TEMPLATE_NSP_STAR;
	part->number = (unsigned)(rest.p[1] - '1');
	if (part->number < where->nsp_stars) return 0;
	return template__mistake(err, "{%.*s} stands for nothing: the namespace has %u star%s", TEMPLATE_QUOTE(inside),
		where->nsp_stars, where->nsp_stars == 1 ? "" : "s");
}

int
template__placeholder(struct template *t, struct eio_bytes inside, const struct template_context *where,
	struct template_part *part, struct template_error *err)
{
	struct eio_bytes name = eio_bytes(inside.p, name_span(inside)), rest = cut_front(inside, name.n);
	const struct known *k;

	if (inside.n && inside.p[inside.n - 1] == '?')
		return template__mistake(err,
			"{%.*s}: a placeholder cannot end with '?', but for a whole element of a list, which is left out "
			"when there is no value",
			TEMPLATE_QUOTE(inside));
	if (inside.n && inside.p[0] == '/') return read_message(t, inside, where, part, err);
	k = find_known(name, where, part);
	if (!k || (rest.n && rest.p[0] != '.' && rest.p[0] != '/'))
		return template__mistake(err, "unknown placeholder {%.*s}: %s there are %s; \"{{\" is a brace",
			TEMPLATE_QUOTE(inside), places[where->place].name, places[where->place].all);
	if (!(k->places & 1u << where->place))
		return template__mistake(err, "{%.*s} stands for nothing %s: there are %s", TEMPLATE_QUOTE(inside),
			places[where->place].name, places[where->place].all);
	part->what = k->what;
	t->uses_message |= k->what == TEMPLATE_MESSAGE;
	t->uses_message_text |= k->what == TEMPLATE_MESSAGE_TEXT;
	if (k->what == TEMPLATE_STAR && part->number >= where->stars)
		return template__mistake(err, "{%c} stands for nothing: the %s has %u star%s", name.p[0],
			where->place == TEMPLATE_IN_SCAN ? "pattern" : "feed's pattern", where->stars,
			where->stars == 1 ? "" : "s");
	if (k->members == MEMBERS_SUBJECT && !eio_bytes_eq(rest, EIO_LIT(".subject")))
		return template__mistake(
			err, "{%.*s}: of a client's TLS there is {tls.subject}", TEMPLATE_QUOTE(inside));
	if (!rest.n || k->members == MEMBERS_SUBJECT) return 0;
	if (k->members == MEMBERS_NONE)
		return template__mistake(err, "{%.*s}: {%.*s} has no members %s", TEMPLATE_QUOTE(inside),
			TEMPLATE_QUOTE(name), places[where->place].name);
	if (k->members == MEMBERS_STARS) return read_star(inside, rest, where, part, err);
	return (k->members == MEMBERS_DEEP ? read_deep : read_flat)(t, inside, rest, part, err);
}

/* The variables of 0.1 */

/* The members that $1, $auth and $query took, or were thought to take: ".a.b-c". */
static size_t
old_members(struct eio_bytes s)
{
	size_t n = 0, m;

	while (n < s.n && s.p[n] == '.' && (m = name_span(cut_front(s, n + 1))) > 0) n += m + 1;
	while (n > 0 && s.p[n - 1] == '-') n--;
	return n > 1 ? n : 0;
}

/* Whether 0.1 had a variable of that name, and whether it took members. */
static bool
old_name(struct eio_bytes name, bool *members)
{
	static const char *const old[] = { "auth", "query", "args", "sid", "nsp" };
	size_t i = 0;

	*members = true;
	if (name.n == 1 && name.p[0] >= '1' && name.p[0] <= '9') return true;
	while (i < sizeof old / sizeof old[0] && !eio_bytes_eq(name, eio_cstr(old[i]))) i++;
	*members = i < 2;
	return i < sizeof old / sizeof old[0];
}

int
template__old_variable(struct eio_bytes text, struct template_error *err)
{
	struct eio_bytes rest = cut_front(text, 1), name = eio_bytes(rest.p, 0);
	bool members;

	if (rest.n && rest.p[0] == '$')
		return template__mistake(
			err, "\"$$\" of siocast 0.1 is \"$\" now; where two are meant write \"{$}{$}\"");
	while (name.n < rest.n && (unsigned char)rest.p[name.n] < 0x80 && rest.p[name.n] != '-' &&
		is_name_char(rest.p[name.n]))
		name.n++;
	if (!old_name(name, &members)) return 0;
	if (members) name.n += old_members(cut_front(rest, name.n));
	return template__mistake(err,
		"\"$%.*s\" of siocast 0.1 is \"{%.*s}\" now; where the text is meant write \"{$}%.*s\"",
		TEMPLATE_QUOTE(name), TEMPLATE_QUOTE(name), TEMPLATE_QUOTE(name));
}
