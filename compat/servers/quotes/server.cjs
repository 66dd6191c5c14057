// The event has several arguments, taken from the message.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);

redis.psubscribe('quotes.*');
redis.on('pmessage', (pattern, channel, message) => {
  const quote = JSON.parse(message);
  io.emit('quote', channel, quote.symbol, quote.bid, quote.depth);
});

server.listen(process.env.PORT || 3000);
