// Only some messages are for pages, and the type decides the event.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);

redis.subscribe('market');
redis.on('message', (channel, message) => {
  const m = JSON.parse(message);
  if (m.type === 'trade' && m.size >= 100) io.emit('big trade', m);
  if (m.type === 'halt' || m.type === 'resume') io.emit(m.type, m);
});

server.listen(process.env.PORT || 3000);
