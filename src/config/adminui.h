/* SPDX-License-Identifier: MIT */
/* `adminUI`: the options of the official Admin UI, by the names that they have there. */
#ifndef SRC_CONFIG_ADMINUI_H
#define SRC_CONFIG_ADMINUI_H

#include "src/config/loader.h"

/* Of "mode". */
extern const char *const config__ui_modes[];

/* Rows: the one line of a file with a bcrypt hash, into a buffer of CONFIG_SECRET_BYTES; false or null, into a bool
 * that says whether it was false; the URL folder of the page, false or null, into a const char *. */
void config__ui_hash(struct config_loader *l, const cJSON *item, void *target);
void config__ui_auth(struct config_loader *l, const cJSON *item, void *target);
void config__ui_page(struct config_loader *l, const cJSON *item, void *target);

/* What the whole of it says; its namespace stands among the others then. Behind the path, before what is made of all
 * namespaces. */
void config__ui_finish(struct config_loader *l);

#endif
