// A page subscribes to symbols and is told whether that worked.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);

io.on('connection', (socket) => {
  socket.on('subscribe', (symbol, done) => {
    socket.join('price:' + symbol);
    done({ ok: true, symbol });
  });
  socket.on('unsubscribe', (symbol, done) => {
    socket.leave('price:' + symbol);
    done(null, symbol);
  });
  socket.on('echo', (...args) => args.pop()(...args));
});

redis.psubscribe('price:*');
redis.on('pmessage', (pattern, channel, message) => {
  io.to(channel).emit('price', JSON.parse(message));
});

server.listen(process.env.PORT || 3000);
