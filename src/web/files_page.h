/* SPDX-License-Identifier: MIT */
/*
 * The page of the Admin UI: a folder of files that name each other without their folder, so that it may be served
 * anywhere. Loaded once, with its folders, but without the maps for debuggers. For src/files*.c.
 *
 *     /admin-ui                    a redirect to the next
 *     /admin-ui/                   index.html
 *     /admin-ui/js/app.….js, …     the others
 */
#ifndef SRC_WEB_FILES_PAGE_H
#define SRC_WEB_FILES_PAGE_H

#include "src/web/files_entry.h"

struct files_page_file; /* one name and its content */

struct files_page {
	char *path; /* ends with a slash; NULL: there is no page */
	struct files_page_file *v;
	size_t n;
};

/* What there is in dir, to be served below path. 0, or -errno with the reason in err (left as it was for -ENOMEM).
 * Either way to be given back with files_page_deinit. */
int files_page_load(struct files_page *p, const char *path, const char *dir, char *err, size_t err_size);

/* The content for the path of a request, or NULL. Any thread. */
struct files_entry *files_page_find(const struct files_page *p, struct eio_bytes path);

/* Whether the path of a request is that of the page without its last slash. Any thread. */
bool files_page_is_folder(const struct files_page *p, struct eio_bytes path);

void files_page_deinit(struct files_page *p);

#endif
