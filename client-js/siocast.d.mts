export * from "./siocast.js";
import * as siocast from "./siocast.js";
export default siocast;
