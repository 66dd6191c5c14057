/* SPDX-License-Identifier: MIT */
/* What the command line says of the configuration: options that stand over the file. */
#ifndef SRC_CONFIG_FLAGS_H
#define SRC_CONFIG_FLAGS_H

#include "src/config/loader.h"

/* Reads what l->flags say, each as the row of the main table it stands for. */
void config__flags_apply(struct config_loader *l);

/* What a flag says of the option of that path, for cJSON_Delete(), and the flag's name; NULL where none does. Of feeds,
 * to which flags add, nothing is told. *failed: out of memory. */
cJSON *config__flag_item(const struct config_flags *flags, const char *path, const char **flag, bool *failed);

#endif
