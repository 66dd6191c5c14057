/* SPDX-License-Identifier: MIT */
/* Other nodes: what they say, in its order. */
#include "src/presence/replica.h"

#include "sio/json.h"
#include "src/presence/wire.h"

#include <stdlib.h>

static struct presence_other *
find_other(const struct presence_replica *r, struct eio_bytes id)
{
	for (struct eio_list *l = r->nodes.next; l != &r->nodes; l = l->next) {
		struct presence_other *o = EIO_CONTAINER(l, struct presence_other, link);

		if (eio_bytes_eq(eio_cstr(o->id), id)) return o;
	}
	return NULL;
}

static struct presence_other *
other_get(struct presence_replica *r, struct eio_bytes id)
{
	struct presence_other *o = find_other(r, id);

	if (o) return o;
	o = calloc(1, sizeof *o + id.n + 1);
	if (!o) return NULL;
	memcpy(o->id, id.p, id.n);
	eio_list_init(&o->node.references);
	eio_list_init(&o->counts.parts);
	eio_list_add_tail(&r->nodes, &o->link);
	r->n_nodes++;
	return o;
}

static void
other_gone(struct presence_replica *r, struct presence_other *o)
{
	presence_node_gone(r->core, &o->node);
	presence_count_begin(&o->counts);
	presence_count_end(r->counts, &o->counts);
	eio_list_remove(&o->link);
	r->n_nodes--;
	eio_buf_deinit(&o->meanwhile);
	free(o);
}

/* Something of it was missed. */
static void
miss_something(struct presence_other *o)
{
	o->known = false;
	o->again = o->asked;
	eio_buf_clear(&o->meanwhile);
}

/* False when out of memory: then the state is wrong. What this node has no configuration for is none of its. */
static bool
apply_change(struct presence_replica *r, struct presence_other *o, const struct presence_change *c)
{
	const struct presence_who who = { c->identity, c->member, c->info };
	const struct presence_spec *spec = c->kind == '#' ? NULL : presence_specs_find(r->specs, c->key);
	const struct presence_count_spec *count = c->kind == '#' ? presence_specs_find_count(r->specs, c->key) : NULL;

	if (count && count->shared) return presence_count_set(r->counts, &o->counts, count, c->key, c->n) == 0;
	if (!spec || !spec->shared) return true;
	if (c->kind == '+') return presence_node_set(r->core, &o->node, spec, c->key, &who) == 0;
	presence_node_clear(r->core, &o->node, c->key, c->identity);
	return true;
}

/* What is no change is passed over. */
static void
apply_changes(struct presence_replica *r, struct presence_other *o, struct eio_bytes list)
{
	struct sio_json_iter it = sio_json_iter(list);
	struct presence_change c;
	struct eio_bytes e;

	while (sio_json_next(&it, NULL, &e))
		if (presence_change_read(e, &r->scratch, &c) && !apply_change(r, o, &c)) miss_something(o);
}

/* A message about a state that was read before. */
static void
take_news(struct presence_replica *r, struct presence_other *o, const struct presence_message *m)
{
	bool changes = m->word == PRESENCE_CHANGES;

	if (changes && m->seq == o->seq + 1) {
		o->seq = m->seq;
		apply_changes(r, o, m->changes);
	} else if (m->seq > o->seq) {
		miss_something(o);
	}
}

/* A message that comes while the state is being read. */
static void
keep_message(struct presence_other *o, struct eio_bytes text)
{
	if (o->meanwhile.n + text.n > PRESENCE_MEANWHILE_MAX) {
		miss_something(o);
		return;
	}
	eio_buf_add(&o->meanwhile, text);
	eio_buf_addc(&o->meanwhile, PRESENCE_SEPARATOR);
	if (eio_buf_failed(&o->meanwhile)) miss_something(o);
}

bool
presence_replica_message(struct presence_replica *r, struct eio_bytes text)
{
	struct presence_message m;
	struct presence_other *o;

	if (!presence_message_read(text, &m) || eio_bytes_eq(m.node, eio_cstr(r->own))) return false;
	if (m.word == PRESENCE_BYE) {
		o = find_other(r, m.node);
		if (o) other_gone(r, o);
		return false;
	}
	o = other_get(r, m.node);
	if (o && o->known)
		take_news(r, o, &m);
	else if (o && o->asked)
		keep_message(o, text);
	return m.word == PRESENCE_HELLO;
}

void
presence_replica_ready(struct presence_replica *r, uint64_t now_ms)
{
	r->ready_ms = now_ms;
	for (struct eio_list *l = r->nodes.next; l != &r->nodes; l = l->next) {
		struct presence_other *o = EIO_CONTAINER(l, struct presence_other, link);

		o->known = o->asked = o->again = false;
		eio_buf_clear(&o->meanwhile);
	}
}

struct presence_other *
presence_replica_next_asked(struct presence_replica *r)
{
	for (struct eio_list *l = r->nodes.next; l != &r->nodes; l = l->next) {
		struct presence_other *o = EIO_CONTAINER(l, struct presence_other, link);

		if (o->known || o->asked) continue;
		o->asked = true;
		return o;
	}
	return NULL;
}

/* Cuts off what stands before the next separator. False when nothing is left. */
static bool
next_word(struct eio_bytes *text, struct eio_bytes *word)
{
	const char *end = text->n ? memchr(text->p, PRESENCE_SEPARATOR, text->n) : NULL;

	if (!text->p || (!end && !text->n)) return false;
	*word = eio_bytes(text->p, end ? (size_t)(end - text->p) : text->n);
	text->n -= word->n + (end ? 1 : 0);
	text->p += word->n + (end ? 1 : 0);
	return true;
}

/* One without a number is as old as can be. */
static void
apply_state(struct presence_replica *r, struct presence_other *o, struct eio_bytes text)
{
	struct eio_bytes field, value;
	struct presence_change c;

	presence_node_begin(&o->node);
	presence_count_begin(&o->counts);
	while (next_word(&text, &field) && next_word(&text, &value)) {
		if (eio_bytes_eq(field, EIO_LIT("seq")))
			(void)presence_number(value, &o->seq);
		else if (presence_field_read(field, value, &r->scratch, &c) && !apply_change(r, o, &c))
			o->again = true;
	}
	presence_node_end(r->core, &o->node);
	presence_count_end(r->counts, &o->counts);
}

static void
apply_meanwhile(struct presence_replica *r, struct presence_other *o)
{
	struct eio_buf kept = o->meanwhile;
	struct eio_bytes rest = eio_buf_bytes(&kept), text;
	struct presence_message m;

	eio_buf_init(&o->meanwhile);
	while (o->known && next_word(&rest, &text))
		if (presence_message_read(text, &m)) take_news(r, o, &m);
	eio_buf_deinit(&kept);
}

void
presence_replica_state(struct presence_replica *r, struct eio_bytes id, struct eio_bytes text)
{
	struct presence_other *o = find_other(r, id);

	if (!o || !o->asked) return;
	o->asked = false;
	o->seq = 0;
	/* Without a state it is about to be written, or the node has ended: presence_replica_seq() tells. Who is known
	 * of it stays until then. */
	if (text.n) apply_state(r, o, text);
	o->known = !o->again;
	o->again = false;
	apply_meanwhile(r, o);
}

void
presence_replica_seq(struct presence_replica *r, struct eio_bytes id, struct eio_bytes seq, uint64_t now_ms)
{
	struct presence_other *o = find_other(r, id);
	uint64_t n;

	if (!o) return;
	if (presence_number(seq, &n)) {
		if (o->known && n > o->seq) miss_something(o);
	} else if (now_ms - r->ready_ms >= r->expiry_ms) {
		other_gone(r, o);
	}
}

void
presence_replica_init(struct presence_replica *r)
{
	eio_list_init(&r->nodes);
}

void
presence_replica_deinit(struct presence_replica *r)
{
	while (!eio_list_empty(&r->nodes)) other_gone(r, EIO_CONTAINER(r->nodes.next, struct presence_other, link));
	eio_buf_deinit(&r->scratch);
}
