// Messages are collected, and leave together: when there are five, or a moment after the first.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);

let batch = [];
let timer = null;

function flush() {
  clearTimeout(timer);
  timer = null;
  io.emit('ticks', batch);
  batch = [];
}

redis.psubscribe('ticks.*');
redis.on('pmessage', (pattern, channel, message) => {
  batch.push(JSON.parse(message));
  if (batch.length === 5) flush();
  else if (!timer) timer = setTimeout(flush, 200);
});

server.listen(process.env.PORT || 3000);
