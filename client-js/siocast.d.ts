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

/**
 * The parsed messages of a batch. Throws an Error when a frame is truncated or a message is not JSON, or the batch is in columns and
 * siocast-columns.js ("siocast/columns") was not loaded.
 */
export function decode<T = any>(batch: Batch | T[]): T[];

/** The messages of a batch as they were published, unparsed. They share the memory of the batch, unless it is in columns. */
export function split(batch: Batch): Uint8Array[];

/** The values of a batch by where they stand in its messages. */
export interface Columns {
  /** How many messages there are, and values in each column. */
  length: number;
  /** By JSON pointer, such as "/trade/size": numbers, with NaN where a message has none; or whatever stands there. */
  values: { [pointer: string]: Float64Array | any[] };
}

/** The columns of a batch, for charts. Throws as `decode` does. */
export function columns(batch: Batch | any[]): Columns;

/** Calls `fn` for every message of every batch of an event; the returned function ends it. */
export function on<T = any>(socket: Listenable, event: string, fn: (message: T) => void): () => void;

/** What `resume` needs of a socket; every socket.io-client since 1.0 has it. */
export interface Resumable extends Listenable {
  /** The manager of its connection. */
  io: unknown;
}

/**
 * Has a client before 4.6 come back to its session after its connection broke, where the server has
 * `connectionStateRecovery`: call it right behind `io()`. The socket gets `recovered`, as those of later clients have
 * it, for which this does nothing. All namespaces of its connection come back. Returns the socket.
 */
export function resume<T extends Resumable>(socket: T): T & { recovered: boolean };

/** For siocast-columns.js: gives what decodes another format. */
export function use(make: (shared: any) => any): void;

export as namespace siocast;
