/* SPDX-License-Identifier: MIT */
/* The options of the whole file. */
#ifndef SRC_CONFIG_OPTIONS_H
#define SRC_CONFIG_OPTIONS_H

#include "src/config/table.h"

extern const struct config_table config__main_table; /* of struct config_parts */

#endif
