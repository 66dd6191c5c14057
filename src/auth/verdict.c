/* SPDX-License-Identifier: MIT */
/* From an answer to a verdict. */
#include "src/auth/verdict.h"

#include "sio/json.h"

/* A member of that kind; n is 0 when there is none. */
static struct eio_bytes
verdict_member(struct eio_bytes body, const char *pointer, enum sio_json_kind kind)
{
	struct eio_bytes v;

	if (sio_json_find(body, eio_cstr(pointer), &v) && sio_json_kind(v) == kind) return v;
	return eio_bytes("", 0);
}

/* Whether a member is there and not null; else *v stays as it is. */
static bool
is_given(struct eio_bytes body, const char *pointer, struct eio_bytes *v)
{
	struct eio_bytes found;

	if (!sio_json_find(body, eio_cstr(pointer), &found) || sio_json_kind(found) == SIO_JSON_NULL) return false;
	*v = found;
	return true;
}

/* The members of an object, without its braces. */
static struct eio_bytes
inside_object(struct eio_bytes object)
{
	return sio_json_trim(eio_bytes(object.p + 1, object.n - 2));
}

/* All members but "sub". */
static void
copy_others(struct eio_buf *out, struct eio_bytes claims)
{
	struct sio_json_iter it = sio_json_iter(claims);
	struct eio_bytes key, value;

	while (sio_json_next(&it, &key, &value)) {
		if (sio_json_string_eq(key, EIO_LIT("sub"))) continue;
		eio_buf_add(out, key);
		eio_buf_addc(out, ':');
		eio_buf_add(out, value);
		eio_buf_addc(out, ',');
	}
}

static void
write_claims(struct auth_verdict *v, struct eio_bytes claims, struct eio_bytes user)
{
	if (!claims.n && !user.n) return;
	eio_buf_addc(&v->claims, '{');
	if (user.n) {
		/* A client whose joins each say who it is has one "sub" all the same. */
		if (claims.n) copy_others(&v->claims, claims);
		EIO_BUF_ADD_LIT(&v->claims, "\"sub\":");
		eio_buf_add(&v->claims, user);
	} else {
		eio_buf_add(&v->claims, inside_object(claims));
	}
	eio_buf_addc(&v->claims, '}');
}

bool
auth_verdict_unavailable(struct auth_verdict *v)
{
	*v = (struct auth_verdict){ .odd = v->odd };
	EIO_BUF_ADD_LIT(&v->message, "authentication unavailable");
	eio_buf_printf(&v->data, "{\"code\":\"unavailable\",\"retryAfter\":%d}", AUTH_RETRY_S);
	return !eio_buf_failed(&v->message) && !eio_buf_failed(&v->data);
}

static bool
read_unavailable(struct auth_verdict *v, const struct hook_answer *a, const char *odd)
{
	auth_verdict_deinit(v);
	v->odd = odd;
	if (!auth_verdict_unavailable(v)) return false;
	if (!a->retry_after_s) return true;
	eio_buf_clear(&v->data);
	eio_buf_printf(&v->data, "{\"code\":\"unavailable\",\"retryAfter\":%u}", a->retry_after_s);
	return !eio_buf_failed(&v->data);
}

static bool
read_grant(struct auth_verdict *v, const struct hook_answer *a, struct eio_bytes body, struct eio_bytes claims)
{
	struct eio_bytes given, user = { "", 0 };

	if (is_given(body, "/claims", &given)) {
		if (sio_json_kind(given) != SIO_JSON_OBJECT) return read_unavailable(v, a, "\"claims\" is no object");
		claims = given;
	}
	if (is_given(body, "/rooms", &given) && sio_json_kind(given) != SIO_JSON_ARRAY)
		return read_unavailable(v, a, "\"rooms\" is no list");
	if (is_given(body, "/emit", &given) && sio_json_kind(given) != SIO_JSON_ARRAY)
		return read_unavailable(v, a, "\"emit\" is no list");
	is_given(body, "/user", &user);
	write_claims(v, claims, user);
	if (v->claims.n > AUTH_CLAIMS_BYTES) return read_unavailable(v, a, "the claims are larger than 16 KB");
	v->in = true;
	v->rooms = verdict_member(body, "/rooms", SIO_JSON_ARRAY);
	v->emit = verdict_member(body, "/emit", SIO_JSON_ARRAY);
	return !eio_buf_failed(&v->claims);
}

static bool
read_refusal(struct auth_verdict *v, const struct hook_answer *a, struct eio_bytes body)
{
	struct eio_bytes message = verdict_member(body, "/message", SIO_JSON_STRING), data;

	if (message.n)
		sio_json_unescape(&v->message, message);
	else
		eio_buf_add(&v->message, a->status == 401 ? EIO_LIT("Unauthorized") : EIO_LIT("Forbidden"));
	if (is_given(body, "/data", &data)) eio_buf_add(&v->data, data);
	return !eio_buf_failed(&v->message) && !eio_buf_failed(&v->data);
}

bool
auth_verdict_read(struct auth_verdict *v, const struct hook_answer *a, struct eio_bytes claims)
{
	struct eio_bytes body = sio_json_trim(a->body);
	bool is_object = body.n && !sio_json_check(body) && sio_json_kind(body) == SIO_JSON_OBJECT;

	*v = (struct auth_verdict){ 0 };
	if (a->status / 100 == 4) return read_refusal(v, a, is_object ? body : EIO_LIT("{}"));
	if (a->status / 100 != 2) return read_unavailable(v, a, a->status ? "the status" : NULL);
	if (body.n && !is_object) return read_unavailable(v, a, "the body is no JSON object");
	return read_grant(v, a, is_object ? body : EIO_LIT("{}"), claims);
}

static bool
read_channel_data(struct auth_verdict *v, const struct hook_answer *a, struct eio_bytes data, struct eio_bytes claims)
{
	struct eio_bytes user = { "", 0 };

	data = sio_json_trim(data);
	if (data.n && (sio_json_check(data) || sio_json_kind(data) != SIO_JSON_OBJECT))
		return read_unavailable(v, a, "\"channel_data\" is no object");
	if (data.n) is_given(data, "/user_id", &user);
	write_claims(v, data.n ? data : claims, user);
	if (v->claims.n > AUTH_CLAIMS_BYTES) return read_unavailable(v, a, "the claims are larger than 16 KB");
	v->in = true;
	return !eio_buf_failed(&v->claims);
}

bool
auth_verdict_read_laravel(struct auth_verdict *v, const struct hook_answer *a, struct eio_bytes claims)
{
	struct eio_bytes body = sio_json_trim(a->body), data = { "", 0 };
	struct eio_buf text = { 0 };
	bool read;

	if (a->status / 100 != 2) return auth_verdict_read(v, a, claims);
	*v = (struct auth_verdict){ 0 };
	if (body.n && !sio_json_check(body)) is_given(body, "/channel_data", &data);
	if (data.n && sio_json_kind(data) == SIO_JSON_STRING) {
		sio_json_unescape(&text, data);
		data = eio_buf_bytes(&text);
	}
	read = !eio_buf_failed(&text) && read_channel_data(v, a, data, claims);
	eio_buf_deinit(&text);
	return read;
}

void
auth_verdict_deinit(struct auth_verdict *v)
{
	eio_buf_deinit(&v->claims);
	eio_buf_deinit(&v->message);
	eio_buf_deinit(&v->data);
	*v = (struct auth_verdict){ 0 };
}

bool
auth_verdict_lets_in(const struct hook_answer *a, bool laravel)
{
	const struct eio_bytes none = { "", 0 };
	struct auth_verdict v;
	bool in = laravel ? auth_verdict_read_laravel(&v, a, none) : auth_verdict_read(&v, a, none);

	in = in && v.in;
	auth_verdict_deinit(&v);
	return in;
}
