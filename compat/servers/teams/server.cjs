// The database says which rooms a client is in.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);
const { findTeams } = require('./database.cjs');

io.use(async (socket, next) => {
  socket.teams = await findTeams(socket.handshake.query.user);
  next(socket.teams ? undefined : new Error('unknown user'));
});
io.on('connection', (socket) => {
  for (const team of socket.teams) socket.join('team:' + team);
  socket.emit('teams', socket.teams);
});

redis.psubscribe('team:*');
redis.on('pmessage', (pattern, channel, message) => {
  io.to(channel).emit('news', JSON.parse(message));
});

server.listen(process.env.PORT || 3000);
