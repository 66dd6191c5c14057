// Made by ./run bench from its results; do not edit.
var siocastCosts = {
	small: 6.59, // µs of processor for a delivery of 250 bytes
	large: 5.41, // the same of 3,000
	poll: 16.9, // µs for an event to a client that polls
	taken: 4.5, // µs for a message that is taken from Redis, one by one; in crowds it is a tenth
	connect: 55.1, // µs for a WebSocket that connects
	kilobytes: 0.981, // KB of a connection
	redis: 5.25, // µs of Redis for a message, with what publishes it
	redisNode: 2.63, // and for each node that hears it
};
