// A list of rooms but for the author's own, as socket.io 4 can say it.
const { createServer } = require('http');
const { Server } = require('socket.io');
const { createClient } = require('redis');

const server = createServer(require('express')());
const io = new Server(server, { allowEIO3: true, cors: { origin: true, credentials: true } });
const subscriber = createClient({ url: process.env.REDIS_URL });

io.on('connection', (socket) => {
  socket.on('join', (rooms) => socket.join(rooms));
});

subscriber.connect().then(() => subscriber.subscribe('mentions', (message) => {
  const { rooms, from, post } = JSON.parse(message);
  io.to(rooms).except(`user:${from}`).emit('post', post);
}));

server.listen(process.env.PORT || 3000);
