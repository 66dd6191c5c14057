/* SPDX-License-Identifier: MIT */
/* Who it is: AUTH, HELLO and RESET. */
#include "src/resp/command.h"

/* Looks at every byte of what was said, whatever it is. */
static bool
is_same_secret(struct eio_bytes secret, struct eio_bytes said)
{
	volatile unsigned char differs = secret.n != said.n;

	for (size_t i = 0; i < said.n; i++) differs |= (unsigned char)(said.p[i] ^ (i < secret.n ? secret.p[i] : 0));
	return !differs;
}

/* Where nobody has a password, the one user there is may say any, as in Redis. */
static bool
may_enter(const struct resp_spec *spec, struct eio_bytes user, struct eio_bytes password)
{
	bool good = is_same_secret(eio_cstr(spec->user), user);

	if (!spec->password) return good;
	return is_same_secret(eio_cstr(spec->password), password) && good;
}

/* False: that was answered. */
static bool
enter_as(struct resp_session *s, struct eio_bytes user, struct eio_bytes password)
{
	if (!may_enter(s->spec, user, password)) {
		resp_session_refuse(s, RESP_ERROR_PASSWORD,
			EIO_LIT("WRONGPASS invalid username-password pair or user is disabled."));
		return false;
	}
	s->authenticated = true;
	return true;
}

void
resp__auth(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)all;
	if (q->n > 3) {
		resp_session_refuse(s, RESP_ERROR_ARGUMENTS, EIO_LIT("ERR syntax error"));
		return;
	}
	if (q->n == 2 && !s->spec->password) {
		resp_session_refuse(s, RESP_ERROR_ARGUMENTS,
			EIO_LIT("ERR AUTH <password> called without any password configured for the default user. Are "
				"you sure your configuration is correct?"));
		return;
	}
	if (enter_as(s, q->n == 3 ? q->words[1] : EIO_LIT("default"), q->words[q->n - 1]))
		resp_reply_status(&s->out, EIO_LIT("OK"));
}

/* What else may stand in a HELLO. */
struct hello {
	unsigned protocol; /* 0: as before */
	bool has_user, has_name;
	struct eio_bytes user, password, name;
};

/* False: that was answered. */
static bool
read_hello_version(struct resp_session *s, struct eio_bytes word, struct hello *out)
{
	size_t minus = word.n > 1 && *word.p == '-';
	bool digits = word.n > 0 && word.n < 19 && (word.n == minus + 1 || word.p[minus] != '0');

	for (size_t i = minus; i < word.n; i++) digits = digits && word.p[i] >= '0' && word.p[i] <= '9';
	if (!digits) {
		resp_session_refuse(
			s, RESP_ERROR_ARGUMENTS, EIO_LIT("ERR Protocol version is not an integer or out of range"));
		return false;
	}
	if (word.n != 1 || *word.p < '2' || *word.p > '3') {
		resp_session_refuse(s, RESP_ERROR_ARGUMENTS, EIO_LIT("NOPROTO unsupported protocol version"));
		return false;
	}
	out->protocol = (unsigned)(*word.p - '0');
	return true;
}

/* The same. */
static bool
read_hello_name(struct resp_session *s, struct eio_bytes name, struct hello *out)
{
	out->has_name = true;
	out->name = name;
	if (resp_text_is_plain(name)) return true;
	resp_session_refuse(s, RESP_ERROR_ARGUMENTS,
		EIO_LIT("ERR Client names cannot contain spaces, newlines or special characters."));
	return false;
}

/* The same. */
static bool
read_hello_options(struct resp_session *s, const struct resp_request *q, struct hello *out)
{
	size_t n = q->n < RESP_WORDS ? q->n : RESP_WORDS;

	if (n > 1 && !read_hello_version(s, q->words[1], out)) return false;
	for (size_t i = 2; i < n; i++) {
		size_t more = n - 1 - i;

		if (resp_word_is(q->words[i], "auth") && more >= 2) {
			out->has_user = true;
			out->user = q->words[i + 1];
			out->password = q->words[i + 2];
			i += 2;
		} else if (resp_word_is(q->words[i], "setname") && more) {
			if (!read_hello_name(s, q->words[++i], out)) return false;
		} else {
			resp_session_err(s, RESP_ERROR_ARGUMENTS);
			resp_reply_errorf(&s->out, "ERR Syntax error in HELLO option '%.*s'",
				(int)(q->words[i].n < 300 ? q->words[i].n : 300), q->words[i].p);
			return false;
		}
	}
	return true;
}

static void
add_pair(struct eio_buf *out, struct eio_bytes name, struct eio_bytes value)
{
	resp_reply_bulk(out, name);
	resp_reply_bulk(out, value);
}

static void
greet_client(struct resp_session *s)
{
	resp_reply_map(&s->out, s->protocol, 7);
	add_pair(&s->out, EIO_LIT("server"), EIO_LIT("redis")); /* libraries look for that */
	add_pair(&s->out, EIO_LIT("version"), EIO_LIT(RESP_REDIS_VERSION));
	resp_reply_bulk(&s->out, EIO_LIT("proto"));
	resp_reply_integer(&s->out, s->protocol);
	resp_reply_bulk(&s->out, EIO_LIT("id"));
	resp_reply_integer(&s->out, s->id);
	add_pair(&s->out, EIO_LIT("mode"), EIO_LIT("standalone"));
	add_pair(&s->out, EIO_LIT("role"), EIO_LIT("master"));
	resp_reply_bulk(&s->out, EIO_LIT("modules"));
	resp_reply_list(&s->out, 0);
}

void
resp__hello(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	struct hello h = { 0 };

	(void)all;
	if (!read_hello_options(s, q, &h)) return;
	if (h.has_user && !enter_as(s, h.user, h.password)) return;
	if (!s->authenticated) {
		resp_session_refuse(s, RESP_ERROR_NO_AUTH,
			EIO_LIT("NOAUTH HELLO must be called with the client already authenticated, otherwise the "
				"HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and "
				"select the RESP protocol version at the same time"));
		return;
	}
	if (h.has_name) resp_text_set(&s->name, h.name);
	if (h.protocol) s->protocol = h.protocol;
	greet_client(s);
}

void
resp__reset(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)all;
	(void)q;
	s->protocol = 2;
	s->database = 0;
	s->authenticated = !s->spec->password;
	s->replies = RESP_REPLIES_ON;
	s->name.n = 0;
	resp_reply_status(&s->out, EIO_LIT("RESET"));
}
