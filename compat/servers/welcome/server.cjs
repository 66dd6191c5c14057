// A greeting at connect, with what the page said in its URL, and a room of that name.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);

io.on('connection', (socket) => {
  const { lang } = socket.handshake.query;
  socket.join('lang:' + lang);
  socket.emit('hello', { version: 3, lang });
  socket.emit('ready');
});

redis.psubscribe('announce:*');
redis.on('pmessage', (pattern, channel, message) => {
  io.to('lang:' + channel.split(':')[1]).emit('announce', message);
});

server.listen(process.env.PORT || 3000);
