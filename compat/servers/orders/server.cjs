// The message says who it is for.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);

io.on('connection', (socket) => {
  socket.on('watch', (account) => socket.join('account:' + account));
  socket.on('unwatch', (account) => socket.leave('account:' + account));
});

redis.subscribe('orders');
redis.on('message', (channel, message) => {
  const order = JSON.parse(message);
  io.to('account:' + order.account).emit('order', order);
});

server.listen(process.env.PORT || 3000);
