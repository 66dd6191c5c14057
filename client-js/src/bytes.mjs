// SPDX-License-Identifier: MIT
// What is binary, whatever it is called.

export function tag(value) {
  return Object.prototype.toString.call(value);
}

/* The bytes of whatever binary a Socket.IO client hands out, as a Uint8Array over the same memory where possible.
 * Asked by name and not by instanceof, because a buffer may come from another frame or vm context. */
export function bytesOf(data) {
  var name = tag(data);

  if (name === "[object ArrayBuffer]") {
    return new Uint8Array(data);
  }
  if (data && typeof data === "object") {
    if (tag(data.buffer) === "[object ArrayBuffer]") {
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    }
    /* The Buffer of Node before 4 is no typed array, but it looks like one. */
    if (typeof Buffer === "function" && Buffer.isBuffer && Buffer.isBuffer(data)) {
      return new Uint8Array(data);
    }
  }
  throw new Error("siocast: expected an ArrayBuffer, a typed array, a DataView, a Buffer or a string, got " +
    (data === null ? "null" : typeof data === "object" ? name : typeof data));
}
