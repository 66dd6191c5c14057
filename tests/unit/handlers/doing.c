/* SPDX-License-Identifier: MIT */
/* Runs handlers, and writes down what they do. */
#include "tests/unit/handlers/doing.h"

struct eio_buf heard; /* one line per effect */

bool deaf; /* writes nothing, to test what happens without memory */

static void
say(const char *what, struct eio_bytes a, struct eio_bytes b)
{
	if (deaf) return;
	eio_buf_add(&heard, eio_cstr(what));
	eio_buf_addc(&heard, ' ');
	eio_buf_add(&heard, a);
	if (b.p) {
		eio_buf_addc(&heard, ' ');
		eio_buf_add(&heard, b);
	}
	eio_buf_addc(&heard, '\n');
}

static void
say_names(const char *what, const struct eio_bytes *v, size_t n)
{
	for (size_t i = 0; i < n; i++) say(what, v[i], eio_bytes(NULL, 0));
}

static void
op_broadcast(void *ctx, struct sio_socket *s, const struct handlers_broadcast *b)
{
	struct eio_block *w = deaf ? NULL : eio_bundle_wire(b->bundle, EIO_WIRE_POLLING);

	(void)ctx;
	(void)s;
	if (w) say(b->self ? "to all" : "to others", eio_bytes(w->data, w->n), eio_bytes(NULL, 0));
	say_names("- room", b->rooms, b->n_rooms);
	say_names("- not", b->except, b->n_except);
	eio_bundle_unref(b->bundle);
}

static void
op_send(void *ctx, struct sio_socket *s, struct eio_bundle *b)
{
	struct eio_block *w = deaf ? NULL : eio_bundle_wire(b, EIO_WIRE_POLLING);

	assert_ptr_equal(ctx, &heard);
	assert_non_null(s);
	if (w) say("send", eio_bytes(w->data, w->n), eio_bytes(NULL, 0));
	eio_bundle_unref(b);
}

static enum handlers_joined
op_join(void *ctx, struct sio_socket *s, const struct handlers_join *join, struct handlers_refusal *why)
{
	(void)ctx;
	(void)s;
	if (eio_bytes_eq(join->room, EIO_LIT("no\"")) && join->asked) {
		*why = (struct handlers_refusal){ "forbidden", { "", 0 } };
		return HANDLERS_OUT;
	}
	say("join", join->room, eio_bytes(NULL, 0));
	return HANDLERS_IN;
}

static void
op_leave(void *ctx, struct sio_socket *s, struct eio_bytes room)
{
	(void)ctx;
	(void)s;
	say("leave", room, eio_bytes(NULL, 0));
}

static void
op_publish(void *ctx, struct sio_socket *s, struct eio_bytes channel, struct eio_bytes payload)
{
	(void)ctx;
	(void)s;
	say("publish", channel, payload);
}

static void
op_close(void *ctx, struct sio_socket *s, bool whole)
{
	(void)ctx;
	(void)s;
	say("close", whole ? EIO_LIT("all") : EIO_LIT("nsp"), eio_bytes(NULL, 0));
}

static void
op_pace(void *ctx, struct sio_socket *s, unsigned per_second)
{
	char number[20];

	(void)ctx;
	(void)s;
	snprintf(number, sizeof number, "%u", per_second);
	say("pace", eio_cstr(number), eio_bytes(NULL, 0));
}

static void
op_over_rate(void *ctx, struct sio_socket *s, enum handlers_over then)
{
	static const char *const names[] = { "drop", "count", "disconnect" };

	(void)ctx;
	(void)s;
	say("over", eio_cstr(names[then]), eio_bytes(NULL, 0));
}

static void
op_skipped(void *ctx, struct sio_socket *s, const struct handlers_skip *skip)
{
	(void)ctx;
	(void)s;
	if (!deaf) {
		eio_buf_printf(&heard, "skip %.*s.%s ", (int)skip->event.n, skip->event.p, skip->action);
		eio_buf_add(&heard, skip->target);
	}
	say(":", eio_cstr(skip->why), eio_bytes(NULL, 0));
}

const struct handlers_ops ops = { op_broadcast, op_send, op_join, op_leave, op_publish, op_close, op_pace, op_over_rate,
	op_skipped, NULL, NULL, NULL };

static const struct sio_client_config config = { 0, 1000 };

static const char auth[] =
	"{\"token\":\"t\\n1\",\"big\":12345678901234567890,\"deep\":{\"a-b\":[1]},\"ph\":{\"_placeholder\":"
	"true,\"num\":0}}";

static uint64_t rates[4];

void
keep_error(void *user, const struct handlers_error *e)
{
	struct handlers_error *first = user;

	if (!*first->text) *first = *e;
}

/* Strings that are wanted, and with a boolean whether there is something: enough of the language, which is the
 * configuration's. */
static bool
read_pair(const cJSON *m, struct where_pair *p)
{
	p->pointer = strdup(m->string);
	if (cJSON_IsBool(m)) {
		p->match.operators = calloc(1, sizeof *p->match.operators);
		if (!p->match.operators) return false;
		*p->match.operators = (struct where_operator){ .exists = cJSON_IsTrue(m) };
		p->match.n_operators = 1;
	} else {
		p->match.values = calloc(1, sizeof *p->match.values);
		if (!p->match.values) return false;
		p->match.n = 1;
		p->match.values->kind = WHERE_SCALAR_STRING;
		p->match.values->text.p = strdup(m->valuestring);
		p->match.values->text.n = strlen(m->valuestring);
		if (!p->match.values->text.p) return false;
	}
	return p->pointer;
}

bool
read_where(void *user, const cJSON *item, struct where *out)
{
	struct handlers_error *err = user;
	bool ok;

	out->v = calloc((size_t)cJSON_GetArraySize(item) + 1, sizeof *out->v);
	ok = out->v;
	for (const cJSON *m = item->child; ok && m; m = m->next) ok = read_pair(m, &out->v[out->n++]);
	if (!ok) strcpy(err->text, "out of memory");
	return ok;
}

void
setup(struct fixture *f, const char *on, const char *nsp)
{
	static const unsigned char random[SIO_ID_RANDOM];
	struct handlers_error err = { .item = NULL };
	struct sio_socket *s;
	struct eio_bundle *b;
	cJSON *json = cJSON_Parse(on);

	assert_non_null(json);
	f->h = handlers_compile(json, 0, keep_error, read_where, &err);
	if (!f->h) fail_msg("%s: %s", err.path, err.text);
	cJSON_Delete(json);
	sio_client_init(&f->client, &config, 0);
	assert_int_equal(sio_client_accept(&f->client, eio_cstr(nsp), eio_cstr(auth), random, &s, &b), 0);
	eio_bundle_unref(b);
	f->call = (struct handlers_call){ .rates = rates,
		.ops = &ops,
		.ctx = &heard,
		.socket = s,
		.query = EIO_LIT("EIO=4&x=a%20b%22&t=1&x=last+one&bad=%ff&e="),
		.headers = EIO_LIT(
			"{\"header\":{\"x-user\":\"ann\",\"a/b~\":\"h\"},\"cookie\":{\"connect.sid\":\"s:1\"}}"),
		.address = EIO_LIT("\"192.0.2.7\""),
		.claims = EIO_LIT("{\"sub\":\"u1\",\"in\":[\"a\",7],\"id\":12345678901234567890}") };
	memset(rates, 0, sizeof rates);
	eio_buf_clear(&heard);
}

void
teardown(struct fixture *f)
{
	handlers_free(f->h);
	sio_client_deinit(&f->client);
}

void
expect_heard(const char *want)
{
	eio_buf_addc(&heard, 0);
	assert_false(eio_buf_failed(&heard));
	assert_string_equal(heard.p, want);
	eio_buf_clear(&heard);
}

enum handlers_result
event(struct fixture *f, const char *packet)
{
	static const char *const attachments[] = { "one", "two" };
	size_t i;
	int rc = sio_client_recv(&f->client, false, eio_cstr(packet), &f->ev);

	for (i = 0; rc == 0 && i < 2; i++) rc = sio_client_recv(&f->client, true, eio_cstr(attachments[i]), &f->ev);
	assert_int_equal(rc, 1);
	assert_int_equal(f->ev.type, SIO_EVENT_MESSAGE);
	return handlers_run_event(f->h, &f->call, &f->ev);
}

void
run(const char *on, const char *packet, enum handlers_result result, const char *want)
{
	struct fixture f;

	setup(&f, on, "/");
	assert_int_equal(event(&f, packet), result);
	expect_heard(want);
	teardown(&f);
}

int
free_heard(void **state)
{
	(void)state;
	eio_buf_deinit(&heard);
	return 0;
}
