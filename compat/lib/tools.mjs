// SPDX-License-Identifier: MIT
//
// What the end-to-end tests already have and this suite uses too: waiting with limits, child processes ended by pid, free ports,
// a private Redis, and undoing all of it.

export { Cleanup, withCleanup } from '../../tests/e2e/lib/cleanup.mjs';
export { accepts, freePort } from '../../tests/e2e/lib/ports.mjs';
export { Child } from '../../tests/e2e/lib/process.mjs';
export { RedisClient, startRedis } from '../../tests/e2e/lib/redis.mjs';
export { Inbox, eventually, once, within } from '../../tests/e2e/lib/wait.mjs';
