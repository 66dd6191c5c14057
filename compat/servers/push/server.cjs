// Programs without Redis post what pages are to get.
const express = require('express');
const app = express();
const server = require('http').createServer(app);
const io = require('socket.io')(server);

io.on('connection', (socket) => {
  socket.on('join', (room, done) => {
    socket.join(room);
    done();
  });
});

app.post('/publish', express.json(), (req, res) => {
  if (req.get('authorization') !== 'Bearer let-me-publish-now') return res.sendStatus(401);
  const { room, event, args } = req.body;
  (room ? io.to(room) : io).emit(event, ...args);
  res.json({ accepted: 1 });
});

server.listen(process.env.PORT || 3000);
