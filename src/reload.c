/* SPDX-License-Identifier: MIT */
/* From a file that was changed to what runs. */
#include "src/reload.h"

#include "eio/check.h"
#include "sio/json.h"
#include "src/base/log.h"
#include "src/beside.h"
#include "src/config/changes.h"
#include "src/opening.h"
#include "src/reload_changes.h"
#include "src/reload_listen.h"
#include "src/reload_redis.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define RELOAD_MAGIC 0x9e10ad00u

enum {
	MISTAKE_MAX = 1024, /* bytes of a mistake, escaped */
	WAIT_MS = 100, /* how soon it is tried again when something is under way */
};

struct reload {
	unsigned magic; /* RELOAD_MAGIC */
	struct reload_options options;
	struct reload_parts parts;
	struct reload_listen listen;
	struct reload_redis redis;
	struct config *replaced; /* the one in force; NULL: still the first */
	bool kept; /* its namespaces are not */
	bool kept_feeds; /* nor are its feeds */
	bool kept_admin; /* nor is its admin port */
	bool kept_ui; /* nor the Admin UI, which is or is not served as at the start */
	uv_signal_t sighup;
	uv_timer_t waiting; /* one has come that could not be heeded */
	bool stopped; /* the end has begun */
};

/* What is to be done. */
struct reload_plan {
	struct config_change all[CONFIG_MAX_CHANGES];
	size_t n;
	bool namespaces; /* go over, too */
	const char *stay; /* why they do not; NULL: they do, or are the same */
	bool feeds; /* the same of the feeds */
	const char *feeds_stay;
	bool redis; /* and of Redis */
	const char *redis_stays;
	bool listen; /* and of where clients connect, which never has to stay */
	bool admin; /* and of the admin port */
	const char *admin_stays;
	const char *ui_stays; /* the same of who may use the Admin UI */
	struct redis_url *secrets; /* owned: of Redis, from now on; then those before */
	char why[LISTENERS_WHY_MAX]; /* it cannot be done */
};

/* What is told of one reading. */
struct reload_report {
	struct eio_buf *answer;
	bool strict; /* warnings count, too */
	size_t errors;
};

const struct config *
reload_config(const struct reload *r)
{
	return r->replaced ? r->replaced : r->options.config;
}

/* Mistakes go into the log and the answer, as `siocast -t` has them; warnings are for who looks. */
static void
on_reload_report(void *user, const struct config_report *report)
{
	struct reload_report *told = user;
	char text[MISTAKE_MAX];

	if (report->warning && !told->strict) return;
	log_error("event=reload-mistake error=\"%s\"", log_escape(eio_cstr(report->text), text, sizeof text));
	if (told->errors++) eio_buf_addc(told->answer, ',');
	sio_json_escape(told->answer, eio_cstr(report->text));
}

/* Changing */

static void
change_log(const struct config *c)
{
	log_set_level((enum log_level)c->log_level);
	log_set_format((enum log_format)c->log_format);
}

/* The feeds go over, or nobody does. */
static int
go_over_to_feeds(struct reload *r, const struct config *now)
{
	struct feed_changed n;

	if (feed_change(r->parts.workers->feed, config_feeds(now), &n) < 0) return -1;
	log_info("event=feeds-changed added=%zu removed=%zu altered=%zu same=%zu", n.added, n.removed, n.altered,
		n.same);
	return 0;
}

/* What is made beside what there is, and can be forgotten. */
static int
prepare_parts(struct reload *r, struct config *now, struct reload_plan *plan)
{
	if (plan->redis && !(plan->secrets = config_secrets(now))) return -1;
	if (plan->redis && reload_redis_prepare(&r->redis, r->parts.workers, now)) return -1;
	if (reload_listen_prepare(&r->listen, now, plan->listen, plan->admin, plan->why)) return -1;
	if (workers_prepare(r->parts.workers, now, plan->namespaces) == 0) return 0;
	if (plan->namespaces) snprintf(plan->why, sizeof plan->why, "a key file cannot be read, or memory is out");
	reload_listen_forget(&r->listen);
	return -1;
}

/* All that can fail: afterwards nothing does. */
static int
prepare_change(struct reload *r, struct config *now, struct reload_plan *plan)
{
	config_keep(now, r->options.config);
	snprintf(plan->why, sizeof plan->why, "out of memory");
	if (prepare_parts(r, now, plan)) return -1;
	if (!plan->feeds || go_over_to_feeds(r, now) == 0) return 0;
	workers_forget(r->parts.workers);
	reload_listen_forget(&r->listen);
	return -1;
}

/* What takes over the secrets of Redis. */
struct secrets_call {
	const struct config *first;
	struct redis_url *secrets;
};

static void
swap_secrets(void *user)
{
	const struct secrets_call *c = user;

	config_swap_secrets(c->first, c->secrets);
}

/* Connections that there are stay; the next ones are made with these. */
static void
change_secrets(const struct reload *r, struct redis_url *secrets)
{
	struct secrets_call c = { r->options.config, secrets };
	bool changes = config_secrets_change(r->options.config, secrets);

	feed_call(r->parts.workers->feed, swap_secrets, &c);
	if (changes) log_info("event=redis-secrets-changed hint=\"they are for new connections\"");
}

/* Everybody goes over, whatever has changed: then nobody works from what was in force before. */
static void
change_all(struct reload *r, struct config *now)
{
	change_log(now);
	workers_change(r->parts.workers);
	feed_change_end(r->parts.workers->feed);
	beside_renew(r->parts.workers->adapter, r->parts.workers->edge, now);
	beside_renew_hub(r->parts.workers->hub, now);
	beside_renew_login(r->parts.workers->login, now);
	/* Those that cannot be read stay as they are, which is logged. */
	doors_reread(r->parts.doors);
	if (reload_listen_take(&r->listen)) r->parts.moved(r->parts.user);
	admin_set_hosts(r->parts.admin, now->admin_hosts, now->n_admin_hosts);
	config_free(r->replaced);
	r->replaced = now;
}

/* Reading */

/* What takes a restart; and Redis, because it is the first configuration's that has what is in force of that. */
static bool
is_of_the_start(const struct config_change *c)
{
	return c->group == CONFIG_GROUP_NONE || c->group == CONFIG_GROUP_REDIS;
}

/* What is live is compared with what is in force, all else with what siocast was started with. */
static void
find_changes(const struct reload *r, const struct config *now, struct reload_plan *plan)
{
	struct config_change all[CONFIG_MAX_CHANGES];
	size_t n = config_changes(reload_config(r), now, all);

	for (size_t i = 0; i < n; i++)
		if (!is_of_the_start(&all[i])) plan->all[plan->n++] = all[i];
	n = config_changes(r->options.config, now, all);
	for (size_t i = 0; i < n; i++)
		if (is_of_the_start(&all[i])) plan->all[plan->n++] = all[i];
}

static bool
changes_group(const struct reload_plan *plan, enum config_group group)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->all[i].group == group) return true;
	return false;
}

/* They cannot change now. */
static void
keep_group(struct reload_plan *plan, enum config_group group)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->all[i].group == group) plan->all[i].group = CONFIG_GROUP_NONE;
}

/* Namespaces may have to stay, which others do not notice. */
static void
plan_namespaces(const struct reload *r, const struct config *now, struct reload_plan *plan)
{
	bool changes = changes_group(plan, CONFIG_GROUP_NAMESPACES);

	if (r->kept && !changes) plan->all[plan->n++] = (struct config_change){ "namespaces", CONFIG_GROUP_NAMESPACES };
	if (!changes && !r->kept) return;
	plan->stay = config_namespaces_stay(r->options.config, now);
	plan->namespaces = !plan->stay;
	if (plan->stay) keep_group(plan, CONFIG_GROUP_NAMESPACES);
}

static void
plan_feeds(const struct reload *r, const struct config *now, struct reload_plan *plan)
{
	bool changes = changes_group(plan, CONFIG_GROUP_FEEDS);

	if (r->kept_feeds && !changes) plan->all[plan->n++] = (struct config_change){ "feeds", CONFIG_GROUP_FEEDS };
	if (!changes && !r->kept_feeds) return;
	plan->feeds_stay = config_feeds_stay(r->options.config, now);
	plan->feeds = !plan->feeds_stay;
	if (plan->feeds_stay) keep_group(plan, CONFIG_GROUP_FEEDS);
}

/* Behind what is planned for the feeds: those that stay may need Redis as it is. */
static void
plan_redis(const struct reload *r, const struct config *now, struct reload_plan *plan)
{
	const struct feed *feed = r->parts.workers->feed;

	if (!changes_group(plan, CONFIG_GROUP_REDIS)) return;
	plan->redis_stays = config_redis_stays(
		r->options.config, now, plan->feeds_stay ? feed_specs_at_work(feed) : config_feeds(now));
	plan->redis = !plan->redis_stays;
	if (plan->redis_stays) keep_group(plan, CONFIG_GROUP_REDIS);
}

/* There is one or there is none: that takes a restart. */
static void
plan_admin(const struct reload *r, const struct config *now, struct reload_plan *plan)
{
	bool changes = changes_group(plan, CONFIG_GROUP_ADMIN);

	if (r->kept_admin && !changes) plan->all[plan->n++] = (struct config_change){ "admin", CONFIG_GROUP_ADMIN };
	if (!changes && !r->kept_admin) return;
	plan->admin_stays = config_admin_stays(r->options.config, now);
	plan->admin = !plan->admin_stays && now->admin;
	if (plan->admin_stays) keep_group(plan, CONFIG_GROUP_ADMIN);
}

static void
plan_ui(const struct reload *r, const struct config *now, struct reload_plan *plan)
{
	bool changes = changes_group(plan, CONFIG_GROUP_UI);

	if (r->kept_ui && !changes) plan->all[plan->n++] = (struct config_change){ "adminUI", CONFIG_GROUP_UI };
	if (!changes && !r->kept_ui) return;
	plan->ui_stays = config_ui_stays(r->options.config, now);
	if (plan->ui_stays) keep_group(plan, CONFIG_GROUP_UI);
}

static void
put_in_force(struct reload *r, struct config *now, const struct reload_plan *plan, struct eio_buf *answer)
{
	change_all(r, now);
	if (plan->redis) {
		change_secrets(r, plan->secrets);
		reload_redis_number(&r->redis, now);
		reload_redis_begin(&r->redis);
	}
	r->kept = plan->stay != NULL;
	r->kept_feeds = plan->feeds_stay != NULL;
	r->kept_admin = plan->admin_stays != NULL;
	r->kept_ui = plan->ui_stays != NULL;
	if (plan->stay) log_warn("event=namespaces-stay reason=\"%s\"", plan->stay);
	if (plan->feeds_stay) log_warn("event=feeds-stay reason=\"%s\"", plan->feeds_stay);
	if (plan->redis_stays) log_warn("event=redis-stays reason=\"%s\"", plan->redis_stays);
	if (plan->admin_stays) log_warn("event=admin-stays reason=\"%s\"", plan->admin_stays);
	if (plan->ui_stays) log_warn("event=admin-ui-stays reason=\"%s\"", plan->ui_stays);
	reload_log_changes(plan->all, plan->n, false);
	reload_log_changes(plan->all, plan->n, true);
	opening_warn(now);
	reload_answer_changes(plan->all, plan->n, answer);
}

static int
refuse_reload(struct eio_buf *answer, const char *why)
{
	char text[MISTAKE_MAX];

	log_error("event=reload-failed reason=\"%s\" hint=\"what was in force stays\"",
		log_escape(eio_cstr(why), text, sizeof text));
	EIO_BUF_ADD_LIT(answer, "{\"errors\":[");
	sio_json_escape(answer, eio_cstr(why));
	EIO_BUF_ADD_LIT(answer, "]}\n");
	return 422;
}

/* A file without mistakes. */
static int
take_config(struct reload *r, struct config *now, struct eio_buf *answer)
{
	struct reload_plan plan = { .n = 0 };
	const char *why = NULL;

	eio_buf_clear(answer);
	find_changes(r, now, &plan);
	plan_namespaces(r, now, &plan);
	plan_feeds(r, now, &plan);
	plan_redis(r, now, &plan);
	plan_admin(r, now, &plan);
	plan_ui(r, now, &plan);
	plan.listen = changes_group(&plan, CONFIG_GROUP_LISTEN);
	if (now->compat != r->options.config->compat)
		why = "another compat takes a restart: what other keys mean depends on it";
	else if (prepare_change(r, now, &plan))
		why = plan.why;
	if (why) reload_redis_forget(&r->redis);
	if (!why) put_in_force(r, now, &plan, answer);
	config_secrets_free(plan.secrets);
	if (!why) return 200;
	config_free(now);
	return refuse_reload(answer, why);
}

static int
read_anew(struct reload *r, struct eio_buf *answer)
{
	struct reload_report told = { .answer = answer, .strict = r->options.flags->strict };
	struct config *now;

	EIO_BUF_ADD_LIT(answer, "{\"errors\":[");
	now = config_load(r->options.flags, on_reload_report, &told);
	if (now) return take_config(r, now, answer);
	log_error("event=reload-failed mistakes=%zu hint=\"what was in force stays\"", told.errors);
	EIO_BUF_ADD_LIT(answer, "]}\n");
	return 422;
}

bool
reload_is_busy(const struct reload *r)
{
	CHECK_MAGIC(r, RELOAD_MAGIC);
	return reload_redis_is_busy(&r->redis);
}

int
reload_now(struct reload *r, struct eio_buf *answer)
{
	int status;

	CHECK_MAGIC(r, RELOAD_MAGIC);
	if (r->stopped) return refuse_reload(answer, "siocast ends");
	if (!r->options.flags->file) return refuse_reload(answer, "it was started without a file");
	/* Whoever starts has read the file, and has the sockets of now. */
	if (successor_starting(r->parts.successor))
		return refuse_reload(answer, "a restart is under way, with the file as it was when that began");
	if (reload_is_busy(r))
		return refuse_reload(answer, "another address of Redis is being gone over to: in a moment");
	service_reloading(r->parts.service);
	status = read_anew(r, answer);
	service_reloaded(r->parts.service);
	return status;
}

/* Who sends a signal is told nothing, so it is not refused while Redis is gone over to: it waits. */
static void
on_waited(uv_timer_t *t)
{
	struct reload *r = t->data;
	struct eio_buf answer;

	CHECK_MAGIC(r, RELOAD_MAGIC);
	if (reload_is_busy(r) && !r->stopped) return;
	uv_timer_stop(t);
	eio_buf_init(&answer);
	reload_now(r, &answer);
	eio_buf_deinit(&answer);
}

static void
on_sighup(uv_signal_t *sig, int signum)
{
	struct reload *r = sig->data;

	(void)signum;
	CHECK_MAGIC(r, RELOAD_MAGIC);
	if (!uv_is_active((uv_handle_t *)&r->waiting)) uv_timer_start(&r->waiting, on_waited, WAIT_MS, WAIT_MS);
	if (reload_is_busy(r))
		log_info("event=reload-waits reason=\"another address of Redis is being gone over to\"");
	else
		on_waited(&r->waiting);
}

struct reload *
reload_new(const struct reload_options *options)
{
	struct reload *r = calloc(1, sizeof *r);

	if (!r) return NULL;
	r->magic = RELOAD_MAGIC;
	r->options = *options;
	uv_signal_init(options->loop, &r->sighup);
	r->sighup.data = r;
	reload_redis_init(&r->redis, options->loop, options->config);
	uv_timer_init(options->loop, &r->waiting); /* cannot fail */
	r->waiting.data = r;
	uv_signal_start(&r->sighup, on_sighup, SIGHUP);
	return r;
}

void
reload_set_parts(struct reload *r, const struct reload_parts *parts)
{
	r->parts = *parts;
	r->listen = (struct reload_listen){
		.workers = parts->workers,
		.listeners = parts->listeners,
		.doors = parts->doors,
		.admin = parts->admin,
	};
}

void
reload_stop(struct reload *r)
{
	CHECK_MAGIC(r, RELOAD_MAGIC);
	r->stopped = true;
}

void
reload_close(struct reload *r)
{
	reload_stop(r);
	uv_close((uv_handle_t *)&r->sighup, NULL);
	uv_close((uv_handle_t *)&r->waiting, NULL);
	reload_redis_close(&r->redis);
	/* Who has it read a file does not mean to kill it. */
	signal(SIGHUP, SIG_IGN);
}

void
reload_free(struct reload *r)
{
	CHECK_MAGIC(r, RELOAD_MAGIC);
	config_free(r->replaced);
	r->magic = 0;
	free(r);
}
