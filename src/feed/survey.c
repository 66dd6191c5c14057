/* SPDX-License-Identifier: MIT */
/* Questions to all workers, and their answers. */
#include "src/feed/survey.h"

#include "eio/refs.h"

#include <stdlib.h>

struct feed_answer *
feed_answer_new(uint64_t survey)
{
	struct feed_answer *a = calloc(1, sizeof *a);

	if (a) a->survey = survey;
	return a;
}

void
feed_answer_free(struct feed_answer *a)
{
	if (!a) return;
	eio_buf_deinit(&a->json);
	eio_bundle_unref(a->ack);
	free(a);
}

struct feed_survey *
feed_survey_new(const struct feed_survey *like)
{
	struct feed_survey *s = malloc(sizeof *s);

	if (!s) return NULL;
	*s = *like;
	atomic_init(&s->refs, 1);
	if (s->bundle) eio_bundle_ref(s->bundle);
	return s;
}

struct feed_survey *
feed_survey_ref(struct feed_survey *s)
{
	eio_refs_take(&s->refs);
	return s;
}

void
feed_survey_unref(struct feed_survey *s)
{
	if (!s || !eio_refs_drop(&s->refs)) return;
	eio_bundle_unref(s->bundle);
	free(s);
}
