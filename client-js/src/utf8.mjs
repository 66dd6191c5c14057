// SPDX-License-Identifier: MIT
// UTF-8 to strings and back, in browsers without TextDecoder, too.

var REPLACEMENT = 0xfffd;
/* Function.prototype.apply fails in some engines above about 65,000 arguments. */
var CHUNK = 8192;

/*
 * The decoder of the Encoding Standard (encoding.spec.whatwg.org, "utf-8 decoder") with a byte order mark kept, for
 * browsers without TextDecoder. Malformed input becomes U+FFFD, one for each longest start of a valid sequence, just
 * as TextDecoder does it.
 */
export function utf8Fallback(bytes) {
  var text = "";
  var units = [];
  var length = bytes.length;
  var i = 0;
  var lead, point, more, lower, upper;

  while (i < length) {
    lead = bytes[i++];
    if (lead < 0x80) {
      units.push(lead);
    } else {
      lower = 0x80;
      upper = 0xbf;
      more = 0;
      if (lead >= 0xc2 && lead <= 0xdf) {
        more = 1;
        point = lead & 0x1f;
      } else if (lead >= 0xe0 && lead <= 0xef) {
        if (lead === 0xe0) lower = 0xa0; /* below: overlong */
        if (lead === 0xed) upper = 0x9f; /* above: a surrogate */
        more = 2;
        point = lead & 0x0f;
      } else if (lead >= 0xf0 && lead <= 0xf4) {
        if (lead === 0xf0) lower = 0x90; /* below: overlong */
        if (lead === 0xf4) upper = 0x8f; /* above: beyond U+10FFFF */
        more = 3;
        point = lead & 0x07;
      } else {
        point = REPLACEMENT;
      }
      while (more > 0) {
        if (i >= length || bytes[i] < lower || bytes[i] > upper) {
          /* The byte that does not belong is looked at again as a start. */
          point = REPLACEMENT;
          break;
        }
        point = (point << 6) | (bytes[i++] & 0x3f);
        lower = 0x80;
        upper = 0xbf;
        more--;
      }
      if (point > 0xffff) {
        point -= 0x10000;
        units.push(0xd800 + (point >> 10), 0xdc00 + (point & 0x3ff));
      } else {
        units.push(point);
      }
    }
    if (units.length >= CHUNK) {
      text += String.fromCharCode.apply(null, units);
      units = [];
    }
  }
  return text + String.fromCharCode.apply(null, units);
}

var decoder = null;

export function utf8(bytes) {
  if (decoder === null && typeof TextDecoder === "function") {
    /* A byte order mark is part of the message: it is not ours to drop. */
    decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  }
  return decoder ? decoder.decode(bytes) : utf8Fallback(bytes);
}

/* The same for a string that has to become bytes (split() of a text feed); a lone surrogate becomes U+FFFD. */
export function utf8Encode(text) {
  var out = [];
  var i, c, next;

  for (i = 0; i < text.length; i++) {
    c = text.charCodeAt(i);
    if (c >= 0xd800 && c <= 0xdfff) {
      next = c <= 0xdbff && i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
      if (next >= 0xdc00 && next <= 0xdfff) {
        c = 0x10000 + ((c - 0xd800) << 10) + (next - 0xdc00);
        i++;
      } else {
        c = REPLACEMENT;
      }
    }
    if (c < 0x80) {
      out.push(c);
    } else if (c < 0x800) {
      out.push(0xc0 | (c >> 6), 0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
      out.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 0x3f), 0x80 | (c & 0x3f));
    } else {
      out.push(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 0x3f), 0x80 | ((c >> 6) & 0x3f), 0x80 | (c & 0x3f));
    }
  }
  return new Uint8Array(out);
}
