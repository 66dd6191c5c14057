/* SPDX-License-Identifier: MIT */
/* A configuration out of a text, and what is said about it. */
#ifndef TESTS_UNIT_CONFIG_READING_H
#define TESTS_UNIT_CONFIG_READING_H

#include "src/base/log.h"
#include "src/config/cli.h"
#include "src/config/config.h"
#include "src/config/environment.h"
#include "src/config/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

extern char errors[16384], warnings[16384], excerpts[16384];
extern unsigned n_errors;
void on_report(void *user, const struct config_report *r);
struct config *load_with(const char *text, const struct config_flags *flags);

/* What the configuration that was read last says to others; borrowed from it. */
extern struct eio_server_options server;
extern struct clients_options clients;
extern struct feed_options feed;
void fill(const struct config *c);
struct config *load(const char *text);

static const char full[] =
	"// a comment with \"quotes\" and {\n"
	"{ /* block\n comment */\n"
	"  \"listen\": [\"0.0.0.0:80\", \"[::1]:8080\", \"unix:/run/s.sock\", \"localhost:1\"],\n"
	"  \"admin\": \"127.0.0.1:9464\", \"path\": \"/rt\", \"workers\": 3,\n"
	"  \"redis\": [\"redis://:p%40ss@db.example:7000/2\", \"unix:///run/redis.sock\"],\n"
	"  \"engine\": { \"pingInterval\": 300, \"transports\": [\"websocket\"], \"perMessageDeflate\": false,\n"
	"     \"cookie\": {\"name\": \"sid\", \"httpOnly\": false, \"sameSite\": \"strict\", \"secure\": true, \"maxAge\": 60} },\n"
	"  \"cors\": {\"origin\": [\"http://a\", \"http://b\"], \"credentials\": true, \"methods\": [\"GET\", \"POST\"],\n"
	"     \"allowedHeaders\": \"X-A\", \"maxAge\": 5},\n"
	"  \"serveClient\": false, \"www\": \"/srv/www\", \"logLevel\": \"debug\",\n"
	"  \"feeds\": [ {\"pattern\": \"ticks.*\", \"event\": \"t {1}\", \"room\": \"{/sym}\", \"encode\": \"json\", \"slow\": \"latest\",\n"
	"      \"batch\": {\"interval\": 50, \"maxMessages\": 10, \"maxBytes\": 1000, \"format\": \"array\"},\n"
	"      \"where\": {\"/type\": [\"trade\", 1, null], \"/x\": true} },\n"
	"    {\"channel\": \"news\", \"namespace\": \"/news\", \"batch\": {\"format\": \"lines\"}, \"lagEvent\": true,\n"
	"      \"slow\": {\"latestPer\": \"/s\", \"max\": 7}} ],\n"
	"  \"namespaces\": {\"/\": {}, \"/news\": {\"on\": {\"subscribe\": [{\"join\": \"{1}\"}]}}},\n"
	"  \"limits\": {\"clientQueueBytes\": 4096, \"maxConnections\": 7}\n"
	"} // \"end";

#endif
