// A namespace for each site, made when somebody asks for it.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);

io.of(/^\/site-.+$/).on('connection', (socket) => {
  socket.emit('site', socket.nsp.name.slice(6));
});

redis.psubscribe('site:*');
redis.on('pmessage', (pattern, channel, message) => {
  io.of('/site-' + channel.slice(5)).emit('change', JSON.parse(message));
});

server.listen(process.env.PORT || 3000);
