// Each message of a channel goes to everybody, as an event of the channel's name.
const app = require('express')();
const server = require('http').createServer(app);
const io = require('socket.io')(server);
const redis = require('redis');

const subscriber = redis.createClient(process.env.REDIS_URL);
subscriber.subscribe('headlines');
subscriber.subscribe('weather');
subscriber.on('message', (channel, message) => {
  io.emit(channel, JSON.parse(message));
});

app.get('/', (req, res) => res.send('headlines'));
server.listen(process.env.PORT || 3000);
