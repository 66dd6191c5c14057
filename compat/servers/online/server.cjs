// How many pages are open, told to everyone whenever that changes.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);

let online = 0;

io.on('connection', (socket) => {
  online++;
  io.emit('updateOnline', online);
  socket.on('disconnect', () => {
    online--;
    io.emit('updateOnline', online);
  });
});

server.listen(process.env.PORT || 3000);
