/* SPDX-License-Identifier: MIT */
/*
 * What siocast doctor makes of what it has found out: rules from facts to findings, each with its cure. No I/O: who
 * gathers the facts is examine.h. A fact that is not known makes no finding, unless that is one.
 * What the rules share is in findings_int.h.
 */
#ifndef SRC_TOOLS_FINDINGS_H
#define SRC_TOOLS_FINDINGS_H

#include "eio/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum finding_mark { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct finding {
	enum finding_mark mark;
	const char *topic; /* "kernel", "redis", "hub", "intake", "siocast", "feeds", "proxy", "certificate" */
	const char *text; /* what is so; valid during the call */
	const char *cure; /* what to do, as long as text; NULL when all is well */
};

typedef void (*finding_fn)(void *user, const struct finding *f);

/* What the configuration asks for. */
struct doctor_wants {
	uint64_t connections; /* limits.maxConnections; 0: as many as may be */
	uint64_t message_bytes; /* limits.messageBytes */
	uint64_t ping_interval_ms;
	bool io_uring, streams, psync, publishes; /* publishes: handlers do */
};

struct kernel_facts {
	bool io_uring; /* the kernel lets this process use it */
	uint64_t files_soft, files_hard; /* RLIMIT_NOFILE */
	uint64_t files_running; /* the soft one of the siocast that runs; 0: none does, or it is not known */
	uint64_t somaxconn; /* 0: not known, as below */
	uint64_t backlog; /* what siocast asks for */
	uint64_t tcp_bytes; /* all that TCP may hold, by net.ipv4.tcp_mem */
	uint64_t ephemeral_ports;
};

struct redis_facts {
	const char *name, *user; /* user: NULL: the usual one */
	const char *away; /* why it cannot be reached; else NULL */
	unsigned major, minor; /* version; 0: not known */
	bool cluster, replica;
	bool replicates; /* it is read as by a replica */
	bool limits_known; /* of client-output-buffer-limit, for subscribers or replicas: */
	uint64_t hard_bytes, soft_bytes, soft_seconds; /* 0: no limit */
	uint64_t output_bytes_s; /* what it sends to all its clients, now */
	const char *refused; /* of channels, patterns and streams of the feeds, the first that it refuses; or NULL */
	const char *refusal; /* and how */
	const char *refused_right; /* what an ACL says in front of it to allow it */
	const char *publish_refusal; /* or NULL */
	const char *lost; /* why it answered no more meanwhile, so that of what is above not all is known; or NULL */
};

/* Of the hub of an edge. */
struct hub_facts {
	const char *name;
	const char *away; /* why it cannot be reached; else NULL */
	const char *odd; /* what it does that no hub does, in words; or NULL */
	const char *refusal; /* why it refuses this one, in its words; or NULL */
	bool other_version, other_key;
	const char *node; /* how it calls itself, "" where it does not */
};

/* Of the intake. */
struct intake_facts {
	const char *name;
	const char *away; /* why it cannot be reached; else NULL */
	bool is_siocast; /* who answers there is one */
	bool alone; /* there is no Redis beside it */
	bool open; /* whoever reaches it may publish, also from elsewhere */
};

/* A feed of the siocast that runs, since its start. */
struct running_feed {
	size_t index;
	bool rooms; /* it goes to rooms, and not to everyone */
	uint64_t filtered, unheard, batches; /* messages, and batches that left */
	uint64_t dropped; /* messages of which nothing could be made */
	const char *reason; /* of most of those: a label of the metric */
};

/* Of the siocast that runs. */
struct running_facts {
	const char *name; /* of its admin port */
	const char *away; /* why nothing is known of it; else NULL */
	uint64_t files; /* that it may open */
	/* Connected now; from Redis or by the intake since its start, or of an edge batches from its hub. */
	uint64_t clients, messages;
	bool edge;
	uint64_t edges; /* of a hub: that are connected to it */
	const struct running_feed *feeds;
	size_t n;
};

struct proxy_facts {
	const char *url;
	const char *away; /* why polling has no answer; else NULL */
	unsigned status; /* of a polling handshake */
	bool is_siocast; /* its answer opens a session */
	uint64_t ping_interval_ms; /* as that says; 0: not known */
	bool cached; /* two handshakes gave the same session */
	const char *no_websocket; /* why there is none; else NULL */
	uint64_t answer_ms; /* from a POST to the answer of the poll that it ends; UINT64_MAX: none came */
	bool waited; /* a WebSocket was left idle until its ping */
	uint64_t cut_ms; /* after which it was closed; 0: it was not */
	bool is_tls;
	int64_t expires_s, now_s; /* since 1970; 0: not known */
};

void kernel_findings(const struct kernel_facts *f, const struct doctor_wants *w, finding_fn emit, void *user);
void redis_findings(const struct redis_facts *f, const struct doctor_wants *w, finding_fn emit, void *user);
void hub_findings(const struct hub_facts *f, finding_fn emit, void *user);
void running_findings(const struct running_facts *f, finding_fn emit, void *user);
void intake_findings(const struct intake_facts *f, finding_fn emit, void *user);
void proxy_findings(const struct proxy_facts *f, const struct doctor_wants *w, finding_fn emit, void *user);

#endif
