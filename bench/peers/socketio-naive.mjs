// SPDX-License-Identifier: MIT
//
// The Socket.IO server of a first version: each message is parsed and emitted as an object.

import { listen, options, subscribe } from './peer.mjs';

const { port, redis, event } = options();
const io = listen(port);
await subscribe(redis, event, (message) => io.emit(event, JSON.parse(message)));
