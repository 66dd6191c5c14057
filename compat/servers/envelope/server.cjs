// One event for all channels: the page finds the channel's name beside the data.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);

redis.psubscribe('sensor/*');
redis.on('pmessage', (pattern, channel, message) => {
  io.emit('message', { channel, data: JSON.parse(message) });
});

server.listen(process.env.PORT || 3000);
