// The application as the server asks it.
const express = require('express');
const { decide } = require('./bids.cjs');

const app = express();

app.post('/bids', express.json(), (req, res) => {
  const { status, result } = decide(req.body);
  res.status(status).json(result);
});

module.exports = app;
