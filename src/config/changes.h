/* SPDX-License-Identifier: MIT */
/*
 * What is another one in a configuration that was read anew, and what can be done about it while siocast runs.
 *
 * Every option is in one list here, which says whether it changes live. What is not live stays as it was at the start.
 * No I/O; of two configurations that are immutable.
 */
#ifndef SRC_CONFIG_CHANGES_H
#define SRC_CONFIG_CHANGES_H

#include "src/config/config.h"

/* The parts of a running siocast that are changed one by one, as a set of bits. */
enum config_group {
	CONFIG_GROUP_NONE, /* it takes a restart */
	CONFIG_GROUP_LOG = 1, /* lines of the log */
	CONFIG_GROUP_END = 2, /* how it ends */
	CONFIG_GROUP_CLIENTS = 4, /* what clients may, and how long they have */
	CONFIG_GROUP_NAMESPACES = 8, /* namespaces, their handlers, and who may connect */
	CONFIG_GROUP_FEEDS = 16,
	CONFIG_GROUP_REDIS = 32, /* what is said and believed where it connects to Redis */
	CONFIG_GROUP_LISTEN = 64, /* where clients connect, and how */
	CONFIG_GROUP_ADMIN = 128, /* the same of the admin port */
	CONFIG_GROUP_UI = 256, /* who may use the Admin UI */
};

/* One option that is another one. */
struct config_change {
	const char *path; /* as in the main table: "limits.heldEvents"; constant */
	enum config_group group;
};

enum { CONFIG_MAX_CHANGES = 128 }; /* more than there are options */

/* The options that differ, in the order of the table. Both were loaded from the same flags. Returns how many; out has
 * room for CONFIG_MAX_CHANGES. */
size_t config_changes(const struct config *before, const struct config *now, struct config_change *out);

/* What options of a group depend on beside themselves stays as it was at the start: has `now` say what `first` says of
 * the workers, the path and the generation. Before anybody works from it. */
void config_keep(struct config *now, const struct config *first);

/* Why namespaces have to stay as they were at the start, although others were read, in a few words; NULL: they may
 * change. */
const char *config_namespaces_stay(const struct config *first, const struct config *now);

/* The same of the admin port. */
const char *config_admin_stays(const struct config *first, const struct config *now);

/* Why who may use the Admin UI stays as it was. */
const char *config_ui_stays(const struct config *first, const struct config *now);

/* The same of the feeds. */
const char *config_feeds_stay(const struct config *first, const struct config *now);

/* Why Redis stays as it was at the start, all of it; NULL: it may change. feeds: those that will be at work, which may
 * not be the ones that were read, as these may have to wait for a restart. */
const char *config_redis_stays(const struct config *first, const struct config *now, const struct feed_specs *feeds);

/* A copy of each server's address with its user, password and certificates, for config_secrets_free(); NULL when out of
 * memory. */
struct redis_url *config_secrets(const struct config *c);
void config_secrets_free(struct redis_url *all); /* NULL is fine */

/* Whether any of them is another one at the same address. */
bool config_secrets_change(const struct config *first, const struct redis_url *all);

/* Exchanges the latter with those of the start, of which all connections are made, where the address is the same: only
 * that a connection is made changes then. On the thread that makes them. */
void config_swap_secrets(const struct config *first, struct redis_url *all);

/* Exchanges the address of one, with all that belongs to it. The same, while nobody else looks at it. */
void config_swap_redis(const struct config *first, size_t i, struct redis_url *url);

/* Adds the next server of another configuration behind the last one; 0, or -1 when out of memory. Or takes the last one
 * away, of which there must be another one. The same. */
int config_add_redis(const struct config *first, const struct config *now);
void config_drop_redis(const struct config *first);

/* Of which group an option is, by its path; -1: it is in no list, which a test finds. */
int config_group_of(const char *path);

#endif
