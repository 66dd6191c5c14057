// The message names several rooms; whoever is in more than one of them gets it once.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);

io.on('connection', (socket) => {
  socket.on('join', (groups) => groups.forEach((group) => socket.join(group)));
});

redis.subscribe('notes');
redis.on('message', (channel, message) => {
  const note = JSON.parse(message);
  if (note.groups.length === 0) return;
  note.groups.reduce((target, group) => target.to(group), io).emit('note', note.text);
});

server.listen(process.env.PORT || 3000);
