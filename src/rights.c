/* SPDX-License-Identifier: MIT */
/* Who siocast is once everything is open. */
#include "src/rights.h"

#include "src/base/log.h"
#include "src/base/privileges.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

/* The Unix sockets that this process has made, one after the other: begin with *i 0. */
static const struct config_listen *
next_own_socket(const struct config *c, const struct listeners *l, bool intake_held, size_t *i)
{
	while (*i < c->n_listen + 1) {
		bool intake = *i == c->n_listen;
		const struct config_listen *one = intake ? c->intake : &c->listen[*i];
		bool held = intake ? intake_held : l->addresses[*i].held;

		++*i;
		if (one && one->path && !held) return one;
	}
	return NULL;
}

/* Sockets that root made are no use to others: who becomes a user has the user own them. */
static int
give_sockets(const struct config *c, const struct listeners *l, bool intake_held, const struct account *a)
{
	const struct config_listen *one;

	for (size_t i = 0; (one = next_own_socket(c, l, intake_held, &i));) {
		if (lchown(one->path, a->uid, a->gid) == 0) continue;
		log_error_errno(errno, "event=privileges-failed address=%s", one->text);
		return -1;
	}
	return 0;
}

/* The same of the files of the logs: they are opened again, by that user. */
static int
give_logs(const struct account *a)
{
	const char *file;
	int err = log_give_files(a->uid, a->gid, &file);

	if (err) log_error_errno(err, "event=privileges-failed file=\"%s\"", LOG_ESCAPE(eio_cstr(file)));
	return err ? -1 : 0;
}

/* Keys were read before: with one that cannot be read again siocast works, but does not notice when it changes. */
static void
check_keys(const struct config *c)
{
	const char *file;

	for (size_t i = 0; (file = config_next_key_file(c, &i));)
		if (access(file, R_OK))
			log_warn(
				"event=key-file-unreadable file=\"%s\" user=%s error=\"%s\" hint=\"a change of it will not "
				"be noticed\"",
				LOG_ESCAPE(eio_cstr(file)), c->user, uv_strerror(-errno));
}

/* What is opened or removed later on, by the user that this is now. */
static int
check_later(const struct config *c, const struct files *f, const struct listeners *l, bool intake_held)
{
	const char *token_file = c->publish.token_file, *unreadable = NULL;
	const struct config_listen *one;
	char folder[PATH_MAX];
	int err = files_check_rights(f);

	if (err) {
		unreadable = c->www;
	} else if (token_file && access(token_file, R_OK)) {
		err = errno;
		unreadable = token_file;
	}
	if (unreadable) {
		log_error_errno(
			err, "event=privileges-failed user=%s file=\"%s\"", c->user, LOG_ESCAPE(eio_cstr(unreadable)));
		return -1;
	}
	check_keys(c);
	for (size_t i = 0; (one = next_own_socket(c, l, intake_held, &i));) {
		snprintf(folder, sizeof folder, "%s", one->path);
		if (access(dirname(folder), W_OK | X_OK))
			log_warn("event=socket-stays address=%s user=%s hint=\"the folder is another user's: nobody "
				 "removes the socket at the end; the next start replaces it\"",
				one->text, c->user);
	}
	return 0;
}

static void
tell_privileges(const struct privileges *p)
{
	log_info("event=privileges uid=%u gid=%u capabilities=%" PRIx64 " bounding=%" PRIx64 " no-new-privileges=%d",
		(unsigned)p->uid, (unsigned)p->gid, p->capabilities, p->bounding, p->no_new);
	if (p->uid == 0)
		log_warn("event=runs-as-root hint=\"set user in the configuration, or start it as another user\"");
	if (p->capabilities)
		log_warn("event=privileges-remain capabilities=%" PRIx64 " hint=\"something forbids to give them up\"",
			p->capabilities);
	if (!p->no_new) log_warn("event=privileges-remain no-new-privileges=0");
}

static int
become_user(const struct config *c, const struct files *f, const struct listeners *l, bool intake_held,
	const struct account *a)
{
	bool root = geteuid() == 0;
	struct privileges left;
	int err;

	if (a && root && (give_sockets(c, l, intake_held, a) || give_logs(a))) return -1;
	err = privileges_drop(a, &left);
	if (err) {
		log_error_errno(err, "event=privileges-failed user=%s", c->user ? c->user : "");
		return -1;
	}
	tell_privileges(&left);
	if (a && !root && left.uid != a->uid)
		log_warn("event=user-kept uid=%u user=%s hint=\"only root can become another user\"",
			(unsigned)left.uid, c->user);
	return a && root ? check_later(c, f, l, intake_held) : 0;
}

int
rights_drop(const struct config *c, const struct files *f, const struct listeners *l, bool intake_held)
{
	enum account_fault fault;
	struct account account;
	int err;

	if (!c->user) return become_user(c, f, l, intake_held, NULL);
	fault = account_find(&account, c->user, c->group);
	if (fault) {
		log_error("event=privileges-failed user=%s error=\"%s\"", c->user, account_fault_text(fault));
		return -1;
	}
	err = become_user(c, f, l, intake_held, &account);
	account_deinit(&account);
	return err;
}
