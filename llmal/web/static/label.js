"use strict";
// The labelling page. What a person does is kept in this browser first, and sent from there until the
// server has said that it is stored: a server that is gone for a while, or a closed window, loses nothing.

const byId = (id) => document.getElementById(id);
const settings = JSON.parse(byId("settings").content.textContent);
const RESERVED = new Set([..."uscxg?/"]);
const KEYS = [..."1234567890abdefhijklmnopqrtvwyz"].filter((key) => !RESERVED.has(key));
const LOW = 5;
const FEW = 12; // labels from which on there is a field to find them with
const STORE = `llmal-${settings.key}`;

let items = []; // what is shown, in order; those behind `at` were answered
let at = 0;
let chosen = new Set();
let shownAt = 0;
let asking = false;
let sending = false;
let wait = 1000;
let state = "picking";
let message = "";
let suggestions = {};

// What is not stored yet, in the order in which it was given.
let pending = JSON.parse(localStorage.getItem(STORE) || "[]");
let problems = [];

function keepPending() {
  localStorage.setItem(STORE, JSON.stringify(pending));
}

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Llmal": "1" },
    body: JSON.stringify(body),
    credentials: "same-origin",
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    const error = new Error(answer.error || `the server answers ${response.status}`);
    error.status = response.status;
    throw error;
  }
  return answer;
}

// Items

async function fetchWork() {
  const left = items.length - at;
  if (asking || left >= LOW || state === "finished") return;
  asking = true;
  try {
    const open = items.slice(at).map((one) => one.id);
    const have = [...open, ...pending.map((one) => one.id)];
    const found = await post("/api/work", { have: have.slice(-1000), wait: left === 0 });
    const known = new Set([...items.map((one) => one.id), ...pending.map((one) => one.id)]);
    const fresh = found.items.filter((one) => !known.has(one.id));
    const before = items.length - at;
    items.push(...fresh);
    state = found.state;
    message = found.message;
    wait = 1000;
    byId("progress").textContent = found.labelled;
    if (before <= 0) show();
    else tellState();
  } catch (error) {
    message = error.status ? error.message : "the server does not answer; trying again";
    state = error.status === 401 || error.status === 403 ? "refused" : "offline";
    tellState();
  } finally {
    asking = false;
  }
  if (state === "refused" || state === "finished") return;
  if (items.length - at < LOW) setTimeout(fetchWork, state === "work" ? 200 : 2000);
}

// Answers

function give(label) {
  const item = items[at];
  if (!item) return;
  const answer = {
    id: item.id,
    label,
    note: byId("note").value,
    unclear: byId("unclear").checked,
    guideline: byId("guideline").checked,
    seconds: Math.max(0, (performance.now() - shownAt) / 1000),
    again: Boolean(item.answer),
    saw_suggestion: Boolean(item.suggestion) || Boolean(suggestions[item.id]),
  };
  const same = item.answer && JSON.stringify([item.answer.label, item.answer.note, item.answer.unclear,
    item.answer.guideline]) === JSON.stringify([answer.label, answer.note, answer.unclear, answer.guideline]);
  item.answer = answer;
  if (!same) {
    // What was not sent yet is replaced: the server never hears of it.
    const waiting = pending.findIndex((one) => one.id === item.id && !one.sent);
    if (waiting >= 0) pending[waiting] = { ...answer, again: pending[waiting].again };
    else pending.push(answer);
    keepPending();
  }
  go(at + 1);
  send();
}

async function send() {
  if (sending || !pending.length) return tellStored();
  sending = true;
  const batch = pending.slice(0, 100);
  batch.forEach((one) => (one.sent = true));
  tellStored();
  try {
    const found = await post("/api/answers", { answers: batch.map(({ sent, ...one }) => one) });
    byId("progress").textContent = found.labelled;
    for (const [place, receipt] of found.receipts.entries()) {
      const item = items.find((one) => one.id === receipt.id);
      if (receipt.suggestion) suggestions[receipt.id] = receipt.suggestion;
      if (!receipt.kept) {
        problems.push({ id: receipt.id, answer: batch[place], problem: receipt.problem });
        if (item) item.answer = undefined;
      }
    }
    pending.splice(0, batch.length);
    keepPending();
    wait = 1000;
    tellSuggestion();
  } catch (error) {
    batch.forEach((one) => delete one.sent);
    if (error.status === 422 || error.status === 400) {
      // The server will never take this; it is shown, and the rest goes on.
      problems.push({ id: batch[0].id, answer: batch[0], problem: error.message });
      pending.shift();
      keepPending();
    }
    tellStored(error.status ? error.message : "the server does not answer");
    wait = Math.min(wait * 2, 10000);
  } finally {
    sending = false;
  }
  if (pending.length) setTimeout(send, wait === 1000 ? 0 : wait);
  else tellStored();
}

function tellStored(why) {
  const place = byId("stored");
  const count = pending.length;
  place.className = count || problems.length ? "stored not" : "stored";
  const open = count ? `${count} not stored yet${why ? `: ${why}; trying again` : ""}` : "all stored";
  const bad = problems.map((one) => `not taken: ${one.problem}`).join(" · ");
  const text = [open, bad].filter(Boolean).join(" · ");
  if (place.textContent !== text) place.textContent = text;
}

// The page

function go(to) {
  if (to < 0 || to > items.length) return;
  at = to;
  show();
  fetchWork();
}

function element(kind, text, name) {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function show() {
  const item = items[at];
  const place = byId("item");
  place.replaceChildren();
  chosen = new Set();
  byId("note").value = item?.answer?.note ?? "";
  byId("unclear").checked = item?.answer?.unclear ?? false;
  byId("guideline").checked = item?.answer?.guideline ?? false;
  byId("desk").classList.toggle("empty", !item);
  if (item) {
    const texts = element("div", undefined, item.texts.length > 1 ? "texts pair" : "texts");
    for (const one of item.texts) {
      const block = element("div", undefined, "block");
      if (one.name) block.append(element("h3", one.name));
      const text = element("div", one.text, "text");
      text.dir = "auto";
      text.tabIndex = 0;
      text.setAttribute("role", "group");
      text.setAttribute("aria-label", one.name || "text");
      block.append(text);
      texts.append(block);
    }
    place.append(texts);
    if (item.context.length) {
      const list = element("dl", undefined, "context");
      for (const [name, value] of item.context) list.append(element("dt", name), element("dd", value));
      place.append(list);
    }
    if (item.why) place.append(element("p", `Picked because: ${item.why}`, "quiet"));
    const label = item.answer?.label;
    if (label !== undefined && label !== null) chosen = new Set([].concat(label));
    shownAt = performance.now();
  }
  paintLabels();
  tellSuggestion();
  tellState();
  byId("undo").disabled = at === 0;
  byId("back").disabled = at === 0;
  byId("forward").disabled = !item || !item.answer;
  byId("skip").disabled = !item;
}

function tellSuggestion() {
  const item = items[at];
  const last = items[at - 1];
  let text = "";
  const name = (one) => [].concat(one.label).join(", ") || "no label";
  const sure = (one) => (one.confidence == null ? "" : ` (${Math.round(100 * one.confidence)} %)`);
  if (item?.suggestion) text = `The machine says: ${name(item.suggestion)}${sure(item.suggestion)}`;
  else if (last?.answer && suggestions[last.id]) {
    const said = suggestions[last.id];
    const mine = last.answer.label;
    const same = JSON.stringify([].concat(said.label).sort()) === JSON.stringify([].concat(mine).sort());
    text = `The text before: you ${mine === null ? "skipped it" : `said ${[].concat(mine).join(", ")}`}, `
      + `${same ? "and so did the machine" : `the machine ${name(said)}`}${sure(said)}`;
  }
  if (byId("suggestion").textContent !== text) byId("suggestion").textContent = text;
}

const WORDS = {
  picking: "Picking the next texts. This can take a while when something is being learnt.",
  waiting: "Nothing for you at the moment.",
  finished: "All is done. Thank you.",
  failed: "No more texts can be had.",
  offline: "No connection.",
  refused: "This browser is not let in.",
};

function tellState() {
  let text = "";
  if (!items[at]) {
    text = WORDS[state] ?? WORDS.picking;
    if (message && state !== "picking") text += ` ${message[0].toUpperCase()}${message.slice(1)}.`.replace("..", ".");
  }
  if (byId("state").textContent !== text) byId("state").textContent = text;
}

function buildLabels() {
  const place = byId("labels");
  settings.labels.forEach((label, number) => {
    const button = element("button", undefined, "label");
    button.type = "button";
    button.dataset.name = label.name;
    button.setAttribute("aria-pressed", "false");
    if (label.description) button.title = label.description;
    const key = KEYS[number];
    button.append(element("span", label.name));
    if (key) {
      button.append(element("kbd", key.toUpperCase()));
      button.setAttribute("aria-keyshortcuts", key);
    }
    button.addEventListener("click", () => choose(label.name));
    place.append(button);
  });
  byId("filter-box").hidden = settings.labels.length <= FEW;
}

function paintLabels() {
  for (const button of byId("labels").children) {
    button.setAttribute("aria-pressed", String(chosen.has(button.dataset.name)));
    button.disabled = !items[at];
  }
  byId("confirm").disabled = !items[at] || (!settings.several && chosen.size === 0);
}

function choose(name) {
  if (!items[at]) return;
  if (settings.several) {
    if (!chosen.delete(name)) chosen.add(name);
  } else {
    chosen = new Set([name]);
  }
  paintLabels();
  if (!settings.several && byId("advance").checked) confirm();
}

function confirm() {
  if (byId("confirm").disabled) return;
  const names = settings.labels.map((one) => one.name).filter((one) => chosen.has(one));
  clearFilter();
  give(settings.several ? names : names[0]);
}

function clearFilter() {
  byId("filter").value = "";
  filterLabels();
}

function filterLabels() {
  const wanted = byId("filter").value.trim().toLowerCase();
  for (const button of byId("labels").children) {
    button.hidden = Boolean(wanted) && !button.dataset.name.toLowerCase().includes(wanted);
  }
}

// Keys

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (byId("help").open) return;
  const inField = event.target.matches("textarea, input[type=search]");
  if (inField) {
    if (event.key === "Escape") {
      event.target.blur();
      if (event.target === byId("filter")) clearFilter();
    } else if (event.key === "Enter" && event.target === byId("filter")) {
      const left = [...byId("labels").children].filter((one) => !one.hidden);
      if (left.length === 1) {
        event.target.blur();
        choose(left[0].dataset.name);
      }
      event.preventDefault();
    }
    return;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const toggle = (id) => (byId(id).checked = !byId(id).checked);
  const acts = {
    u: () => at > 0 && go(at - 1),
    s: () => items[at] && give(null),
    x: () => toggle("unclear"),
    g: () => toggle("guideline"),
    c: () => byId("note").focus(),
    "?": openHelp,
    "/": () => {
      byId("filter-box").hidden = false;
      byId("filter").focus();
    },
    ArrowLeft: () => at > 0 && go(at - 1),
    ArrowRight: () => items[at]?.answer && go(at + 1),
  };
  if (key === "Enter") {
    // On a button or a link Enter does what it always does.
    if (event.target.closest("button, a, summary, label")) return;
    acts.Enter = confirm;
  }
  const number = KEYS.indexOf(key);
  if (acts[key]) acts[key]();
  else if (number >= 0 && number < settings.labels.length) choose(settings.labels[number].name);
  else return;
  event.preventDefault();
}

function openHelp() {
  byId("help").showModal();
}

document.addEventListener("keydown", onKey);
byId("confirm").addEventListener("click", confirm);
byId("skip").addEventListener("click", () => items[at] && give(null));
byId("undo").addEventListener("click", () => go(at - 1));
byId("back").addEventListener("click", () => go(at - 1));
byId("forward").addEventListener("click", () => items[at]?.answer && go(at + 1));
byId("filter").addEventListener("input", filterLabels);
byId("help-open").addEventListener("click", openHelp);
byId("help-close").addEventListener("click", () => byId("help").close());
window.addEventListener("online", () => {
  wait = 1000;
  send();
  fetchWork();
});
window.addEventListener("beforeunload", (event) => {
  if (pending.length) event.preventDefault();
});
byId("advance").checked = localStorage.getItem(`${STORE}-advance`) !== "no";
byId("advance").addEventListener("change", (event) =>
  localStorage.setItem(`${STORE}-advance`, event.target.checked ? "yes" : "no"));

buildLabels();
show();
send();
fetchWork();
