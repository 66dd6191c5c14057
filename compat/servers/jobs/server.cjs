// A worker answers to the one client that asked, by the id of its socket.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis');

const subscriber = redis.createClient(process.env.REDIS_URL);
const publisher = redis.createClient(process.env.REDIS_URL);

io.on('connection', (socket) => {
  socket.on('render', (page) => {
    publisher.publish('jobs', JSON.stringify({ socket: socket.id, page }));
  });
});

subscriber.subscribe('jobs:done');
subscriber.on('message', (channel, message) => {
  const job = JSON.parse(message);
  io.to(job.socket).emit('rendered', job.url);
});

server.listen(process.env.PORT || 3000);
