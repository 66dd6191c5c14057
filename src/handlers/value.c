/* SPDX-License-Identifier: MIT */
/* A value of a client that is wanted outside of a run. */
#include "src/handlers/handlers_int.h"

#include <stdlib.h>

/* A run of nothing. */
static struct handlers_run
run_of(const struct handlers_call *call)
{
	return (struct handlers_run){
		.call = call,
		.data = EIO_LIT("[\"connection\"]"),
		.event = EIO_LIT("\"connection\""),
	};
}

bool
handlers_value(const struct handlers_call *call, const struct template *t, struct eio_buf *out)
{
	struct handlers_run r = run_of(call);
	const struct template_input in = { .find = handlers__find, .ctx = &r };
	struct template_json json = { .text = *out };
	bool made;

	json.spans = calloc(template_max_spans(t) + 1, sizeof *json.spans);
	/* Only values of an event stand apart, of which there is none. */
	made = json.spans && template_render_json(t, &in, &json) == TEMPLATE_OK;
	*out = json.text;
	free(json.spans);
	eio_buf_deinit(&r.scratch);
	return made;
}

const char *
handlers_name(const struct handlers_call *call, const struct template *t, struct eio_buf *out)
{
	struct handlers_run r = run_of(call);
	const struct template_input in = { .find = handlers__find, .ctx = &r };
	enum template_result result = template_render(t, &in, out);

	eio_buf_deinit(&r.scratch);
	if (result == TEMPLATE_OK && eio_buf_failed(out)) result = TEMPLATE_NOMEM;
	return result == TEMPLATE_OK ? NULL : template_result_text(result);
}
