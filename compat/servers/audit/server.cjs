// Redis is told who comes and goes, and what they report.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);

const tell = (what) => redis.publish('clients', JSON.stringify(what));

io.on('connection', (socket) => {
  const { user } = socket.handshake.query;
  tell({ what: 'connected', id: socket.id, user });
  socket.on('report', (text, details) => tell({ what: 'report', user, text, page: details.page }));
  socket.on('disconnect', (reason) => tell({ what: 'disconnected', id: socket.id, user, reason }));
});

server.listen(process.env.PORT || 3000);
