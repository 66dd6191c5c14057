// Who is in a room: the list for who comes, and one event for each user, not for each tab, who comes and goes.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);

const lobbies = new Map();

io.on('connection', (socket) => {
  const { user } = socket.handshake.query;
  const mine = new Set();

  socket.on('enter', (room) => {
    const members = lobbies.get(room) || new Map();
    lobbies.set(room, members);
    mine.add(room);
    if (!members.has(user)) socket.to(room).emit('joining', { user });
    members.set(user, (members.get(user) || 0) + 1);
    socket.join(room);
    socket.emit('here', [...members.keys()].sort().map((name) => ({ user: name })));
  });
  socket.on('disconnect', () => {
    for (const room of mine) {
      const members = lobbies.get(room);
      members.set(user, members.get(user) - 1);
      if (members.get(user) > 0) continue;
      members.delete(user);
      io.to(room).emit('leaving', { user });
    }
  });
});

server.listen(process.env.PORT || 3000);
