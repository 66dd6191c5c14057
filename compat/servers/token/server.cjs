// Only who has a token may connect; it says who that is.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const fs = require('fs');
const jwt = require('jsonwebtoken');
const redis = require('redis').createClient(process.env.REDIS_URL);

const secret = fs.readFileSync(__dirname + '/secret');

io.use((socket, next) => {
  const { auth, query } = socket.handshake;
  jwt.verify((auth && auth.token) || query.token, secret, { algorithms: ['HS256'] }, (error, claims) => {
    if (error) return next(new Error('unauthorized'));
    socket.claims = claims;
    next();
  });
});
io.on('connection', (socket) => {
  socket.join('user.' + socket.claims.sub);
  socket.on('who', (done) => done(socket.claims.sub, socket.claims.name));
});

redis.subscribe('payments');
redis.on('message', (channel, message) => {
  const payment = JSON.parse(message);
  io.to('user.' + payment.user).emit('payment', payment.amount);
});

server.listen(process.env.PORT || 3000);
