// The sessions of the web application, which both the pages and the sockets need. A real one keeps them in Redis.
const session = require('express-session');

const store = new session.MemoryStore();
const users = { 'session-of-ann': 'ann', 'session-of-bob': 'bob' };

for (const [id, user] of Object.entries(users)) store.set(id, { cookie: { originalMaxAge: null }, user });

const sessions = session({ name: 'web.sid', secret: 'keep it', store, resave: false, saveUninitialized: false });

module.exports = { sessions };
