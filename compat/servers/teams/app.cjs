// What stays of the application: it looks into the database.
const express = require('express');
const { findTeams } = require('./database.cjs');

const app = express();

app.post('/socket/auth', express.json(), async (req, res) => {
  const { user } = req.body.query;
  const teams = await findTeams(user);
  if (!teams) return res.status(403).json({ message: 'unknown user' });
  res.json({ user, rooms: teams.map((team) => 'team:' + team), emit: [['teams', teams]] });
});

app.listen(process.env.PORT || 8000);
