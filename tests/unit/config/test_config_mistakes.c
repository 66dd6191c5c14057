/* SPDX-License-Identifier: MIT */
/* The configuration: what is said about mistakes. */
#include "tests/unit/config/reading.h"

#define SIXTY "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"

/* Each text, and the whole of what is said about it. */
static const struct {
	int line;
	const char *text, *errors;
} mistakes[] = {
	{ __LINE__, "{\n\"engine\": {\n\"pingIntervall\": 5}}",
		"t.conf:3:1: engine.pingIntervall: unknown key; did you mean \"pingInterval\"?\n" },
	{ __LINE__, "{\"compat\": \"3.x\"}", "t.conf:1:12: compat: \"3.x\" is none of \"1.x\", \"2.x\", \"4.x\"\n" },
	{ __LINE__, "{\"compat\": \"3\\nx\\u001b\", \"a\\tb\": 1}",
		"t.conf:1:12: compat: \"3?x?\" is none of \"1.x\", \"2.x\", \"4.x\"\n"
		"t.conf:1:26: a b: unknown key\n" },
	{ __LINE__, "{\"compat\": 1}", "t.conf:1:12: compat: expected a string, not a number\n" },
	{ __LINE__, "{\"compat\": \"1.x\",\n\"cors\": {\"credentials\": true}}",
		"t.conf:2:9: cors: with \"compat\": \"1.x\" this needs \"origin\" too\n" },
	{ __LINE__, "{\"client\": {\"version\": \"latest\"}}",
		"t.conf:1:24: client.version: expected a version such as \"4.8.4\", or the beginning of one\n" },
	{ __LINE__, "{\"client\": {\"version\": 4}}",
		"t.conf:1:24: client.version: expected a version such as \"4.8.4\", or the beginning of one; write it in quotes\n" },
	{ __LINE__, "{\"client\": {\"version\": \"4\",\n\"dir\": \"/x\"}}",
		"t.conf:1:12: client: \"version\" and \"dir\" exclude each other\n" },
	{ __LINE__, "{\"client\": \"4.8.4\"}", "t.conf:1:12: client: expected an object, not a string\n" },
	{ __LINE__, "{\"pingInterval\": 5}",
		"t.conf:1:2: pingInterval: unknown key; did you mean \"engine.pingInterval\"?\n" },
	{ __LINE__, "{\"listen\": [\"127.0.0.1:3000\", \"unix:/a\"],\n\"admin\": \"127.0.0.1:3000\"}",
		"t.conf:2:10: admin: \"127.0.0.1:3000\": clients connect there, by listen[0]\n" },
	{ __LINE__, "{\"listen\": [\"127.0.0.1:3000\", \"unix:/a\"], \"admin\": \"unix:/a\"}",
		"t.conf:1:52: admin: \"unix:/a\": clients connect there, by listen[1]\n" },
	{ __LINE__, "{\"listen\": \"0.0.0.0:3000\", \"admin\": \"localhost:3000\"}",
		"t.conf:1:37: admin: \"localhost:3000\": clients connect there, by listen[0]\n" },
	{ __LINE__, "{\"listen\": [\"[::]:3000\", \"127.0.0.1:3000\"]}",
		"t.conf:1:26: listen[1]: \"127.0.0.1:3000\": the same address as listen[0]\n" },
	{ __LINE__, "{\"node\": 1}", "t.conf:1:10: node: expected a name or null, not a number; write it in quotes\n" },
	{ __LINE__, "{\"node\": \"frankfurt\"}",
		"t.conf:1:10: node: \"frankfurt\": a node's name has 1 to 6 of the characters A-Z a-z 0-9 - _\n" },
	{ __LINE__, "{\"node\": \"\"}",
		"t.conf:1:10: node: \"\": a node's name has 1 to 6 of the characters A-Z a-z 0-9 - _\n" },
	/* However it is written. */
	{ __LINE__, "{\"listen\": \"[::1]:3000\", \"admin\": \"[0:0:0:0:0:0:0:1]:3000\"}",
		"t.conf:1:35: admin: \"[0:0:0:0:0:0:0:1]:3000\": clients connect there, by listen[0]\n" },
	{ __LINE__, "{\"listen\": [\"127.0.0.1:3000\", \"[::ffff:127.0.0.1]:3000\"]}",
		"t.conf:1:31: listen[1]: \"[::ffff:127.0.0.1]:3000\": the same address as listen[0]\n" },
	{ __LINE__, "{\"listen\": [\"127.0.0.2:3000\", \"[0::0]:3000\"]}",
		"t.conf:1:31: listen[1]: \"[0::0]:3000\": the same address as listen[0]\n" },
	{ __LINE__, "{\"listen\": \"unix:/a/b\", \"admin\": \"unix:/a//./b\"}",
		"t.conf:1:34: admin: \"unix:/a//./b\": clients connect there, by listen[0]\n" },
	{ __LINE__, "{\"adminHosts\": [\"a.example\", \"http://b.example\"]}",
		"t.conf:1:30: adminHosts[1]: \"http://b.example\": expected a name without scheme and port\n" },
	{ __LINE__, "{\"LISTEN\": 5}", "t.conf:1:2: LISTEN: unknown key; did you mean \"listen\"?\n" },
	{ __LINE__, "{\"zzzzzz\": 5}", "t.conf:1:2: zzzzzz: unknown key\n" },
	/* Too long for a guess. */
	{ __LINE__, "{\"" SIXTY SIXTY SIXTY SIXTY "\": 5}", "t.conf:1:2: " SIXTY SIXTY SIXTY SIXTY ": unknown key\n" },
	{ __LINE__, "{\"engine.pingInterval\": 50}", "t.conf:1:2: engine.pingInterval: unknown key\n" },
	{ __LINE__, "[]", "t.conf:1:1: expected an object, not a list\n" },
	{ __LINE__, "{\"engine\": []}", "t.conf:1:12: engine: expected an object, not a list\n" },
	{ __LINE__, "{\"workers\": \"2\"}", "t.conf:1:13: workers: expected a number, not a string; write 2\n" },
	{ __LINE__, "{\"workers\": 65}", "t.conf:1:13: workers: expected a whole number from 0 to 64\n" },
	{ __LINE__, "{\"workers\": 1.5}", "t.conf:1:13: workers: expected a whole number from 0 to 64\n" },
	{ __LINE__, "{\"serveClient\": 1}",
		"t.conf:1:17: serveClient: expected true or false, not a number; write true\n" },
	{ __LINE__, "{\"log\": {\"level\": \"info\", \"target\": \"\", \"format\": \"xml\"}, \"logLevel\": \"info\"}",
		"t.conf:1:37: log.target: expected \"stderr\" or the path of a file, not an empty string\n"
		"t.conf:1:51: log.format: \"xml\" is none of \"text\", \"json\"\n"
		"t.conf:1:71: logLevel: \"log.level\" says the same; keep one of them\n" },
	{ __LINE__, "{\"accessLog\": true}",
		"t.conf:1:15: accessLog: expected \"off\", \"log\" or the path of a file, not a boolean\n" },
	{ __LINE__, "{\"logLevel\": \"loud\"}",
		"t.conf:1:14: logLevel: \"loud\" is none of \"error\", \"warn\", \"info\", \"debug\"\n" },
	{ __LINE__, "{\"workers\": 1,\n \"workers\": 2}", "t.conf:2:2: workers: the key stands twice\n" },
	{ __LINE__, "{\"listen\": [\"127.0.0.1:1\",\n\n \"example.com:80\"]}",
		"t.conf:3:2: listen[1]: \"example.com:80\": expected \"127.0.0.1:3000\", \"[::]:3000\" or \"unix:/path\"\n" },
	{ __LINE__, "{\"listen\": \"127.0.0.1:70000\"}",
		"t.conf:1:12: listen: \"127.0.0.1:70000\": the port is not a number from 0 to 65535\n" },
	{ __LINE__, "{\"listen\": []}", "t.conf:1:12: listen: an empty list\n" },
	{ __LINE__, "{\"listen\": [\"127.0.0.1:1\", 7]}",
		"t.conf:1:28: listen[1]: expected a string that is not empty\n" },
	{ __LINE__, "{\"redis\": \"rediss://:secret@h:x\"}",
		"t.conf:1:11: redis: the port is not a number from 1 to 65535\n" },
	{ __LINE__, "{\"redis\": {\"url\": \"redis://h\", \"tls\": {\"serverName\": \"x\"}}}",
		"t.conf:1:39: redis.tls: this is for an address that begins with rediss://\n" },
	{ __LINE__, "{\"redis\": {\"url\": \"rediss://h\", \"tls\": {\"cert\": \"/x\", \"serverName\": \"\"}}}",
		"t.conf:1:69: redis.tls.serverName: an empty string\n" },
	{ __LINE__, "{\"redis\": {\"url\": \"rediss://h\", \"tls\": {\"cert\": \"/x\"}}}",
		"t.conf:1:40: redis.tls: \"cert\" and \"key\" belong together\n" },
	{ __LINE__,
		"{\"redis\": {\"url\": \"rediss://h\", \"tls\": {\"cert\": \"/nowhere/c\", \"key\": \"/nowhere/k\", \"ca\": \"/\"}}}",
		"t.conf:1:49: redis.tls.cert: /nowhere/c: no such file or directory\n"
		"t.conf:1:90: redis.tls.ca: /: illegal operation on a directory\n" },
	{ __LINE__, "{\"trustedProxies\": [\"10.0.0.0/8\", \"10.0.0.0/33\", \"proxy.example\", 5]}",
		"t.conf:1:67: trustedProxies[3]: expected a string that is not empty\n" },
	{ __LINE__, "{\"trustedProxies\": [\"10.0.0.0/8\", \"10.0.0.0/33\",\n\"proxy.example\"]}",
		"t.conf:1:35: trustedProxies[1]: \"10.0.0.0/33\": more bits than an address has\n"
		"t.conf:2:1: trustedProxies[2]: \"proxy.example\": expected a network such as \"10.0.0.0/8\" or \"2001:db8::/32\", an address, or \"unix\"\n" },
	{ __LINE__, "{\"trustedProxies\": true}",
		"t.conf:1:20: trustedProxies: expected a string or a list of strings, not a boolean\n" },
	{ __LINE__, "{\"path\": \"socket.io\"}",
		"t.conf:1:10: path: \"socket.io\" is no path such as \"/socket.io/\"\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": 1}}",
		"t.conf:1:34: engine.perMessageDeflate: expected true, false or an object, not a number\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"treshold\": 1}}}",
		"t.conf:1:35: engine.perMessageDeflate.treshold: unknown key; did you mean \"threshold\"?\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"level\": 1}}}",
		"t.conf:1:35: engine.perMessageDeflate.level: unknown key; did you mean \"zlibDeflateOptions.level\"?\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"zlibDeflateOptions\": {\"level\": 0}}}}",
		"t.conf:1:67: engine.perMessageDeflate.zlibDeflateOptions.level: expected a whole number from 1 to 9\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"zlibDeflateOptions\": {\"memLevel\": 7}}}}",
		"t.conf:1:70: engine.perMessageDeflate.zlibDeflateOptions.memLevel: there is nothing to set by this; leave it out\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"serverMaxWindowBits\": 8}}}",
		"t.conf:1:58: engine.perMessageDeflate.serverMaxWindowBits: expected a whole number from 9 to 15\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"clientNoContextTakeover\": false}}}",
		"t.conf:1:62: engine.perMessageDeflate.clientNoContextTakeover: only true can stand here: no context is kept for a connection\n" },
	{ __LINE__, "{\"engine\": {\"perMessageDeflate\": {\"clientMaxWindowBits\": 10}}}",
		"t.conf:1:58: engine.perMessageDeflate.clientMaxWindowBits: there is nothing to set by this; leave it out\n" },
	{ __LINE__, "{\"engine\": {\"httpCompression\": {\"threshold\": -1}}}",
		"t.conf:1:46: engine.httpCompression.threshold: expected a whole number from 0 to 1073741824\n" },
	{ __LINE__, "{\"engine\": {\"transports\": [\"flashsocket\"]}}",
		"t.conf:1:28: engine.transports: \"flashsocket\" is none of \"polling\", \"websocket\"\n" },
	{ __LINE__, "{\"engine\": {\"cookie\": {\"nam\": \"x\"}}}",
		"t.conf:1:24: engine.cookie.nam: unknown key; did you mean \"name\"?\n" },
	{ __LINE__, "{\"engine\": {\"cookie\": \"a b\"}}",
		"t.conf:1:23: engine.cookie: expected a cookie name: letters, digits and -_.!#$%&'*+^`|~\n" },
	{ __LINE__, "{\"engine\": {\"cookie\": {\"sameSite\": \"none\"}}}",
		"t.conf:1:23: engine.cookie: browsers refuse \"sameSite\": \"none\" without \"secure\": true\n" },
	{ __LINE__, "{\"cors\": {\"origin\": [\"*\"]}}",
		"t.conf:1:22: cors.origin[0]: \"*\": no wildcards in a list; \"*\" alone allows every origin\n" },
	{ __LINE__, "{\"cors\": {\"methods\": \"GET\\r\\nX: y\"}}",
		"t.conf:1:22: cors.methods: control characters cannot stand in a header\n" },
	{ __LINE__, "{\"feeds\": [\n{\"channel\": \"a\"},\n{\"chanel\": \"b\"}]}",
		"t.conf:3:1: feeds[1]: a feed needs a \"channel\", a \"pattern\", a \"shard\" or a \"stream\"\n"
		"t.conf:3:2: feeds[1].chanel: unknown key; did you mean \"channel\"?\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"pattern\": \"b\"}]}",
		"t.conf:1:12: feeds[0]: \"channel\" and \"pattern\" exclude each other\n" },
	/* A Redis Cluster, and shard channels. */
	{ __LINE__, "{\"redis\": {\"cluster\": [\"h:1\", \"h:2/3\"]}}",
		"t.conf:1:31: redis.cluster[1]: a Redis Cluster has database 0 only\n" },
	{ __LINE__, "{\"redis\": {\"cluster\": [\"h:1\", \"unix:///s\"]}}",
		"t.conf:1:31: redis.cluster[1]: the nodes of a Cluster know each other by TCP, not by unix sockets\n" },
	{ __LINE__, "{\"redis\": {\"cluster\": [\"redis://h:1\", \"rediss://i:1\"]}}",
		"t.conf:1:39: redis.cluster[1]: all nodes have TLS (rediss://), or none has\n" },
	{ __LINE__, "{\"redis\": {\"cluster\": [\"redis://u:p@h:1\", \"redis://u:q@i:1\"]}}",
		"t.conf:1:43: redis.cluster[1]: another user or password than the first node has: they are the same at all nodes\n" },
	{ __LINE__, "{\"redis\": {\"cluster\": []}}", "t.conf:1:23: redis.cluster: an empty list\n" },
	{ __LINE__, "{\"redis\": {\"cluster\": \"h:x\"}}",
		"t.conf:1:23: redis.cluster: the port is not a number from 1 to 65535\n" },
	{ __LINE__, "{\"redis\": {\"cluster\": \"h\", \"url\": \"i\"}}",
		"t.conf:1:35: redis.url: \"cluster\" says where it is\n" },
	{ __LINE__, "{\"redis\": {\"cluster\": \"h\", \"sentinels\": \"i\"}}",
		"t.conf:1:41: redis.sentinels: a Redis Cluster fails over by itself\n" },
	{ __LINE__, "{\"redis\": {\"cluster\": \"h\", \"source\": \"psync\"}}",
		"t.conf:1:38: redis.source: what is published in a Redis Cluster is not in what its nodes replicate\n" },
	{ __LINE__, "{\"redis\": {\"cluster\": \"h\", \"tls\": {\"ca\": \"/x\"}}}",
		"t.conf:1:35: redis.tls: this is for addresses that begin with rediss://\n" },
	{ __LINE__,
		"{\"redis\": {\"cluster\": \"h\"}, \"feeds\": [{\"stream\": \"s\"}, {\"channel\": \"c\", \"retain\": \"last\", \"prime\": {\"string\": \"k\"}}]}",
		"t.conf:1:50: feeds[0].stream: that is in keys, which are not looked for in a Redis Cluster (redis.cluster)\n"
		"t.conf:1:100: feeds[1].prime: that is in keys, which are not looked for in a Redis Cluster (redis.cluster)\n" },
	{ __LINE__,
		"{\"redis\": {\"cluster\": \"h\"}, \"feeds\": [{\"channel\": \"c\"}], \"namespaces\": {\"/\": {\"presence\": {\"member\": \"{query.u}\", \"events\": {\"here\": \"h\"}}, \"count\": {\"event\": \"n\"}}}}",
		"t.conf:1:91: namespaces./.presence: that is in keys, which are not looked for in a Redis Cluster (redis.cluster); \"shared\": false has each node tell of its own clients\n"
		"t.conf:1:150: namespaces./.count: that is in keys, which are not looked for in a Redis Cluster (redis.cluster); \"shared\": false has each node tell of its own clients\n" },
	{ __LINE__,
		"{\"redis\": {\"cluster\": \"h\"}, \"adapter\": {\"mode\": \"member\", \"dialects\": [\"sharded\", \"streams\"]}}",
		"t.conf:1:71: adapter.dialects: \"streams\": those are keys, which are not looked for in a Redis Cluster (redis.cluster)\n" },
	{ __LINE__,
		"{\"feeds\": [{\"shard\": \"a*\"}, {\"shard\": \"b\", \"channel\": \"c\"}, {\"shard\": \"b\", \"from\": \"0\"}, {\"shard\": \"c\", \"retain\": \"last\", \"prime\": {\"string\": \"k\"}}]}",
		"t.conf:1:29: feeds[1]: \"channel\" and \"shard\" exclude each other\n"
		"t.conf:1:76: feeds[2]: \"from\" is for a feed of a \"stream\"\n"
		"t.conf:1:132: feeds[3].prime: not for a \"shard\": nothing says which of its messages came before what is read\n" },
	{ __LINE__, "{\"feedDefaults\": {\"shard\": \"b\"}, \"feeds\": [{\"channel\": \"c\"}]}",
		"t.conf:1:19: feedDefaults: each feed has its own \"shard\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"stream\": \"b\"}]}",
		"t.conf:1:12: feeds[0]: \"channel\" and \"stream\" exclude each other\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"field\": \"b\", \"from\": \"0\", \"position\": \"p\"}]}",
		"t.conf:2:1: feeds[0]: \"field\" is for a feed of a \"stream\"\n"
		"t.conf:2:15: feeds[0]: \"from\" is for a feed of a \"stream\"\n"
		"t.conf:2:28: feeds[0]: \"position\" is for a feed of a \"stream\"\n" },
	{ __LINE__, "{\"feeds\": [{\"stream\": \"a\",\n\"from\": \"now\"}]}",
		"t.conf:2:9: feeds[0].from: expected \"$\", \"0\" or the id of an entry, such as \"1526919030474-55\"\n" },
	{ __LINE__, "{\"feeds\": [{\"stream\": \"a\"}, {\"stream\": [\"b\", \"a\"],\n\"from\": \"0\"}]}",
		"t.conf:2:9: feeds[1].from: feeds[0] has another \"from\" for the stream \"a\", which is read once\n" },
	{ __LINE__, "{\"feeds\": [{\"stream\": \"a\"}, {\"stream\": [\"b\", \"a\"],\n\"position\": \"p\"}]}",
		"t.conf:2:13: feeds[1].position: feeds[0] has another \"position\" for the stream \"a\", which is read once\n" },
	{ __LINE__,
		"{\"feeds\": [{\"stream\": \"a\",\n\"event\": \"{1}\"}, {\"channel\": \"a\",\n\"event\": \"{id}\"}]}",
		"t.conf:2:10: feeds[0].event: {1} stands for nothing in a feed of a stream: there are {channel}, {id}, "
		"{message}, {text} and {/json/pointer}\n"
		"t.conf:3:10: feeds[1].event: {id} stands for nothing in a feed: there are {channel}, {1} … {9}, "
		"{message}, {text} and {/json/pointer}\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"namespace\": \"/{/n}\",\n\"gapEvent\": true}], \"namespaces\": {\"/*\": {}}}",
		"t.conf:2:13: feeds[0].gapEvent: needs a \"namespace\" without placeholders\n" },
	{ __LINE__, "{\"feeds\": [], \"redis\": {\n\"source\": \"sync\"}}",
		"t.conf:2:11: redis.source: \"sync\" is none of \"subscribe\", \"psync\"; did you mean \"psync\"?\n" },
	{ __LINE__, "{\"feedDefaults\": {\n\"stream\": \"a\"}, \"feeds\": []}",
		"t.conf:2:1: feedDefaults: each feed has its own \"stream\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"replay\": 1}]}",
		"t.conf:2:1: feeds[0].replay: unknown key\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"prime\": {\"hash\": \"h\"}},\n"
		"{\"stream\": \"a\", \"retain\": \"last\", \"prime\": {\"hash\": \"h\"}},\n"
		"{\"channel\": \"a\", \"retain\": \"last\", \"prime\": {\"hash\": \"h\", \"string\": \"s\"}},\n"
		"{\"channel\": \"a\", \"retain\": \"last\", \"prime\": {\"hash\": \"h\", \"count\": 0, \"newest\": \"first\", \"field\": 1}},\n"
		"{\"channel\": [\"a\", \"b\"], \"retain\": {\"key\": \"/s\"}, \"prime\": [{\"hash\": \"h\"}, {\"list\": \"l\", \"channel\": \"c\"}]},\n"
		"{\"pattern\": \"a.*\", \"retain\": \"last\", \"prime\": {\"list\": \"l\", \"channel\": \"a.{field}\"}},\n"
		"{\"pattern\": \"a.*\", \"retain\": \"last\", \"prime\": {\"scan\": \"a.*\", \"channel\": \"a.{2}\"}},\n"
		"{\"channel\": \"a\", \"retain\": 5, \"prime\": {\"hash\": \"h\"}},\n"
		"{\"channel\": \"a\", \"retain\": 5, \"room\": \"{/r}\", \"prime\": {\"list\": \"h\"}},\n"
		"{\"channel\": \"a\", \"retain\": 5, \"prime\": [{\"list\": \"h\"}, {\"list\": \"i\"}]},\n"
		"{\"channel\": \"a\", \"retain\": \"last\", \"prime\": [{}, 1]},\n"
		"{\"channel\": \"{a}\", \"retain\": \"last\", \"prime\": {\"string\": \"s\"}}]}",
		"t.conf:1:38: feeds[0].prime: needs \"retain\": nothing else keeps what is read\n"
		"t.conf:2:44: feeds[1].prime: a feed of a \"stream\" reads what was there before: see \"from\"\n"
		"t.conf:3:45: feeds[2].prime: \"hash\" and \"string\" exclude each other\n"
		"t.conf:4:59: feeds[3].prime: \"count\" is for a \"list\", a \"zset\" or a \"stream\"\n"
		"t.conf:4:68: feeds[3].prime.count: expected a whole number from 1 to 100000\n"
		"t.conf:4:71: feeds[3].prime: \"newest\" is for a \"list\"\n"
		"t.conf:4:90: feeds[3].prime: \"field\" is for a \"stream\"\n"
		"t.conf:4:99: feeds[3].prime.field: expected a string that is not empty\n"
		"t.conf:5:60: feeds[4].prime[0]: needs a \"channel\", by which these values would have come, such as \"quotes:{field}\"\n"
		"t.conf:5:100: feeds[4].prime[1].channel: \"c\" is no channel of this feed\n"
		"t.conf:6:72: feeds[5].prime.channel: {field} stands for nothing: only a \"hash\" has fields\n"
		"t.conf:7:74: feeds[6].prime.channel: {2} stands for nothing: the pattern has 1 star\n"
		"t.conf:8:40: feeds[7].prime: the newest 5 messages have an order: they are read of a \"list\", a \"zset\" or a \"stream\", unless \"retain\" has a \"key\" or is \"last\"\n"
		"t.conf:9:56: feeds[8].prime: event and room are made of the message, so there are several lists; one is read, unless \"retain\" has a \"key\"\n"
		"t.conf:10:40: feeds[9].prime: one list is read, unless \"retain\" has a \"key\" or is \"last\"\n"
		"t.conf:11:46: feeds[10].prime[0]: expected a \"hash\", \"string\", \"list\", \"zset\", \"stream\" or \"scan\", such as {\"hash\": \"state\"}\n"
		"t.conf:11:50: feeds[10].prime[1]: expected an object, not a number\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"retain\": 0},\n"
		"{\"channel\": \"a\", \"retain\": \"first\", \"snapshotEvent\": \"connect\"},\n"
		"{\"channel\": \"a\", \"retain\": {\"key\": \"s\", \"max\": 0, \"ttl\": -1, \"min\": 1}},\n"
		"{\"channel\": \"a\", \"retain\": 3, \"remove\": {\"where\": {\"/d\": true}}, \"snapshotEvent\": \"{channel}\"},\n"
		"{\"channel\": \"a\", \"snapshotEvent\": \"x\", \"retainBytes\": 1},\n"
		"{\"channel\": \"a\", \"retain\": {\"max\": 200000}, \"snapshotEvent\": \"connect\"},\n"
		"{\"channel\": \"a\", \"retain\": {\"key\": \"/s\"}, \"remove\": {}, \"snapshotEvent\": 1},\n"
		"{\"channel\": \"a\", \"retain\": {\"key\": \"/s\"}, \"remove\": {\"where\": {\"d\": 1}}}]}",
		"t.conf:1:39: feeds[0].retain: expected a number of messages from 1 to 100000\n"
		"t.conf:2:28: feeds[1].retain: expected \"last\", a number of messages, or an object such as {\"key\": \"/symbol\"}\n"
		"t.conf:2:54: feeds[1].snapshotEvent: needs \"retain\": without it there are no snapshots\n"
		"t.conf:3:36: feeds[2].retain.key: expected a JSON pointer; it starts with '/' as in \"/symbol\"\n"
		"t.conf:3:48: feeds[2].retain.max: expected a whole number from 1 to 1000000\n"
		"t.conf:3:58: feeds[2].retain.ttl: expected a whole number from 0 to 31536000000\n"
		"t.conf:3:62: feeds[2].retain.min: unknown key\n"
		"t.conf:4:41: feeds[3].remove: needs a \"retain\" with a \"key\", by which it finds what goes\n"
		"t.conf:4:83: feeds[3].snapshotEvent: {channel} stands for nothing in \"snapshotEvent\": there are {event}\n"
		"t.conf:5:35: feeds[4].snapshotEvent: needs \"retain\": without it there are no snapshots\n"
		"t.conf:5:55: feeds[4].retainBytes: expected a whole number from 65536 to 68719476736\n"
		"t.conf:6:36: feeds[5].retain.max: more than 100000 messages; that many only with a \"key\"\n"
		"t.conf:6:62: feeds[5].snapshotEvent: \"connect\" is a reserved name, clients would refuse it\n"
		"t.conf:7:53: feeds[6].remove: expected a \"where\", such as {\"where\": {\"/type\": \"delete\"}}\n"
		"t.conf:7:74: feeds[6].snapshotEvent: expected a string that is not empty\n"
		"t.conf:8:64: feeds[7].remove.where.d: not a JSON pointer; it starts with '/' as in \"/type\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"event\": \"{1}\"}]}",
		"t.conf:2:10: feeds[0].event: {1} stands for nothing: the feed's pattern has 0 stars\n" },
	{ __LINE__, "{\"feeds\": [{\"pattern\": \"a*\",\n\"room\": \"{2}\"}]}",
		"t.conf:2:9: feeds[0].room: {2} stands for nothing: the feed's pattern has 1 star\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"event\": \"x{\"}]}",
		"t.conf:1:38: feeds[0].event: '{' stands alone; write it twice to mean the character\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"event\": \"{chan}\"}]}",
		"t.conf:1:38: feeds[0].event: unknown placeholder {chan}: in a feed there are {channel}, {1} … {9}, {message}, {text} and {/json/pointer}; \"{{\" is a brace\n" },
	{ __LINE__, "{\"namespaces\": {\"/\": {\"on\": {\"x\": [\n{\"join\": \"$1\"}]}}}}",
		"t.conf:2:10: namespaces./.on: /x/0/join: \"$1\" of siocast 0.1 is \"{1}\" now; where the text is meant write \"{$}1\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"event\": \"disconnect\"}]}",
		"t.conf:1:38: feeds[0].event: \"disconnect\" is a reserved name, clients would refuse it\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"encode\": \"json\",\n\"batch\": {\n\"format\": \"lines\"}}]}",
		"t.conf:3:11: feeds[0].batch.format: \"encode\": \"json\" needs \"array\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"encode\": \"text\", \"batch\": {\"format\": \"frames\"}}]}",
		"t.conf:1:67: feeds[0].batch.format: \"encode\": \"text\" needs \"array\" or \"lines\": frames are binary\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"encode\": \"text\", \"batch\": {\"format\": \"columns\"}}]}",
		"t.conf:1:67: feeds[0].batch.format: \"encode\": \"text\" needs \"array\" or \"lines\": columns are binary\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"encode\": \"json\",\n\"batch\": {\n\"format\": \"columns\"}}]}",
		"t.conf:3:11: feeds[0].batch.format: \"encode\": \"json\" needs \"array\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\",\n\"batch\": {\"format\": \"rows\"}}]}",
		"t.conf:2:21: feeds[0].batch.format: expected \"array\", \"lines\", \"frames\" or \"columns\"\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"batch\": {\"intervall\": 1}}]}",
		"t.conf:1:39: feeds[0].batch.intervall: unknown key; did you mean \"interval\"?\n" },
	{ __LINE__, "{\"feeds\": [{\"channel\": \"a\", \"where\": {\"type\": 1,\n\"/a\": [1,\n{}]}}]}",
		"t.conf:1:39: feeds[0].where.type: not a JSON pointer; it starts with '/' as in \"/type\"\n"
		"t.conf:3:1: feeds[0].where./a: expected a string, a number, true, false or null, not an object\n" },
	{ __LINE__, "{\"namespaces\": {\"/a\": {}},\n\"feeds\": [{\"channel\": \"x\", \"namespace\": \"/b\"}]}",
		"t.conf:2:41: feeds[0].namespace: namespace \"/b\" is not among \"namespaces\"\n" },
	/* What would be right. */
	{ __LINE__,
		"{\"engine\": {\"pingInterval\": \"200ms\", \"pingTimeout\": \"20 s\", \"maxHttpBufferSize\": \"1MB\"}}",
		"t.conf:1:29: engine.pingInterval: expected a number, not a string; write 200\n"
		"t.conf:1:53: engine.pingTimeout: expected a number, not a string; write 20000\n"
		"t.conf:1:82: engine.maxHttpBufferSize: expected a number, not a string; write 1048576\n" },
	{ __LINE__,
		"{\"limits\": {\"headerSeconds\": \"2m\", \"keepAliveSeconds\": \"soon\", \"roomsPerSocket\": \"5s\"}}",
		"t.conf:1:30: limits.headerSeconds: expected a number, not a string; write 120\n"
		"t.conf:1:56: limits.keepAliveSeconds: expected a number, not a string\n"
		"t.conf:1:82: limits.roomsPerSocket: expected a number, not a string\n" },
	{ __LINE__, "{\"serveClient\": \"no\", \"logLevel\": \"infos\", \"cors\": {\"maxAge\": \"1h\"}}",
		"t.conf:1:17: serveClient: expected true or false, not a string; write false\n"
		"t.conf:1:35: logLevel: \"infos\" is none of \"error\", \"warn\", \"info\", \"debug\"; did you mean \"info\"?\n"
		"t.conf:1:63: cors.maxAge: expected a number, not a string; write 3600\n" },
	/* Each of several. */
	{ __LINE__,
		"{\"namespaces\": {\"/\": {\"on\": {\n\"a\": [{\"jion\": \"x\"}, {\"join\": \"{1}\"}, {\"ack\": 1}],\n"
		"\"b\": 1, \"c\": [{\"emit\": []}]}}}, \"workers\": 99, \"path\": \"x\"}",
		"t.conf:2:16: namespaces./.on: /a/0/jion: unknown action \"jion\": there are emit, leave, join, ack, broadcast, "
		"publish, call, disconnect, pace and rate\n"
		"t.conf:2:47: namespaces./.on: /a/2/ack: must be an array of arguments\n"
		"t.conf:3:6: namespaces./.on: /b: must be an array of actions\n"
		"t.conf:3:24: namespaces./.on: /c/0/emit: needs an event name\n"
		"t.conf:3:44: workers: expected a whole number from 0 to 64\n"
		"t.conf:3:56: path: \"x\" is no path such as \"/socket.io/\"\n" },
	{ __LINE__, "{\n\"workers\": 2s,\n\"redis\": [\"a\" \"b\",],\n\"serveClient\": yes, \"pth\": 1\n}",
		"t.conf:2:12: not a number as JSON writes them: digits alone, without a unit\n"
		"t.conf:3:15: expected ',' or ']'\n"
		"t.conf:3:18: a comma with nothing after it\n"
		"t.conf:4:16: expected a value: a number, true, false, null, or a string in double quotes\n"
		"t.conf:4:21: pth: unknown key; did you mean \"path\"?\n" },
	/* Lists of channels, defaults, operators. */
	{ __LINE__, "{\"feeds\": [{\"channel\": [\"a\", \"b\", \"a\"]}, {\"pattern\": []}, {\"channel\": [1]}]}",
		"t.conf:1:35: feeds[0].channel[2]: \"a\" stands twice\n"
		"t.conf:1:54: feeds[1].pattern: an empty list\n"
		"t.conf:1:72: feeds[2].channel[0]: expected a string that is not empty\n" },
	{ __LINE__, "{\"feeds\": [{\"pattern\": [\"a.*\", \"b\"], \"event\": \"{1}\"}]}",
		"t.conf:1:47: feeds[0].event: {1} stands for nothing: the feed's pattern has 0 stars\n" },
	{ __LINE__,
		"{\"feedDefaults\": {\"channel\": \"a\", \"encod\": 1, \"slow\": 1}, \"feeds\": [{\"channel\": \"a\"}, {\"channel\": \"b\"}]}",
		"t.conf:1:19: feedDefaults: each feed has its own \"channel\"\n"
		"t.conf:1:35: feedDefaults.encod: unknown key; did you mean \"encode\"?\n"
		"t.conf:1:55: feedDefaults.slow: expected a string, not a number\n" },
	/* On demand. */
	{ __LINE__,
		"{\"feeds\": [{\"pattern\": \"a*\", \"subscribe\": \"often\"}, {\"pattern\": \"a*\", \"subscribe\": {\"linger\": -1}},\n"
		"{\"pattern\": \"a*\", \"subscribe\": \"on-demand\"}, {\"pattern\": \"a*\", \"room\": \"b\", \"subscribe\": \"on-demand\"},\n"
		"{\"pattern\": \"a*\", \"room\": [\"{1}\", \"{/x}\"], \"subscribe\": {\"mode\": \"on-demand\"}},\n"
		"{\"stream\": \"s\", \"room\": \"b\", \"subscribe\": \"on-demand\"},\n"
		"{\"channel\": \"c\", \"room\": \"b\", \"retain\": 1, \"subscribe\": \"on-demand\"},\n"
		"{\"channel\": \"c\", \"room\": \"b\", \"namespace\": \"/{/x}\", \"subscribe\": \"on-demand\"}]}",
		"t.conf:1:43: feeds[0].subscribe: \"often\" is none of \"always\", \"on-demand\"\n"
		"t.conf:1:84: feeds[1].subscribe: needs \"mode\": \"on-demand\" or \"always\"\n"
		"t.conf:1:95: feeds[1].subscribe.linger: expected a whole number from 0 to 3600000\n"
		"t.conf:2:32: feeds[2].subscribe: \"on-demand\" cannot be: it needs a \"room\": everyone in the namespace would hear every channel\n"
		"t.conf:2:90: feeds[3].subscribe: \"on-demand\" and this \"room\": of \"a*\" several channels may go to one such room; {channel} would tell them apart, or what all stars stand for, in their order and with the pattern's text between them\n"
		"t.conf:3:57: feeds[4].subscribe: \"on-demand\" and this \"room\": it is made of the message, so nobody knows its channel before the message comes\n"
		"t.conf:4:43: feeds[5].subscribe: \"on-demand\" cannot be: a stream is read, and not subscribed to\n"
		"t.conf:5:57: feeds[6].subscribe: \"on-demand\" cannot be: what is published while nobody is there would be missing of what is retained (\"retain\")\n"
		"t.conf:6:66: feeds[7].subscribe: \"on-demand\" cannot be: it needs a \"namespace\" without placeholders\n" },
	{ __LINE__,
		"{\"feedDefaults\": {\"subscribe\": \"on-demand\"}, \"feeds\": [{\"stream\": \"s\"},\n"
		"{\"channel\": \"a\", \"room\": \"r\"}, {\"channel\": \"b\"}]}",
		"t.conf:1:32: feeds[2].subscribe: \"on-demand\" cannot be: it needs a \"room\": everyone in the namespace would hear every channel\n" },
	{ __LINE__,
		"{\"redis\": [\"redis://a\", {\"url\": \"redis://b\", \"source\": \"psync\"}],\n"
		"\"feeds\": [{\"channel\": \"a\", \"room\": \"r\"}, {\"channel\": \"b\", \"room\": \"r\", \"subscribe\": \"on-demand\"}]}",
		"t.conf:2:85: feeds[1].subscribe: \"on-demand\" cannot be: whoever reads as a replica (\"source\": \"psync\") gets all there is\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"slow\": {\"latestPer\": \"a\", \"max\": 0, \"n\": 1}},\n"
		"{\"channel\": \"a\", \"slow\": {\"max\": 5}, \"lagEvent\": 1},\n"
		"{\"channel\": \"a\", \"slow\": {\"latestPer\": [\"/a\"]}}, {\"channel\": \"a\", \"slow\": \"latst\"}]}",
		"t.conf:1:51: feeds[0].slow.latestPer: expected a JSON pointer such as \"/symbol\"\n"
		"t.conf:1:63: feeds[0].slow.max: expected a whole number from 1 to 10000000\n"
		"t.conf:1:66: feeds[0].slow.n: unknown key\n"
		"t.conf:2:26: feeds[1].slow: needs \"latestPer\", a JSON pointer such as \"/symbol\"\n"
		"t.conf:2:50: feeds[1].lagEvent: expected true or false, not a number; write true\n"
		"t.conf:3:40: feeds[2].slow.latestPer: expected a JSON pointer such as \"/symbol\"\n"
		"t.conf:3:75: feeds[3].slow: \"latst\" is none of \"drop-oldest\", \"latest\", \"disconnect\"; did you mean "
		"\"latest\"?\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"where\": {\"/a\": {\"exist\": true}, \"/b\": {}, \"/c\": {\"exists\": 1, \">\": true},"
		"\"/d\": {\"not\": {\"<\": null}}}}]}",
		"t.conf:1:46: feeds[0].where./a.exist: unknown operator; there are exists, not, <, <=, > and >=\n"
		"t.conf:1:68: feeds[0].where./b: expected operators, such as {\"exists\": true} or {\">\": 5}\n"
		"t.conf:1:89: feeds[0].where./c.exists: expected true or false, not a number\n"
		"t.conf:1:97: feeds[0].where./c.>: expected a number or a string, not a boolean\n"
		"t.conf:1:123: feeds[0].where./d.not.<: expected a number or a string, not null\n" },
	/* Payloads. */
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"payload\": {\"a\": [\"{data}\"]}, \"payloadDefault\": \"{/a~2}\"},\n"
		"{\"channel\": \"a\", \"payload\": \"{1}\", \"omit\": [\"/a\", \"b\", \"/a\", 1]},\n"
		"{\"channel\": \"a\", \"payloadDefault\": 1, \"omit\": \"a\", \"event\": [\"a\", \"b\"]}]}",
		"t.conf:1:47: feeds[0].payload: /a/0: unknown placeholder {data}: in a feed there are {channel}, {1} … {9}, "
		"{message}, {text} and {/json/pointer}; \"{{\" is a brace\n"
		"t.conf:1:77: feeds[0].payloadDefault: \"/a~2\" is not a JSON pointer\n"
		"t.conf:2:29: feeds[1].payload: {1} stands for nothing: the feed's pattern has 0 stars\n"
		"t.conf:2:62: feeds[1].omit[3]: expected a string that is not empty\n"
		"t.conf:3:36: feeds[2].payloadDefault: needs a \"payload\" that a message may not have\n"
		"t.conf:3:47: feeds[2].omit: not a JSON pointer; it starts with '/' as in \"/user/email\"\n"
		"t.conf:3:61: feeds[2].event: expected one event name, not a list of 2\n" },
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"encode\": \"json\", \"spread\": true},\n"
		"{\"channel\": \"a\", \"batch\": {\"interval\": 0}, \"spread\": true},\n"
		"{\"channel\": \"a\", \"encode\": \"json\", \"batch\": {\"interval\": 0}, \"payload\": {}, \"spread\": true},\n"
		"{\"channel\": \"a\", \"omit\": [\"/a\", \"/b\", \"/a\", \"b\"], \"spread\": 1}]}",
		"t.conf:1:57: feeds[0].spread: needs \"batch\": {\"interval\": 0}: each message has arguments of its own\n"
		"t.conf:2:54: feeds[1].spread: needs \"encode\": \"json\" or \"text\": binary is one argument\n"
		"t.conf:3:87: feeds[2].spread: needs a \"payload\" that is a list, such as [\"{channel}\", \"{/data}\"]\n"
		"t.conf:4:39: feeds[3].omit[2]: \"/a\" stands twice\n"
		"t.conf:4:45: feeds[3].omit[3]: not a JSON pointer; it starts with '/' as in \"/user/email\"\n"
		"t.conf:4:61: feeds[3].spread: expected true or false, not a number\n" },
	/* Targets. */
	{ __LINE__,
		"{\"feeds\": [{\"channel\": \"a\", \"room\": [\"{/a}\", \"{b}\"], \"except\": []},\n"
		"{\"channel\": \"a\", \"except\": [\"a\", 1], \"namespace\": \"a/{/b}\"},\n"
		"{\"channel\": \"a\", \"namespace\": \"/{/b}\", \"room\": {}}, {\"channel\": \"a\", \"namespace\": \"a\"}]}",
		"t.conf:1:46: feeds[0].room[1]: unknown placeholder {b}: in a feed there are {channel}, {1} … {9}, {message}, "
		"{text} and {/json/pointer}; \"{{\" is a brace\n"
		"t.conf:1:64: feeds[0].except: an empty list\n"
		"t.conf:2:34: feeds[1].except[1]: expected a string that is not empty\n"
		"t.conf:2:51: feeds[1].namespace: a namespace starts with \"/\" and holds no ',' and no '?'\n"
		"t.conf:3:48: feeds[2].room: expected a string or a list of strings, not an object\n"
		"t.conf:3:83: feeds[3].namespace: a namespace starts with \"/\" and holds no ',' and no '?'\n" },
	{ __LINE__, "{\"namespaces\": {\"/b\": {}}, \"feeds\": [{\"channel\": \"a\", \"namespace\": \"/a{/x}\"}]}",
		"t.conf:1:68: feeds[0].namespace: this can be none of \"namespaces\"\n" },
	/* Namespaces by pattern. */
	{ __LINE__,
		"{\"namespaces\": {\"/a[*\": {}, \"/b-*\": {\"on\": {\"connection\": [{\"join\": \"{nsp.2}\"}, {\"join\": \"{nsp.x}\"}]}},\n"
		"\"/c\": {\"on\": {\"connection\": [{\"join\": \"{nsp.1}\"}]}}},\n"
		"\"feeds\": [{\"channel\": \"a\", \"namespace\": \"/b-1\"}, {\"channel\": \"a\", \"namespace\": \"/b-\"},"
		" {\"channel\": \"a\", \"namespace\": \"/b-{/x}\"}, {\"channel\": \"a\", \"namespace\": \"/d-{/x}\"}]}",
		"t.conf:1:17: namespaces./a[*: in the pattern of a namespace only '*' has a meaning; \"[\" cannot stand there\n"
		"t.conf:1:69: namespaces./b-*.on: /connection/0/join: {nsp.2} stands for nothing: the namespace has 1 star\n"
		"t.conf:1:90: namespaces./b-*.on: /connection/1/join: {nsp.x}: {nsp} has no members but {nsp.1} … {nsp.9}, "
		"what its stars matched\n"
		"t.conf:2:39: namespaces./c.on: /connection/0/join: {nsp.1} stands for nothing: the namespace has 0 stars\n"
		"t.conf:3:80: feeds[1].namespace: namespace \"/b-\" is not among \"namespaces\"\n"
		"t.conf:3:160: feeds[3].namespace: this can be none of \"namespaces\"\n" },
	{ __LINE__, "{\"namespaces\": {\"a\": {}}}",
		"t.conf:1:17: namespaces.a: a namespace starts with \"/\" and holds no ',' and no '?'\n" },
	{ __LINE__, "{\"namespaces\": {\"/\": {\"of\": {}}}}",
		"t.conf:1:23: namespaces./.of: unknown key; did you mean \"on\"?\n" },
	{ __LINE__, "{\"namespaces\": {\"/\": {}, \"/\": {}}}", "t.conf:1:26: namespaces./: the key stands twice\n" },
	{ __LINE__, "{\"namespaces\": {\"/\": {\"on\": {},\n\"on\": {}, \"retain\": 1}, \"/a\": []}}",
		"t.conf:2:1: namespaces./.on: the key stands twice\n"
		"t.conf:2:11: namespaces./.retain: unknown key\n"
		"t.conf:2:31: namespaces./a: expected an object, not a list\n" },
	/* What is asked of the application. */
	{ __LINE__,
		"{\"namespaces\": {\"/\": {\"on\": {\n"
		"\"a\": [{\"call\": \"ftp://x\"}, {\"call\": {\"url\": \"http://x/\", \"timeout\": 1}}, {\"call\": {}}],\n"
		"\"b\": [{\"call\": {\"url\": \"http://x/\", \"on\": 1}}, {\"call\": 5}, {\"call\": {\"url\": \"http://x/\", \"headers\": \"a\"}}]}}}}",
		"t.conf:2:16: namespaces./.on: /a/0/call: expected http://…, https://… or http+unix://%2Fpath%2Fof%2Fsocket/…\n"
		"t.conf:2:69: namespaces./.on: /a/1/call/timeout: must be a whole number from 10 to 600000\n"
		"t.conf:2:83: namespaces./.on: /a/2/call: needs a \"url\"\n"
		"t.conf:3:43: namespaces./.on: /b/0/call/on: unknown key: there are url, timeout, headers, concurrent and queue\n"
		"t.conf:3:57: namespaces./.on: /b/1/call: must be a URL or an object with a \"url\"\n"
		"t.conf:3:102: namespaces./.on: /b/2/call/headers: must be an array of names\n" },
	{ __LINE__, "{\"auth\": {\"hook\": {\"url\": \"http://h/\", \"on\": [\"connect\", \"leave\"]}}}",
		"t.conf:1:58: auth.hook.on[1]: the application is asked at \"connect\" and \"join\"\n" },
	{ __LINE__,
		"{\"auth\": {\"hook\": {\"url\": \"http://h/\", \"format\": \"laravel\", \"headers\": [\"Host\"]}}}",
		"t.conf:1:19: auth.hook: Laravel is asked about channels only: \"on\": [\"join\"]\n"
		"t.conf:1:19: auth.hook: \"host\" in \"headers\" is not a page's to say\n" },
	{ __LINE__,
		"{\"namespaces\": {\"/\": {\"rooms\": {\"rate\": {\"a\": {\"perSecond\": 0},\n\"b\": {}, \"c\": 5, "
		"\"d\": {\"perSec\": 1}, \"\": {\"perSecond\": 1}}}},\n\"/b\": {\"rooms\": {\"rate\": 5}}, \"/c\": {\"rooms\": "
		"5}}}",
		"t.conf:1:61: namespaces./.rooms.rate.a.perSecond: expected a whole number from 1 to 1000\n"
		"t.conf:2:6: namespaces./.rooms.rate.b: needs \"perSecond\", how often in a second\n"
		"t.conf:2:15: namespaces./.rooms.rate.c: expected an object, not a number\n"
		"t.conf:2:24: namespaces./.rooms.rate.d.perSec: unknown key\n"
		"t.conf:2:38: namespaces./.rooms.rate: an empty name\n"
		"t.conf:3:26: namespaces./b.rooms.rate: expected an object such as {\"slow.*\": {\"perSecond\": 2}}, not a "
		"number\n"
		"t.conf:3:47: namespaces./c.rooms: expected an object with \"allow\", \"deny\" or \"rate\", not a number\n" },
	{ __LINE__, "{\"auth\": {\"hook\": {\"url\": \"http://h/\", \"rooms\": \"private-*\"}}}",
		"t.conf:1:19: auth.hook: \"rooms\" says which joins the application is asked about: \"on\": [\"join\"] is missing\n" },
	/* What is not JSON. */
	{ __LINE__, "", "t.conf:1:1: the file ends in the middle\n" },
	{ __LINE__, "{\n\"workers\": 1,\n}", "t.conf:2:13: a comma with nothing after it\n" },
	{ __LINE__, "{\n\"workers\": 1\n\"path\": \"/\"}", "t.conf:3:1: expected ',' or '}'\n" },
	{ __LINE__, "{\n\"workers\" 1}", "t.conf:2:11: expected ':' after a key\n" },
	{ __LINE__, "{\nworkers: 1}", "t.conf:2:1: expected a key in double quotes\n" },
	{ __LINE__, "{\"a\": \"x\n\"}", "t.conf:1:7: a string that does not end on its line\n" },
	{ __LINE__, "{\"a\": \"\\x\"}", "t.conf:1:8: a bad escape in a string; a backslash itself is written \\\\\n" },
	{ __LINE__, "{\"a\": \"\\u0000\"}", "t.conf:1:8: \\u0000 cannot be used here\n" },
	{ __LINE__, "{\"a\":\n \"\\ud800\"}", "t.conf:2:3: half of a surrogate pair\n" },
	{ __LINE__, "{\"a\": \"\\ud83d\\u0041\"}", "t.conf:1:8: half of a surrogate pair\n" },
	{ __LINE__, "{\"a\": \"\\ude00\\ud83d\"}", "t.conf:1:8: half of a surrogate pair\n" },
	{ __LINE__, "{\"\\uD83D\\uDE00\": 1}", "t.conf:1:2: \xf0\x9f\x98\x80: unknown key\n" },
	{ __LINE__, "{\"a\": 01}",
		"t.conf:1:2: a: unknown key\n"
		"t.conf:1:7: not a number as JSON writes them\n" },
	{ __LINE__, "{\"a\": yes}",
		"t.conf:1:2: a: unknown key\n"
		"t.conf:1:7: expected a value: a number, true, false, null, or a string in double quotes\n" },
	{ __LINE__, "{\"a\": [1 2]}",
		"t.conf:1:2: a: unknown key\n"
		"t.conf:1:10: expected ',' or ']'\n" },
	{ __LINE__, "{} {}", "t.conf:1:4: something stands after the end of the configuration\n" },
	{ __LINE__, "{}\n /* open", "t.conf:2:2: a comment that does not end\n" },
	{ __LINE__, "{\"a\": \"\xff\"}",
		"t.conf:1:2: a: unknown key\n"
		"t.conf:1:8: the file is not UTF-8\n" },
};

static void
mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		struct config *c = load_with(mistakes[i].text, NULL);

		if (c) fail_msg("line %d: accepted", mistakes[i].line);
		if (strcmp(errors, mistakes[i].errors) != 0)
			fail_msg("line %d:\n got: %s want: %s", mistakes[i].line, errors, mistakes[i].errors);
	}
}

static void
handler_mistakes_have_lines(void **state)
{
	static const char text[] = "{\"namespaces\": {\"/\": {\"on\": {\n\"a\": [\n{\"jion\": \"x\"}]}}}}";

	(void)state;
	assert_null(load_with(text, NULL));
	assert_int_equal(strncmp(errors, "t.conf:3:10: namespaces./.on: ", 30), 0);
	assert_int_equal(n_errors, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(handler_mistakes_have_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
