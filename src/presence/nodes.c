/* SPDX-License-Identifier: MIT */
/* What other nodes say of their members. */
#include "src/presence/core_int.h"

#include <stdlib.h>

static struct presence_reference *
find_reference(const struct presence_member *m, const struct presence_node *node)
{
	for (struct eio_list *l = m->references.next; l != &m->references; l = l->next) {
		struct presence_reference *ref = EIO_CONTAINER(l, struct presence_reference, of_member);

		if (ref->node == node) return ref;
	}
	return NULL;
}

static struct presence_reference *
reference_new(struct presence_member *m, struct presence_node *node)
{
	struct presence_reference *ref = malloc(sizeof *ref);

	if (!ref) return NULL;
	ref->member = m;
	ref->node = node;
	eio_list_add_tail(&m->references, &ref->of_member);
	eio_list_add_tail(&node->references, &ref->of_node);
	return ref;
}

static void
reference_drop(struct presence_core *c, struct presence_reference *ref)
{
	eio_list_remove(&ref->of_member);
	eio_list_remove(&ref->of_node);
	presence__changed(c, ref->member);
	free(ref);
}

int
presence_node_set(struct presence_core *c, struct presence_node *node, const struct presence_spec *spec,
	struct sio_room_key key, const struct presence_who *who)
{
	struct presence_reference *ref;
	struct presence_member *m;

	if (presence__get(c, spec, key, who, false, &m) != PRESENCE_OK) return -1;
	ref = find_reference(m, node);
	if (!ref) ref = reference_new(m, node);
	if (!ref) return -1;
	ref->generation = node->generation;
	return 0;
}

void
presence_node_clear(
	struct presence_core *c, struct presence_node *node, struct sio_room_key key, struct eio_bytes identity)
{
	const struct presence_room *r = presence__room(c, key);
	const struct presence_member *m = r ? presence__member(c, r, identity) : NULL;
	struct presence_reference *ref = m ? find_reference(m, node) : NULL;

	if (ref) reference_drop(c, ref);
}

void
presence_node_begin(struct presence_node *node)
{
	node->generation++;
}

void
presence_node_end(struct presence_core *c, struct presence_node *node)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &node->references)
	{
		struct presence_reference *ref = EIO_CONTAINER(l, struct presence_reference, of_node);

		if (ref->generation != node->generation) reference_drop(c, ref);
	}
}

void
presence_node_gone(struct presence_core *c, struct presence_node *node)
{
	presence_node_begin(node);
	presence_node_end(c, node);
}
