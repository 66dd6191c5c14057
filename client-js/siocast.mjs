/*! siocast 0.1.0 | MIT */
/*
 * siocast.js for import. Node and bundlers see the module.exports of siocast.js
 * as its default export; in a browser it has no exports and sets the global.
 */
import * as loaded from "./siocast.js";

const siocast = loaded.default || globalThis.siocast;

export const version = siocast.version;
export const decode = siocast.decode;
export const split = siocast.split;
export const on = siocast.on;
export default siocast;
