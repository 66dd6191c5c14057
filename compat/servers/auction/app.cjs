// What stays of the application: it decides, and says what is to be sent.
const express = require('express');
const { decide } = require('./bids.cjs');

const app = express();

app.post('/socket/bid', express.json(), (req, res) => {
  const { status, result } = decide(req.body.args[0]);
  if (status !== 200) return res.status(status).json(result);
  const room = 'lot:' + result.lot;
  res.json({
    join: [room],
    emit: [['mine', result.lot, result.amount]],
    broadcast: [{ room, event: 'bid', args: [result] }],
    ack: ['ok', result],
  });
});

app.listen(process.env.PORT || 8000);
