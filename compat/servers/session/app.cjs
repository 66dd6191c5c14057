// What stays of the application: it says whose session it is.
const express = require('express');
const { sessions } = require('./sessions.cjs');

const app = express();

app.post('/socket/auth', express.json(), (req, res, next) => {
  req.headers.cookie = req.body.headers.cookie;
  next();
}, sessions, (req, res) => {
  const { user } = req.session;
  if (!user) return res.status(403).json({ message: 'not logged in' });
  res.json({ user, rooms: ['user:' + user], emit: [['you', user]] });
});

app.listen(process.env.PORT || 8000);
