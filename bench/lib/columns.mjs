// SPDX-License-Identifier: MIT
//
// Columns of the tables: key of the value, title, digits. With `ratio` it is this server's value divided by that of another, taken
// within each round, where both met the same machine.

export const US = { key: 'us', title: 'CPU µs per delivered message', digits: 2 };
export const US_EVENT = { key: 'usEvent', title: 'per event', digits: 2 };
export const US_TICK = { key: 'usTick', title: 'CPU µs per client and tick', digits: 2 };
export const CORE = { key: 'core', title: '% of a core', digits: 2 };
export const MBPS = { key: 'mbps', title: 'Mb/s', digits: 0 };
export const P50 = { key: 'p50', title: 'p50 ms', digits: 2 };
export const P99 = { key: 'p99', title: 'p99 ms', digits: 2 };
export const P999 = { key: 'p999', title: 'p99.9 ms', digits: 2 };
export const SPREAD = { key: 'spread', title: 'first to last ms', digits: 2 };
export const PER_EVENT = { key: 'perEvent', title: 'messages per event', digits: 1, short: true };
export const GENERATOR = { key: 'generator', title: 'generator %', digits: 0, short: true };

export const toFloor = (key) => ({ key, title: '÷ floor', digits: 2, ratio: 'floor' });
export const toSiocast = (key) => ({ key, title: '÷ siocast', digits: 2, ratio: 'siocast' });

/** What a delivery costs: the columns of most tables. */
export const COST = [US, toFloor('us'), toSiocast('us'), US_EVENT, GENERATOR];
