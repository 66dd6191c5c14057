// A page asks to join rooms; not everyone may join each.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const fs = require('fs');
const jwt = require('jsonwebtoken');
const redis = require('redis').createClient(process.env.REDIS_URL);

const secret = fs.readFileSync(__dirname + '/secret');
const mayJoin = ({ sub, teams }, room) =>
  room.startsWith('public.') || room === 'desk.' + sub || teams.some((team) => room === 'team.' + team);

io.use((socket, next) => {
  jwt.verify(socket.handshake.query.token, secret, { algorithms: ['HS256'] }, (error, claims) => {
    socket.claims = claims;
    next(error);
  });
});
io.on('connection', (socket) => {
  socket.on('join', (room, done) => {
    if (!mayJoin(socket.claims, room)) return done({ error: 'forbidden', room });
    socket.join(room);
    done(null, room);
  });
});

redis.psubscribe('door:*');
redis.on('pmessage', (pattern, channel, message) => {
  io.to(channel.slice(5)).emit('knock', JSON.parse(message));
});

server.listen(process.env.PORT || 3000);
