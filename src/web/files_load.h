/* SPDX-License-Identifier: MIT */
/* Files that are read once, at the start. For src/files*.c. */
#ifndef SRC_WEB_FILES_LOAD_H
#define SRC_WEB_FILES_LOAD_H

#include "src/web/files_entry.h"

/* a, separator and b as one text, to be freed; NULL when out of memory. */
char *files_join(const char *a, const char *separator, const char *b);

/* Whether s ends with that, and is more than that. */
bool files_ends_with(const char *s, const char *end);

/* Reads a file into an entry of its own, for files_unload(). 0, or -errno with the reason in err (left as it was for
 * -ENOMEM). */
int files_load(
	struct files_entry **out, const char *path, const struct files_entry_kind *kind, char *err, size_t err_size);

void files_unload(struct files_entry *entry);

#endif
