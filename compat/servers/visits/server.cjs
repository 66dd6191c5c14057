// What must not leave the house is taken out of the message.
const server = require('http').createServer(require('express')());
const io = require('socket.io')(server);
const redis = require('redis').createClient(process.env.REDIS_URL);

redis.subscribe('visits');
redis.on('message', (channel, message) => {
  const visit = JSON.parse(message);
  delete visit.ip;
  if (visit.user) delete visit.user.email;
  io.emit('visit', visit);
});

server.listen(process.env.PORT || 3000);
