// What one draws the others see; what one says in a room its members hear, and who said it, too.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);

io.on('connection', (socket) => {
  socket.on('drawing', (line) => socket.broadcast.emit('drawing', line));
  socket.on('enter', (room, done) => {
    socket.join(room);
    done();
  });
  socket.on('typing', (room) => socket.to(room).emit('typing', { room, from: socket.id }));
  socket.on('say', (room, text) => io.to(room).emit('said', room, text));
});

server.listen(process.env.PORT || 3000);
