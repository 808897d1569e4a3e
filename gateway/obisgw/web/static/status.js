// The status page. Everything that meters or people named is shown by textContent alone.
const api = "api/v1/";
const key = "obis-gateway-token";
const longest = 30_000;
const $ = (id) => document.getElementById(id);
const meters = new Map();
let seen = { stream: null, sequence: null };
let pause = 1000;
let socket = null;

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

async function ask(path, options = {}) {
  const headers = { Authorization: `Bearer ${localStorage.getItem(key)}`, ...options.headers };
  const response = await fetch(api + path, { ...options, headers });
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await response.json().catch(() => ({ detail: response.statusText }));
  const said = [problem.title, problem.detail].filter(Boolean).join(": ");
  throw Object.assign(new Error(said), { status: response.status });
}

function say(text) {
  if ($("connection").textContent !== text) $("connection").textContent = text;
}

function signedOut(why = "") {
  localStorage.removeItem(key);
  meters.clear();
  seen = { stream: null, sequence: null };
  $("meters").replaceChildren();
  $("empty").hidden = true;
  $("sign-out").hidden = true;
  $("pairing").hidden = false;
  $("pairing-problem").textContent = why;
  say("Not paired");
  $("code").focus();
}

$("pairing").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("pairing-problem").textContent = "";
  try {
    const answer = await ask("pair", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code: $("code").value, name: "Status page" }),
    });
    localStorage.setItem(key, answer.token);
    $("pairing").hidden = true;
    $("code").value = "";
    connect();
  } catch (error) {
    $("pairing-problem").textContent = error.status ? error.message : "The gateway does not answer.";
  }
});

$("sign-out").addEventListener("click", async () => {
  try {
    await ask("token", { method: "DELETE" });
  } catch (error) {
    if (error.status !== 401) return say(`Not signed out: ${error.message}`);
  }
  signedOut();
  socket?.close();
});

function connect() {
  const token = localStorage.getItem(key);
  if (!token) return signedOut();
  const address = new URL(api + "stream", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const current = new WebSocket(address);
  socket = current;
  current.onopen = () => {
    current.send(JSON.stringify({ type: "auth", token }));
    current.send(JSON.stringify({ type: "subscribe", stream: seen.stream, since: seen.sequence }));
  };
  current.onmessage = (event) => take(JSON.parse(event.data));
  current.onclose = (event) => {
    if (socket !== current) return;
    if (event.code === 4401) return signedOut("The gateway knows this browser no more: pair it again.");
    if (!localStorage.getItem(key)) return;
    say("The gateway does not answer. Trying again …");
    setTimeout(connect, pause);
    pause = Math.min(2 * pause, longest);
  };
}

function take(message) {
  if (message.sequence !== undefined && message.type !== "welcome") seen.sequence = message.sequence;
  const known = meters.get(message.meter);
  switch (message.type) {
    case "welcome":
      pause = 1000;
      seen.stream = message.stream;
      $("title").textContent = message.gateway?.name ?? "OBIS Gateway";
      $("sign-out").hidden = false;
      say(`Connected, version ${message.gateway?.version ?? "?"}`);
      return;
    case "snapshot":
      meters.clear();
      for (const meter of message.meters) meters.set(meter.id, meter);
      $("meters").replaceChildren();
      for (const meter of meters.values()) show(meter);
      break;
    case "meter":
      meters.set(message.meter, { ...known, ...message.description });
      show(meters.get(message.meter));
      break;
    case "meter_removed":
      meters.delete(message.meter);
      $(`meter-${message.meter}`)?.remove();
      break;
    case "reading":
      if (known) show(Object.assign(known, { reading: message.reading, health: message.health, available: true, problem: null }));
      break;
    case "availability":
      if (known) show(Object.assign(known, { available: message.available, problem: message.problem, health: message.health }));
      break;
  }
  $("empty").hidden = meters.size > 0;
}

function show(meter) {
  let article = $(`meter-${meter.id}`);
  if (!article) {
    article = element("article");
    article.id = `meter-${meter.id}`;
    $("meters").append(article);
  }
  const open = new Set([...article.querySelectorAll("details[open]")].map((one) => one.dataset.name));
  const focused = article.contains(document.activeElement) ? document.activeElement.dataset.name : null;
  const heading = element("h2", meter.name);
  const about = [meter.manufacturer, meter.model, meter.number && `number ${meter.number}`].filter(Boolean).join(", ");
  const state = element("p", meter.available ? "Readable" : meter.reading || meter.problem ? "Not readable" : "Not read yet");
  state.className = `state ${meter.available ? "good" : "bad"}`;
  article.replaceChildren(heading, element("p", about, "quiet"), state);
  if (meter.problem) article.append(element("p", meter.problem, "problem"));
  if (meter.reading) {
    article.append(element("p", `Read ${new Date(meter.reading.at).toLocaleString()}, in ${meter.reading.duration.toFixed(1)} s`, "quiet"));
  }
  if (meter.on_request) {
    const button = element("button", "Read now");
    button.dataset.name = "read";
    button.addEventListener("click", () => readNow(meter.id, button));
    article.append(button);
  }
  const usual = meter.registers.filter((one) => one.enabled && one.category === null);
  const others = meter.registers.filter((one) => !(one.enabled && one.category === null));
  if (usual.length) article.append(table(meter, usual));
  if (meter.reading?.tariff) article.append(element("p", `Tariff ${meter.reading.tariff.toUpperCase()}`));
  for (const one of meter.thresholds) {
    const on = meter.reading?.thresholds?.[one.id];
    article.append(element("p", `${one.name}: ${on === true ? "on" : on === false ? "off" : "unknown"}`));
  }
  if (others.length) article.append(fold("others", `${others.length} more registers`, table(meter, others), open));
  article.append(fold("health", "Health", health(meter.health), open));
  if (focused) article.querySelector(`[data-name="${focused}"]`)?.focus();
}

function fold(name, title, content, open) {
  const details = element("details");
  const summary = element("summary", title);
  details.dataset.name = name;
  details.open = open.has(name);
  details.append(summary, content);
  return details;
}

function table(meter, registers) {
  const made = element("table");
  for (const register of registers) {
    const row = made.insertRow();
    const name = element("th", register.name);
    name.scope = "row";
    const value = meter.reading?.values[register.id];
    const shown = value === undefined || value === null ? "–" : register.unit ? `${value} ${register.unit}` : value;
    row.append(name, element("td", shown, "value"), element("td", register.obis ?? register.address, "code"));
  }
  return made;
}

const counts = {
  reads: "Readings", failures: "Failed reads", silences: "Reads without answer", parity_errors: "Characters with parity errors",
  block_check_errors: "Block check errors", reads_today: "Reads today", baudrate: "Line speed in baud", last_error: "Last error",
};

function health(values = {}) {
  const made = element("table");
  for (const [name, title] of Object.entries(counts)) {
    if (values[name] === undefined || values[name] === null) continue;
    const row = made.insertRow();
    const head = element("th", title);
    head.scope = "row";
    row.append(head, element("td", values[name], "value"));
  }
  return made;
}

async function readNow(id, button) {
  button.disabled = true;
  button.textContent = "Reading …";
  try {
    await ask(`meters/${encodeURIComponent(id)}/read?wait=100`, { method: "POST" });
  } catch (error) {
    say(`Not read: ${error.message}`);
  }
  const shown = $(`meter-${id}`)?.querySelector('[data-name="read"]') ?? button;
  shown.disabled = false;
  shown.textContent = "Read now";
}

connect();
