/* SPDX-License-Identifier: MIT */
/* Lists of names; see the header. */
#include "src/tools/lists.h"

#include "sio/json.h"
#include "src/tools/visible.h"

void
write_visible_list(struct eio_buf *out, const char *what, const struct eio_bytes *v, size_t n)
{
	eio_buf_printf(out, "  %-9s ", what);
	for (size_t i = 0; i < n; i++) {
		if (i) EIO_BUF_ADD_LIT(out, ", ");
		write_visible(out, v[i]);
	}
	eio_buf_addc(out, '\n');
}

void
write_json_list(struct eio_buf *out, const char *key, const struct eio_bytes *v, size_t n)
{
	eio_buf_printf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < n; i++) {
		if (i) eio_buf_addc(out, ',');
		sio_json_escape(out, v[i]);
	}
	eio_buf_addc(out, ']');
}
