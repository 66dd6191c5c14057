/* SPDX-License-Identifier: MIT */
/* Starting the program anew; see the header. */
#include "src/successor.h"

#include "eio/check.h"
#include "src/base/fd_message.h"
#include "src/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUCCESSOR_MAGIC 0x5ccce550u

extern char **environ;

enum {
	FIRST_FD = 3, /* SD_LISTEN_FDS_START */
	OWN_VARIABLES = 3, /* those of LISTEN_… */
	ARGUMENT_BYTES = 131072, /* of all arguments, as in /proc/self/cmdline */
};

struct successor {
	unsigned magic; /* SUCCESSOR_MAGIC */
	struct successor_options options;
	uv_signal_t sigusr2;
	uv_timer_t timer;
	uv_poll_t poll; /* while one is being started */
	bool polls; /* it is open */
	bool closing; /* it is not yet closed: nobody can be started */
	int fd; /* the way to it; -1: there is none */
	pid_t pid;
	bool asked; /* for one, which is to be started in a moment */
	bool waits; /* it is ready */
	bool closed;
	char *program; /* owned, like those below */
	char *arguments; /* one behind the other */
	char **argv, **env; /* env has room for LISTEN_… behind it */
	size_t n_env;
};

/* How this process was started */

static char *
read_arguments(size_t *n)
{
	char *text = malloc(ARGUMENT_BYTES + 1);
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t got;

	*n = 0;
	while (text && fd >= 0 && *n < ARGUMENT_BYTES && (got = read(fd, text + *n, ARGUMENT_BYTES - *n)) > 0)
		*n += (size_t)got;
	if (fd >= 0) close(fd);
	if (text) text[*n] = '\0';
	return text;
}

static bool
note_arguments(struct successor *s)
{
	size_t n, count = 0;

	s->arguments = read_arguments(&n);
	if (!s->arguments || !n) return false;
	for (size_t i = 0; i < n; i++) count += s->arguments[i] == '\0';
	s->argv = calloc(count + 2, sizeof(char *));
	if (!s->argv) return false;
	count = 0;
	for (size_t i = 0; i < n; i += strlen(s->arguments + i) + 1) s->argv[count++] = s->arguments + i;
	return true;
}

/* The path by which it was called, where there is one: another program may stand there by then, also behind a link. */
static bool
note_program(struct successor *s)
{
	char path[PATH_MAX];
	size_t n = sizeof path;

	if (strchr(s->argv[0], '/'))
		s->program = strdup(s->argv[0]);
	else if (uv_exepath(path, &n) == 0)
		s->program = strdup(path);
	return s->program != NULL;
}

static bool
is_own_variable(const char *text)
{
	return strncmp(text, "LISTEN_", 7) == 0 || strncmp(text, "WATCHDOG_PID=", 13) == 0;
}

static bool
note_environment(struct successor *s)
{
	size_t n = 0;

	while (environ[n]) n++;
	s->env = calloc(n + OWN_VARIABLES + 1, sizeof(char *));
	if (!s->env) return false;
	for (size_t i = 0; i < n; i++) {
		if (is_own_variable(environ[i])) continue;
		s->env[s->n_env] = strdup(environ[i]);
		if (!s->env[s->n_env++]) return false;
	}
	return true;
}

/* Starting */

static void
on_successor_poll_closed(uv_handle_t *h)
{
	struct successor *s = h->data;

	CHECK_MAGIC(s, SUCCESSOR_MAGIC);
	s->closing = false;
}

static void
close_poll(struct successor *s)
{
	if (s->polls) uv_close((uv_handle_t *)&s->poll, on_successor_poll_closed);
	s->closing |= s->polls;
	s->polls = false;
}

static void
end_child(struct successor *s, int *status)
{
	*status = 0;
	close_poll(s);
	if (s->fd >= 0) close(s->fd);
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, status, 0);
	}
	s->waits = false;
	s->fd = -1;
	s->pid = 0;
}

static void
give_up(struct successor *s, const char *why)
{
	pid_t pid = s->pid;
	int status;

	uv_timer_stop(&s->timer);
	end_child(s, &status);
	log_error("event=restart-failed pid=%d reason=\"%s\" status=%d hint=\"this process goes on as it was\"",
		(int)pid, why, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void
on_successor_late(uv_timer_t *t)
{
	struct successor *s = t->data;

	CHECK_MAGIC(s, SUCCESSOR_MAGIC);
	give_up(s, "the new process was not ready in time");
}

static void
on_successor_says(uv_poll_t *p, int err, int events)
{
	static const struct timeval send_time = { .tv_sec = SUCCESSOR_SEND_MS / 1000 };
	struct successor *s = p->data;
	char text[16];
	ssize_t n;

	(void)events;
	CHECK_MAGIC(s, SUCCESSOR_MAGIC);
	n = err ? 0 : recv(s->fd, text, sizeof text, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (n != 5 || memcmp(text, "ready", 5) != 0) {
		give_up(s, "the new process ended before it was ready: its own lines say why");
		return;
	}
	uv_timer_stop(&s->timer);
	uv_poll_stop(&s->poll);
	/* What goes over is waited for. */
	fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) & ~O_NONBLOCK);
	setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &send_time, sizeof send_time);
	s->waits = true;
	s->options.ready(s->options.user);
}

/* Copies beyond those that the child gets, which then cannot be in each other's way. */
static int
lift_descriptors(struct inherited *in)
{
	for (size_t i = 0; i < in->n; i++) {
		int fd = fcntl(in->v[i].fd, F_DUPFD_CLOEXEC, FIRST_FD + (int)in->n);

		if (fd < 0) return -errno;
		close(in->v[i].fd);
		in->v[i].fd = fd;
	}
	return 0;
}

static char *
make_fd_names(const struct inherited *in)
{
	size_t n = sizeof "LISTEN_FDNAMES=";
	char *text, *end;

	for (size_t i = 0; i < in->n; i++) n += strlen(in->v[i].name) + 1;
	text = malloc(n);
	if (!text) return NULL;
	end = stpcpy(text, "LISTEN_FDNAMES=");
	for (size_t i = 0; i < in->n; i++) {
		if (i) *end++ = ':';
		end = stpcpy(end, in->v[i].name);
	}
	return text;
}

static int
spawn_child(struct successor *s, const struct inherited *in)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char pid[48], count[48], *names = make_fd_names(in);
	sigset_t none;
	int err = names ? 0 : ENOMEM;

	snprintf(pid, sizeof pid, "LISTEN_PID=%d", (int)getpid());
	snprintf(count, sizeof count, "LISTEN_FDS=%zu", in->n);
	s->env[s->n_env] = pid;
	s->env[s->n_env + 1] = count;
	s->env[s->n_env + 2] = names;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	for (size_t i = 0; i < in->n && !err; i++)
		err = posix_spawn_file_actions_adddup2(&actions, in->v[i].fd, FIRST_FD + (int)i);
	if (!err) err = posix_spawn(&s->pid, s->program, &actions, &attributes, s->argv, s->env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	s->env[s->n_env] = NULL;
	free(names);
	return -err;
}

/* Its way to this process first: by that name it knows whose child it is. */
static int
start_child(struct successor *s)
{
	struct inherited in = { .n = 0 };
	int pair[2], err = -ENOMEM;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) return -errno;
	s->fd = pair[0];
	if (inherited_add(&in, pair[1], INHERITED_PARENT) == 0) err = s->options.sockets(s->options.user, &in);
	if (err && err != -EAGAIN) err = -ENOMEM;
	if (!err) err = lift_descriptors(&in);
	if (!err) err = spawn_child(s, &in);
	inherited_discard(&in);
	if (!err) err = uv_poll_init(s->options.loop, &s->poll, s->fd);
	if (err) return err;
	s->polls = true;
	s->poll.data = s;
	return uv_poll_start(&s->poll, UV_READABLE, on_successor_says);
}

static void on_successor_again(uv_timer_t *t);

static void
begin_restart(struct successor *s)
{
	int err, status;

	s->pid = 0;
	err = start_child(s);
	if (err) end_child(s, &status);
	if (err == -EAGAIN) {
		if (!s->asked) log_info("event=restart-waits hint=\"another address of Redis is gone over to\"");
		s->asked = true;
		uv_timer_start(&s->timer, on_successor_again, SUCCESSOR_AGAIN_MS, 0);
		return;
	}
	s->asked = false;
	if (err) {
		log_error_errno(err, "event=restart-failed program=\"%s\" hint=\"this process goes on as it was\"",
			LOG_ESCAPE(eio_cstr(s->program)));
		return;
	}
	uv_timer_start(&s->timer, on_successor_late, SUCCESSOR_START_MS, 0);
	log_info("event=restart pid=%d program=\"%s\"", (int)s->pid, LOG_ESCAPE(eio_cstr(s->program)));
}

static void
on_successor_again(uv_timer_t *t)
{
	struct successor *s = t->data;

	CHECK_MAGIC(s, SUCCESSOR_MAGIC);
	begin_restart(s);
}

static void
on_sigusr2(uv_signal_t *sig, int signum)
{
	struct successor *s = sig->data;

	(void)signum;
	CHECK_MAGIC(s, SUCCESSOR_MAGIC);
	if (s->closed || s->closing || s->fd >= 0)
		log_warn("event=restart-ignored reason=\"%s\"", s->closed ? "this process ends" : "one is under way");
	else
		begin_restart(s);
}

/* Handing over */

bool
successor_starting(const struct successor *s)
{
	return s->fd >= 0 && !s->waits;
}

pid_t
successor_waiting(const struct successor *s)
{
	return s->waits ? s->pid : 0;
}

int
successor_pass(struct successor *s, struct eio_bytes message, int fd)
{
	return fd_message_send(s->fd, message, fd);
}

int
successor_give(struct successor *s, int fd, const char *name)
{
	char text[INHERITED_NAME_MAX + 8];

	snprintf(text, sizeof text, "fd %s", name);
	return successor_pass(s, eio_cstr(text), fd);
}

int
successor_go(struct successor *s)
{
	static const struct timeval wait = { .tv_sec = SUCCESSOR_START_MS / 1000 };
	int err = successor_pass(s, EIO_LIT("go"), -1);
	char text[16];
	ssize_t n;

	if (err) return err;
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	do {
		n = recv(s->fd, text, sizeof text, 0);
	} while (n < 0 && errno == EINTR);
	/* One that takes so long may still do it: there must not be two that have the same state. */
	if (n < 0 && errno == EAGAIN) return 0;
	return n > 0 ? 0 : -EPIPE;
}

/* From beginning to end */

struct successor *
successor_new(const struct successor_options *options)
{
	struct successor *s = calloc(1, sizeof *s);

	if (!s) return NULL;
	s->magic = SUCCESSOR_MAGIC;
	s->options = *options;
	s->fd = -1;
	if (!note_arguments(s) || !note_program(s) || !note_environment(s)) {
		successor_free(s);
		return NULL;
	}
	uv_timer_init(options->loop, &s->timer);
	uv_signal_init(options->loop, &s->sigusr2);
	s->timer.data = s->sigusr2.data = s;
	uv_signal_start(&s->sigusr2, on_sigusr2, SIGUSR2);
	return s;
}

void
successor_stop(struct successor *s)
{
	int status;

	CHECK_MAGIC(s, SUCCESSOR_MAGIC);
	s->closed = true;
	if (s->waits) return;
	uv_timer_stop(&s->timer);
	end_child(s, &status);
}

void
successor_close(struct successor *s)
{
	successor_stop(s);
	close_poll(s);
	uv_close((uv_handle_t *)&s->timer, NULL);
	uv_close((uv_handle_t *)&s->sigusr2, NULL);
	signal(SIGUSR2, SIG_IGN);
}

void
successor_free(struct successor *s)
{
	if (!s) return;
	CHECK_MAGIC(s, SUCCESSOR_MAGIC);
	if (s->fd >= 0) close(s->fd);
	for (size_t i = 0; i < s->n_env; i++) free(s->env[i]);
	free(s->env);
	free(s->argv);
	free(s->arguments);
	free(s->program);
	s->magic = 0;
	free(s);
}
