/** All of siocast.js, which takes batches in columns now, too. */
export * from "./siocast.js";
