// Parts of the channel's name are the room and the event.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const Redis = require('ioredis');

io.on('connection', (socket) => {
  socket.on('enter', (room) => socket.join(room));
});

const redis = new Redis(process.env.REDIS_URL);
redis.psubscribe('chat:*:*');
redis.on('pmessage', (pattern, channel, message) => {
  const [, room, event] = channel.split(':');
  io.to(room).emit(event, JSON.parse(message));
});

server.listen(process.env.PORT || 3000);
