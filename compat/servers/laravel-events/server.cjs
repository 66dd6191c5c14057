// Events as Laravel's broadcasting publishes them: {"event", "data", "socket"}. The page gets the data.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const Redis = require('ioredis');

const redis = new Redis(process.env.REDIS_URL);
redis.psubscribe('laravel:*');
redis.on('pmessage', (pattern, channel, message) => {
  const event = JSON.parse(message);
  io.emit(channel + ':' + event.event, event.data);
});

server.listen(process.env.PORT || 3000);
