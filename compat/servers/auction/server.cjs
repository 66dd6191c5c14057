// Bids go to the application, which says what becomes of them. Who bids hears that, and so does everybody else at the lot.
const server = require('http').createServer();
const io = require('socket.io')(server);
const application = require('./application.cjs').listen(0, '127.0.0.1');

const post = (path, body) => fetch(`http://127.0.0.1:${application.address().port}${path}`, {
  method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
});

io.on('connection', (socket) => {
  socket.on('watch', (lot) => socket.join('lot:' + lot));
  socket.on('bid', async (bid, done) => {
    const response = await post('/bids', bid);
    const result = await response.json();
    if (!response.ok) return done({ error: 'refused', status: response.status, message: result.message });
    socket.join('lot:' + result.lot);
    socket.emit('mine', result.lot, result.amount);
    socket.to('lot:' + result.lot).emit('bid', result);
    done('ok', result);
  });
});

server.listen(process.env.PORT || 3000);
