// Only who has logged in at the web application may connect: its session cookie says who that is.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);
const { sessions } = require('./sessions.cjs');

io.use((socket, next) => sessions(socket.request, {}, next));
io.use((socket, next) => {
  const { user } = socket.request.session || {};
  if (!user) return next(new Error('not logged in'));
  socket.user = user;
  next();
});
io.on('connection', (socket) => {
  socket.join('user:' + socket.user);
  socket.emit('you', socket.user);
});

redis.psubscribe('inbox:*');
redis.on('pmessage', (pattern, channel, message) => {
  io.to('user:' + channel.slice(6)).emit('mail', JSON.parse(message));
});

server.listen(process.env.PORT || 3000);
