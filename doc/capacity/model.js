// SPDX-License-Identifier: MIT
//
// What a site costs with siocast: the model of doc/scale.md, for index.html and for the tests. Costs are in costs.js, which
// bench/ writes from its report.

/**
 * site: {clients, polling, messages, heard, bytes, interval, nodes, cores, gigabits, gigabytes, away}
 *   polling   the part of the clients that poll, 0 to 1
 *   messages  a second, all channels together
 *   heard     the part of them that one client gets, 0 to 1
 *   bytes     of a message
 *   interval  of batches in ms; 0: each message is sent at once
 *   cores, gigabits, gigabytes   of each node: processors, its network, its memory
 * Returns {rows, first, enough}: what each thing would be used, as {name, used, of, unit}, the part of it that is used being used / of;
 * which of them ends first; whether all is below the target of 70 %.
 */
function siocastCapacity(costs, site) {
	var TARGET = 0.7;
	// Of a frame and the packets around it; of a message for a subscriber in RESP.
	var FRAME_BYTES = 80, REDIS_BYTES = 50;
	// Redis takes and sends on one processor.
	var own = site.messages * site.heard;
	var events = site.interval > 0 ? Math.min(own, 1000 / site.interval) : own;
	var perEvent = events > 0 ? own / events : 0;
	var sockets = site.clients * (1 - site.polling) / site.nodes, polls = site.clients * site.polling / site.nodes;
	// Between the two sizes that were measured the cost grows with the bytes.
	var size = perEvent * site.bytes;
	var delivery = costs.small + (costs.large - costs.small) * Math.max(0, size - 250) / 2750;
	var poll = delivery + costs.poll - costs.small;
	var seconds = (sockets * events * delivery + polls * events * poll + site.messages * costs.taken) / 1e6;
	var bytes = (sockets + polls) * (own * site.bytes + events * FRAME_BYTES);
	var redis = site.messages * (costs.redis + costs.redisNode * site.nodes) / 1e6;
	var rows = [
		{ name: 'processors of each node', used: seconds, of: site.cores, unit: 'cores' },
		{ name: 'network of each node', used: bytes * 8 / 1e9, of: site.gigabits, unit: 'Gb/s' },
		{ name: 'memory of each node (siocast; the kernel needs as much and more)', used: (sockets + polls) * costs.kilobytes / 1048576, of: site.gigabytes, unit: 'GB' },
		{ name: 'Redis (it works on one processor)', used: redis, of: 1, unit: 'cores' },
		{ name: 'network of Redis', used: site.messages * (site.bytes + REDIS_BYTES) * site.nodes * 8 / 1e9, of: site.gigabits, unit: 'Gb/s' },
	];
	var first = rows.reduce(function (a, b) { return b.used / b.of > a.used / a.of ? b : a; });
	return {
		rows: rows,
		first: first,
		enough: first.used / first.of <= TARGET,
		events: events,
		deliveries: (sockets + polls) * events,
		// All clients of a node that is gone, connecting to those that are left.
		reconnect: site.nodes > 1 ? (site.clients / site.nodes) * costs.connect / 1e6 / ((site.nodes - 1) * site.cores) : site.clients * costs.connect / 1e6 / site.cores
	};
}

/** How many nodes it takes, at most 1,000; 0 where more of them do not help. */
function siocastNodes(costs, site) {
	for (var n = 1; n <= 1000; n++) {
		var one = {};
		for (var key in site) one[key] = site[key];
		one.nodes = n;
		if (siocastCapacity(costs, one).enough) return n;
	}
	return 0;
}
