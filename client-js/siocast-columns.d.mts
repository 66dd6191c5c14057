/** All of siocast.mjs, which takes batches in columns now, too. */
export * from "./siocast.mjs";
export { default } from "./siocast.mjs";
