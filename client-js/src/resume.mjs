// SPDX-License-Identifier: MIT
// Coming back after a connection broke: clients before 4.6 know nothing of recovery. What siocast sends to one that asks for it is
// looked at before the client's own code gets it: the offset behind the arguments of each event is taken off, and remembered. All
// namespaces of a connection come back together, as siocast has it.
//
//     3.0 to 4.5   the CONNECT packet has the pid, and takes pid and offset when the client is back
//     1.0 to 2.5   the event siocast:session has the pid, and the query of the next handshake takes pid and offset
import { SINCE, setQuery } from "./query.mjs";

var CONNECT = 0;
var EVENT = 2;
var BINARY_EVENT = 5;

/* Adds pid and offset to the CONNECT packets of a socket. What the page gives for auth stays as it is. */
function hookSocket(socket, place) {
  var packet = socket.packet;

  socket.packet = function (p) {
    var data, name;

    if (p && p.type === CONNECT && place.pid && place.answered) {
      data = { pid: place.pid };
      if (place.offset) data.offset = place.offset;
      for (name in p.data) data[name] = p.data[name];
      p.data = data;
    }
    return packet.apply(this, arguments);
  };
  if (typeof socket.recovered !== "boolean") socket.recovered = false;
  socket.on("disconnect", function () {
    socket.recovered = false;
  });
}

/* What is remembered of a socket, and the hook in it, made when they are new. memory is of a connection, and lives as
 * long as its manager. */
function placeOf(memory, nsp) {
  var socket = memory.manager.nsps[nsp];
  var key = "n" + nsp;
  var place = memory.places[key];

  if (!place) {
    place = memory.places[key] = { nsp: nsp, pid: "", offset: "", socket: null, engine: null, answered: false };
  }
  if (socket && socket !== place.socket) {
    place.socket = socket;
    hookSocket(socket, place);
  }
  return place;
}

/* Another pid than before: what was remembered is of another session. Returns whether it is the same. */
function renew(place, pid) {
  var same = pid !== "" && place.pid === pid;

  if (!same) place.offset = "";
  place.pid = pid;
  return same;
}

function onConnect(memory, place, data) {
  if (data && data.sid) {
    place.answered = true;
    place.socket.recovered = renew(place, data.pid || "");
  } else if (place.engine !== memory.manager.engine) {
    /* Of revision 3, and the server has not said anything: it was not asked yet, or has no recovery. */
    renew(place, "");
    place.socket.recovered = false;
    place.socket.emit("siocast:resume");
  }
}

function onEvent(memory, place, data) {
  if (data[0] === "siocast:session") {
    place.engine = memory.manager.engine;
    place.socket.recovered = renew(place, data[1]) && data[2] === true;
  } else if (place.pid && data.length > 1 && typeof data[data.length - 1] === "string") {
    place.offset = data.pop();
  }
}

function onPacket(memory, packet) {
  if (!packet || !memory.manager.nsps[packet.nsp]) return;
  if (packet.type === CONNECT) {
    onConnect(memory, placeOf(memory, packet.nsp), packet.data);
  } else if ((packet.type === EVENT || packet.type === BINARY_EVENT) && packet.id == null && packet.data) {
    onEvent(memory, placeOf(memory, packet.nsp), packet.data);
  }
}

/* The connection has ended: from here on nothing changes until the next handshake. */
function onClose(memory) {
  var since = {};
  var any = false;
  var key, place;

  for (key in memory.places) {
    place = memory.places[key];
    if (place.answered || !place.pid) continue;
    any = true;
    since[SINCE + (place.nsp === "/" ? "" : place.nsp)] = place.pid + "~" + place.offset;
  }
  if (any || memory.asks) setQuery(memory.manager, since);
  memory.asks = any;
}

/* Ours comes before the listeners that are there. */
function listenFirst(emitter, event, listener) {
  var others = emitter.listeners(event).slice();
  var i;

  for (i = 0; i < others.length; i++) emitter.removeListener(event, others[i]);
  emitter.on(event, listener);
  for (i = 0; i < others.length; i++) emitter.on(event, others[i]);
}

/* Has a client before 4.6 come back to its session: its rooms, and what it missed. Later ones do so by themselves. */
export function resume(socket) {
  var manager = socket.io;
  var memory = { manager: manager, places: {}, asks: false };

  if (manager.siocastMemory || typeof socket.recovered === "boolean") return socket;
  manager.siocastMemory = memory;
  listenFirst(manager.decoder, "decoded", function (packet) {
    onPacket(memory, packet);
  });
  manager.on("close", function () {
    onClose(memory);
  });
  placeOf(memory, socket.nsp);
  /* Of revision 3 its id is made of the engine's; before 1.3 it has none. Later ones were told the pid already. */
  if (socket.connected && String(socket.id || manager.engine.id).indexOf(manager.engine.id) >= 0) {
    socket.emit("siocast:resume");
  }
  return socket;
}
