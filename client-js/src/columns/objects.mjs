// SPDX-License-Identifier: MIT
// Objects and lists of columns.

/*
 * Objects, one for each row. Each line that stores has a key of its own, and each size of object its own lines: so a
 * browser's compiler finds one name and one class of objects in each of them, mostly, and stores without looking up.
 * What makes them only says how much room they take: it is never told to store anything, and what it makes is like
 * what {} makes.
 */
function Object2(never) {
  if (never) this.a = this.b = 0;
}
function Object4(never) {
  if (never) this.a = this.b = this.c = this.d = 0;
}
function Object8(never) {
  if (never) this.a = this.b = this.c = this.d = this.e = this.f = this.g = this.h = 0;
}
function Object16(never) {
  if (never) this.a = this.b = this.c = this.d = this.e = this.f = this.g = this.h = this.i = this.j = this.k = this.l = this.m = this.n = this.o = this.p = 0;
}
Object2.prototype = Object4.prototype = Object8.prototype = Object16.prototype = Object.prototype;

function objects2(k, c, n, out) {
  var length = k.length;
  var k0 = k[0], k1 = k[1];
  var c0 = c[0], c1 = c[1];
  var i, o;

  for (i = 0; i < n; i++) {
    o = out[i] = new Object2();
    o[k0] = c0[i];
    if (length > 1) o[k1] = c1[i];
  }
}

function objects4(k, c, n, out) {
  var length = k.length;
  var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3];
  var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
  var i, o;

  for (i = 0; i < n; i++) {
    o = out[i] = new Object4();
    o[k0] = c0[i];
    o[k1] = c1[i];
    o[k2] = c2[i];
    if (length > 3) o[k3] = c3[i];
  }
}

function objects8(k, c, n, out) {
  var length = k.length;
  var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7];
  var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7];
  var i, o;

  for (i = 0; i < n; i++) {
    o = out[i] = new Object8();
    o[k0] = c0[i];
    o[k1] = c1[i];
    o[k2] = c2[i];
    o[k3] = c3[i];
    o[k4] = c4[i];
    if (length > 5) o[k5] = c5[i];
    if (length > 6) o[k6] = c6[i];
    if (length > 7) o[k7] = c7[i];
  }
}

function objects16(k, c, n, out) {
  var length = k.length;
  var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7], k8 = k[8], k9 = k[9],
    k10 = k[10], k11 = k[11], k12 = k[12], k13 = k[13], k14 = k[14], k15 = k[15];
  var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7], c8 = c[8], c9 = c[9],
    c10 = c[10], c11 = c[11], c12 = c[12], c13 = c[13], c14 = c[14], c15 = c[15];
  var i, o, j;

  for (i = 0; i < n; i++) {
    o = out[i] = new Object16();
    o[k0] = c0[i];
    o[k1] = c1[i];
    o[k2] = c2[i];
    o[k3] = c3[i];
    o[k4] = c4[i];
    o[k5] = c5[i];
    o[k6] = c6[i];
    o[k7] = c7[i];
    o[k8] = c8[i];
    if (length > 9) o[k9] = c9[i];
    if (length > 10) o[k10] = c10[i];
    if (length > 11) o[k11] = c11[i];
    if (length > 12) o[k12] = c12[i];
    if (length > 13) o[k13] = c13[i];
    if (length > 14) o[k14] = c14[i];
    if (length > 15) o[k15] = c15[i];
    for (j = 16; j < length; j++) o[k[j]] = c[j][i];
  }
}

/* "__proto__" is a key like any other, as JSON.parse has it. */
function objectsWithProto(k, c, n, out) {
  var i, j;

  for (i = 0; i < n; i++) {
    out[i] = {};
    for (j = 0; j < k.length; j++) {
      Object.defineProperty(out[i], k[j], { value: c[j][i], writable: true, enumerable: true, configurable: true });
    }
  }
}

export function makeObjects(k, c, n) {
  var out = new Array(n);
  var i;

  if (k.indexOf("__proto__") >= 0) objectsWithProto(k, c, n, out);
  else if (k.length > 8) objects16(k, c, n, out);
  else if (k.length > 4) objects8(k, c, n, out);
  else if (k.length > 2) objects4(k, c, n, out);
  else if (k.length > 0) objects2(k, c, n, out);
  else for (i = 0; i < n; i++) out[i] = {};
  return out;
}

export function makeArrays(c, n) {
  var length = c.length;
  var out = new Array(n);
  var i, j, a;

  for (i = 0; i < n; i++) {
    if (length === 4) {
      out[i] = [c[0][i], c[1][i], c[2][i], c[3][i]];
    } else if (length === 2) {
      out[i] = [c[0][i], c[1][i]];
    } else {
      a = out[i] = [];
      for (j = 0; j < length; j++) a.push(c[j][i]);
    }
  }
  return out;
}
