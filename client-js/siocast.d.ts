/** Batch decoder for siocast, a Socket.IO broadcast server. */

/** What a Socket.IO client may hand out for a batch: binary, text, or (feeds with "encode": "json") the array itself. */
export type Batch = ArrayBuffer | ArrayBufferView | string;

/** What `on` needs of a socket; every socket.io-client since 1.0 has it. */
export interface Listenable {
  on(event: string, listener: (...args: any[]) => void): unknown;
  off?(event: string, listener: (...args: any[]) => void): unknown;
  removeListener?(event: string, listener: (...args: any[]) => void): unknown;
}

export const version: string;

/** The parsed messages of a batch. Throws an Error when a frame is truncated or a message is not JSON. */
export function decode<T = any>(batch: Batch | T[]): T[];

/** The messages of a batch as they were published, unparsed. They share the memory of the batch. */
export function split(batch: Batch): Uint8Array[];

/** Calls `fn` for every message of every batch of an event; the returned function ends it. */
export function on<T = any>(socket: Listenable, event: string, fn: (message: T) => void): () => void;

export as namespace siocast;
