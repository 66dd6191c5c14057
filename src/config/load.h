/* SPDX-License-Identifier: MIT */
/* Loading, with one who looks at what was read before it is gone. */
#ifndef SRC_CONFIG_LOAD_H
#define SRC_CONFIG_LOAD_H

#include "src/config/loader.h"

struct config_witness {
	/* Called when all is read, and nothing was wrong; the tree and its places are there still. */
	void (*see)(void *user, const struct config_loader *l);
	void *user;
};

/* config_load(), with a witness or NULL. */
struct config *config__load(
	const struct config_flags *flags, config_report_fn report, void *user, const struct config_witness *witness);

#endif
