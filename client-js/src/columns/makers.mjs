// SPDX-License-Identifier: MIT
// Made by build.mjs, which says why it is as it is. What makes n objects with the keys k, of 0 to 2, 3 to 4, 5 to 8, and more of them.

/* They only say how much room objects take: they are never told to store anything, and what they make is like what {} makes. */
function Object2(never) {
  if (never) this.p0 = this.p1 = 0;
}
function Object4(never) {
  if (never) this.p0 = this.p1 = this.p2 = this.p3 = 0;
}
function Object8(never) {
  if (never) this.p0 = this.p1 = this.p2 = this.p3 = this.p4 = this.p5 = this.p6 = this.p7 = 0;
}
function Object16(never) {
  if (never) this.p0 = this.p1 = this.p2 = this.p3 = this.p4 = this.p5 = this.p6 = this.p7 = this.p8 = this.p9 = this.p10 = this.p11 = this.p12 = this.p13 = this.p14 = this.p15 = 0;
}
Object2.prototype = Object4.prototype = Object8.prototype = Object16.prototype = Object.prototype;

function objects2a(k, c, n, out) {
  var length = k.length;
  var k0 = k[0], k1 = k[1];
  var c0 = c[0], c1 = c[1];
  var i, o;

  for (i = 0; i < n; i++) {
    o = out[i] = new Object2();
    if (length > 0) o[k0] = c0[i];
    if (length > 1) o[k1] = c1[i];
  }
}

function objects2b(k, c, n, out) {
  var length = k.length;
  var k0 = k[0], k1 = k[1];
  var c0 = c[0], c1 = c[1];
  var i, o;

  for (i = 0; i < n; i++) {
    o = out[i] = new Object2();
    if (length > 0) o[k0] = c0[i];
    if (length > 1) o[k1] = c1[i];
  }
}

function objects2c(k, c, n, out) {
  var length = k.length;
  var k0 = k[0], k1 = k[1];
  var c0 = c[0], c1 = c[1];
  var i, o;

  for (i = 0; i < n; i++) {
    o = out[i] = new Object2();
    if (length > 0) o[k0] = c0[i];
    if (length > 1) o[k1] = c1[i];
  }
}

function objects2d(k, c, n, out) {
  var length = k.length;
  var k0 = k[0], k1 = k[1];
  var c0 = c[0], c1 = c[1];
  var i, o;

  for (i = 0; i < n; i++) {
    o = out[i] = new Object2();
    if (length > 0) o[k0] = c0[i];
    if (length > 1) o[k1] = c1[i];
  }
}

function objects4a(k, c, n, out) {
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

function objects4b(k, c, n, out) {
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

function objects4c(k, c, n, out) {
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

function objects4d(k, c, n, out) {
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

function objects8a(k, c, n, out) {
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

function objects8b(k, c, n, out) {
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

function objects8c(k, c, n, out) {
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

function objects8d(k, c, n, out) {
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

function objects16a(k, c, n, out) {
  var length = k.length;
  var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7], k8 = k[8], k9 = k[9], k10 = k[10], k11 = k[11], k12 = k[12], k13 = k[13], k14 = k[14], k15 = k[15];
  var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7], c8 = c[8], c9 = c[9], c10 = c[10], c11 = c[11], c12 = c[12], c13 = c[13], c14 = c[14], c15 = c[15];
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

function objects16b(k, c, n, out) {
  var length = k.length;
  var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7], k8 = k[8], k9 = k[9], k10 = k[10], k11 = k[11], k12 = k[12], k13 = k[13], k14 = k[14], k15 = k[15];
  var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7], c8 = c[8], c9 = c[9], c10 = c[10], c11 = c[11], c12 = c[12], c13 = c[13], c14 = c[14], c15 = c[15];
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

function objects16c(k, c, n, out) {
  var length = k.length;
  var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7], k8 = k[8], k9 = k[9], k10 = k[10], k11 = k[11], k12 = k[12], k13 = k[13], k14 = k[14], k15 = k[15];
  var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7], c8 = c[8], c9 = c[9], c10 = c[10], c11 = c[11], c12 = c[12], c13 = c[13], c14 = c[14], c15 = c[15];
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

function objects16d(k, c, n, out) {
  var length = k.length;
  var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7], k8 = k[8], k9 = k[9], k10 = k[10], k11 = k[11], k12 = k[12], k13 = k[13], k14 = k[14], k15 = k[15];
  var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7], c8 = c[8], c9 = c[9], c10 = c[10], c11 = c[11], c12 = c[12], c13 = c[13], c14 = c[14], c15 = c[15];
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

export var makers = [
  [objects2a, objects2b, objects2c, objects2d],
  [objects4a, objects4b, objects4c, objects4d],
  [objects8a, objects8b, objects8c, objects8d],
  [objects16a, objects16b, objects16c, objects16d]
];
