// Who opens a page gets the present state of its board, and then each new one.
const server = require('http').createServer();
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);

const lastState = {};

redis.on('message', (channel, message) => {
  const state = JSON.parse(message);
  lastState[state.board] = state;
  io.to(state.board).emit('update', state);
});

io.on('connection', (socket) => {
  const { board } = socket.handshake.query;
  socket.join(board);
  if (lastState[board]) socket.emit('init', lastState[board]);
});

redis.subscribe('boards');
server.listen(process.env.PORT || 3000);
