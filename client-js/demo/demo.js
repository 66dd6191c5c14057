// SPDX-License-Identifier: MIT
/*
 * The demo page: every symbol of a simulated market, live, and one of them in
 * detail through a room of its own. Batches only change numbers in memory; the
 * page is drawn at most once per frame, and only where something changed, so
 * its cost does not grow with the number of messages.
 *
 * ?transport=polling or ?transport=websocket forces one transport.
 */
(function () {
  "use strict";

  const POINTS = 80; // of a sparkline
  const LEVELS = 8; // of the order book
  const FLASH_MS = 700;

  /** What tests and the curious read: all counters since the page was opened. */
  const demo = (window.demo = {
    messages: 0, batches: 0, bytes: 0, gaps: 0, errors: 0, detail: 0, symbols: 0, transport: "", connected: false, room: "",
  });

  const $ = (id) => document.getElementById(id);
  const price = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const tenth = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  // --- state: filled by the socket, read by draw() ------------------------------------------------------------------

  const stocks = new Map(); // symbol → { tick, points, seq, card … }
  const dirty = new Set(); // stocks to draw
  let selected = ""; // symbol whose room we are in
  let detail = null; // the last message of that room
  let book = null; // and its last order book
  let news = null; // the last message that carried news
  let scheduled = false;
  let detailDirty = false;
  let newsDirty = false;

  function schedule() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(draw);
  }

  function onTick(tick) {
    let stock = stocks.get(tick.symbol);
    if (!stock) {
      stock = { symbol: tick.symbol, points: [], seq: 0, shown: 0, card: null };
      stocks.set(tick.symbol, stock);
      demo.symbols = stocks.size;
    }
    // A publisher that starts anew counts from 1 again; only a jump ahead is a loss.
    if (stock.seq && tick.seq > stock.seq + 1) demo.gaps += tick.seq - stock.seq - 1;
    stock.seq = tick.seq;
    stock.tick = tick;
    if (stock.points.push(tick.price) > POINTS) stock.points.shift();
    if (tick.news) {
      news = tick;
      newsDirty = true;
    }
    dirty.add(stock);
  }

  function onDetail(message) {
    if (message.symbol !== selected) return; // a batch that was on its way when we left the room
    demo.detail++;
    detail = message;
    if (message.book) book = message.book;
    detailDirty = true;
  }

  /** The messages of a batch, or none when it cannot be read. */
  function read(batch) {
    demo.bytes += typeof batch === "string" ? batch.length : batch.byteLength || 0;
    try {
      return siocast.decode(batch);
    } catch (error) {
      demo.errors++;
      console.error(error);
      return [];
    }
  }

  // --- drawing ------------------------------------------------------------------------------------------------------

  const colours = {};

  function readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["up", "down", "up-soft", "down-soft"]) colours[name] = style.getPropertyValue("--" + name).trim();
  }

  function element(name, className, parent) {
    const e = document.createElement(name);
    e.className = className;
    parent.appendChild(e);
    return e;
  }

  /** A new card, at its place in the alphabet. */
  function makeCard(stock) {
    const board = $("board");
    const card = document.createElement("button");
    card.type = "button";
    card.className = "stock";
    card.dataset.symbol = stock.symbol;
    card.setAttribute("aria-pressed", String(stock.symbol === selected));
    card.addEventListener("click", () => select(stock.symbol === selected ? "" : stock.symbol));
    element("span", "symbol", card).textContent = stock.symbol;
    stock.price = element("span", "price", card);
    element("span", "name", card).textContent = stock.tick.name || "";
    stock.change = element("span", "change", card);
    stock.canvas = element("canvas", "", card);
    stock.canvas.setAttribute("aria-hidden", "true");
    const next = [...board.children].find((c) => c.dataset.symbol > stock.symbol);
    board.insertBefore(card, next || null);
    stock.card = card;

    const option = new Option(stock.symbol, stock.symbol);
    const options = $("symbol");
    options.insertBefore(option, [...options.options].find((o) => o.value > stock.symbol) || null);
    options.value = selected;
    $("notice").hidden = true;
  }

  function showChange(e, tick) {
    const percent = tick.open ? ((tick.price - tick.open) / tick.open) * 100 : 0;
    e.textContent = (percent < 0 ? "▼ " : "▲ ") + price.format(Math.abs(percent)) + " %";
    e.classList.toggle("up", percent >= 0);
    e.classList.toggle("down", percent < 0);
  }

  /** A colour that fades in steps: a smooth fade would have the page painted at every frame, all the time. */
  function flash(e, up) {
    if (calm.matches || !e.animate) return;
    e.animate([{ backgroundColor: colours[up ? "up-soft" : "down-soft"] }, { backgroundColor: "transparent" }], {
      duration: FLASH_MS,
      easing: "steps(4)",
    });
  }

  /** A line over a soft area, in the colour of the change beside it. The scale is the line's own. */
  function drawLine(canvas, points, tick) {
    const scale = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * scale);
    const height = Math.round(canvas.clientHeight * scale);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const c = canvas.getContext("2d");
    c.clearRect(0, 0, width, height);
    if (points.length < 2) return;
    const low = Math.min(...points);
    const high = Math.max(...points);
    const kind = tick.price >= tick.open ? "up" : "down";
    const pad = 2 * scale;
    const x = (i) => (i / (points.length - 1)) * width;
    const y = (v) => (high === low ? height / 2 : height - pad - ((v - low) / (high - low)) * (height - 2 * pad));
    c.beginPath();
    points.forEach((v, i) => (i ? c.lineTo(x(i), y(v)) : c.moveTo(x(i), y(v))));
    c.strokeStyle = colours[kind];
    c.lineWidth = 1.5 * scale;
    c.lineJoin = "round";
    c.stroke();
    c.lineTo(width, height);
    c.lineTo(0, height);
    c.closePath();
    c.fillStyle = colours[kind + "-soft"];
    c.globalAlpha = 0.6;
    c.fill();
    c.globalAlpha = 1;
  }

  function drawStock(stock) {
    const tick = stock.tick;
    if (!stock.card) makeCard(stock);
    if (tick.price !== stock.shown) {
      stock.price.textContent = price.format(tick.price);
      if (stock.shown) flash(stock.price, tick.price > stock.shown);
      stock.shown = tick.price;
    }
    showChange(stock.change, tick);
    drawLine(stock.canvas, stock.points, tick);
  }

  function drawBook() {
    const body = $("book").tBodies[0];
    $("book").hidden = !book;
    $("book-none").hidden = !!book;
    body.textContent = "";
    for (const [bid, bidSize, ask, askSize] of (book || []).slice(0, LEVELS)) {
      const row = body.insertRow();
      for (const text of [whole.format(bidSize), price.format(bid), price.format(ask), whole.format(askSize)]) {
        row.insertCell().textContent = text;
      }
    }
  }

  function drawDetail() {
    const stock = stocks.get(selected);
    $("detail").hidden = !selected;
    if (!selected) return;
    $("detail-symbol").textContent = selected;
    $("detail-count").textContent = whole.format(demo.detail);
    const tick = detail || (stock && stock.tick);
    drawBook();
    if (!tick) return;
    $("detail-name").textContent = tick.name || "";
    $("detail-price").textContent = price.format(tick.price);
    showChange($("detail-change"), tick);
    for (const key of ["bid", "ask", "low", "high"]) $("detail-" + key).textContent = price.format(tick[key]);
    $("detail-volume").textContent = whole.format(tick.volume);
    if (stock) drawLine($("detail-chart"), stock.points, tick);
  }

  function drawNews() {
    $("news").hidden = false;
    $("news-symbol").textContent = news.symbol;
    $("news-text").textContent = news.news.slice(0, 400);
  }

  function draw() {
    scheduled = false;
    for (const stock of dirty) drawStock(stock);
    if (detailDirty) drawDetail();
    if (newsDirty) drawNews();
    dirty.clear();
    detailDirty = newsDirty = false;
  }

  function drawAll() {
    for (const stock of stocks.values()) dirty.add(stock);
    detailDirty = true;
    schedule();
  }

  // --- counters, twice a second over the last two -------------------------------------------------------------------

  const samples = [];

  function size(bytes) {
    if (bytes < 1e3) return bytes + " B";
    if (bytes < 1e6) return tenth.format(bytes / 1e3) + " kB";
    if (bytes < 1e9) return tenth.format(bytes / 1e6) + " MB";
    return tenth.format(bytes / 1e9) + " GB";
  }

  function count() {
    samples.push({ at: performance.now(), messages: demo.messages, batches: demo.batches });
    if (samples.length > 5) samples.shift();
    const first = samples[0];
    const last = samples[samples.length - 1];
    const seconds = (last.at - first.at) / 1000;
    const batches = last.batches - first.batches;
    if (seconds > 0) {
      $("rate").textContent = whole.format((last.messages - first.messages) / seconds);
      $("batch-rate").textContent = tenth.format(batches / seconds);
      $("per-batch").textContent = batches ? tenth.format((last.messages - first.messages) / batches) : "–";
    }
    $("messages").textContent = whole.format(demo.messages);
    $("bytes").textContent = size(demo.bytes);
    $("gaps").textContent = whole.format(demo.gaps);
  }

  // --- light and dark -----------------------------------------------------------------------------------------------

  function setTheme(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    readColours();
    drawAll();
  }

  const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
  setTheme(systemDark.matches);
  systemDark.addEventListener("change", (e) => setTheme(e.matches));
  $("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));
  window.addEventListener("resize", drawAll);

  // --- the socket ---------------------------------------------------------------------------------------------------

  if (typeof io !== "function" || typeof siocast !== "object") {
    $("connection").textContent = "not loaded";
    $("connection").dataset.state = "disconnected";
    $("notice").textContent = "The client files are not there: the server found no " +
      (typeof io !== "function" ? "socket.io.js. Run “./run build”, which fetches it." : "siocast.js.");
    return;
  }

  const forced = new URLSearchParams(location.search).get("transport");
  const socket = io(forced ? { transports: [forced] } : {});

  function showConnection(state, text, why) {
    demo.connected = state === "connected";
    $("connection").textContent = text || state;
    $("connection").title = why || "";
    $("connection").dataset.state = state;
  }

  function showTransport(name) {
    demo.transport = name;
    $("transport").textContent = name || "–";
  }

  function select(symbol) {
    if (symbol === selected) return;
    if (selected && socket.connected) socket.emit("unsubscribe", selected);
    selected = symbol;
    detail = book = null;
    demo.detail = 0;
    demo.room = "";
    if (symbol && socket.connected) subscribe();
    $("symbol").value = symbol;
    for (const stock of stocks.values()) {
      if (stock.card) stock.card.setAttribute("aria-pressed", String(stock.symbol === symbol));
    }
    detailDirty = true;
    schedule();
  }

  function subscribe() {
    const symbol = selected;
    socket.emit("subscribe", symbol, () => {
      if (symbol === selected) demo.room = symbol;
    });
  }

  socket.on("connect", () => {
    showConnection("connected");
    showTransport(socket.io.engine.transport.name);
    socket.io.engine.on("upgrade", (transport) => showTransport(transport.name));
    // Rooms belong to a connection: a new one has to join again.
    if (selected) subscribe();
  });
  socket.on("disconnect", (reason) => {
    showConnection("disconnected", "disconnected", reason);
    showTransport("");
    demo.room = "";
    // What was published meanwhile is not missed but simply past.
    for (const stock of stocks.values()) stock.seq = 0;
  });
  socket.on("connect_error", (error) => showConnection("disconnected", "no connection", error.message));
  socket.io.on("reconnect_attempt", () => showConnection("connecting", "reconnecting"));

  socket.on("ticks", (batch) => {
    const ticks = read(batch);
    demo.batches++;
    demo.messages += ticks.length;
    ticks.forEach(onTick);
    schedule();
  });
  socket.on("detail", (batch) => {
    read(batch).forEach(onDetail);
    schedule();
  });

  $("symbol").addEventListener("change", (e) => select(e.target.value));
  $("detail-close").addEventListener("click", () => select(""));
  setInterval(count, 500);
})();
