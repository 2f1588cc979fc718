"use strict";
// Whatever comes from models, documents and people is put in as text, never as HTML.

const PARTS = { train: "training", validation: "validation", test: "test", "held-out": "to a held-out question", dev: "to a dev question of the exam" };
const KINDS = { instruct: "Question and answer", preference: "Pair", answer: "Answer" };
const LABELS = { question: "Question", answer: "Answer", references: "Right by the reference", prompt: "Situation", chosen: "Response that follows the document", rejected: "Response that goes against it" };
const VERBS = { accept: "accepted it", edit: "edited it", reject: "rejected it", right: "found it right", wrong: "found it wrong", unsure: "left it open" };

let what = ""; // rows or answers
let items = []; // those of the chosen list; what is decided stays until it is chosen again
let at = 0; // the place of the shown one
let shown = null; // the item as the server shows it
let busy = false;

const who = () => `reviewer=${encodeURIComponent(byId("reviewer").value.trim())}`;
const views = {
  open: (item) => !item.decided && item.part !== "test",
  test: (item) => !item.decided && item.part === "test",
  "held-out": (item) => !item.decided && item.part === "held-out",
  dev: (item) => !item.decided && item.part === "dev",
  mine: (item) => item.decided,
  disputed: (item) => item.disputed,
};

async function begin() {
  try {
    localStorage.setItem("reviewer", byId("reviewer").value.trim());
  } catch {} // where a browser keeps nothing, the name is typed again
  const all = await (await call(`api/items?${who()}`)).json();
  byId("locked").hidden = true;
  items = all.filter(views[byId("view").value]);
  at = 0;
  await tellAgreement();
  await show();
}

async function show() {
  shown = null;
  byId("shown").hidden = at >= items.length;
  if (at >= items.length) {
    say(items.length ? "That is the end of this list." : "There is nothing in this list.");
    byId("status").focus();
    return;
  }
  put(await (await call(`api/items/${items[at].id}?${who()}`)).json());
  say(`${what === "rows" ? "Row" : "Answer"} ${at + 1} of ${items.length}`);
  byId("status").focus(); // so that keys decide and aren't typed
  scrollTo({ top: byId("status").offsetTop - 8 });
}

function put(item) {
  shown = item;
  leave();
  byId("about").textContent = [KINDS[item.kind], PARTS[item.part], ...(item.rule ? [`about the rule: ${item.rule}`] : [])].join(" · ");
  list(byId("texts"), item.texts);
  byId("place").textContent = item.passage ? place(item.passage) : "The document doesn't answer this. It is right to say so.";
  byId("passage").textContent = item.passage?.text ?? "";
  byId("decisions").replaceChildren();
  for (const { reviewer, mine, decision, reason, texts } of item.decisions) {
    const line = make(byId("decisions"), "li", `${mine ? "You" : reviewer} ${VERBS[decision]}${reason ? `: ${reason}` : ""}`);
    line.classList.toggle("bad", item.disputed && !mine);
    if (!texts) continue;
    list(make(line, "dl"), texts);
    if (!mine) make(line, "button", "Take these words", { type: "button" }).addEventListener("click", () => edit(texts));
  }
  for (const button of buttons()) {
    button.classList.toggle("chosen", button.value !== "" && button.value === item.decided);
    button.disabled = button.value === "edit" && item.part === "test";
  }
}

function list(element, texts) {
  element.replaceChildren();
  for (const [name, text] of Object.entries(texts)) {
    make(element, "dt", LABELS[name]);
    make(element, "dd", text || "(nothing)", { dir: "auto" });
  }
}

function leave() {
  byId("edit").hidden = byId("why").hidden = true;
  byId("texts").hidden = byId("choices").hidden = false;
  byId("edit").replaceChildren();
  byId("reason").value = "";
}

function edit(texts) {
  if (!shown || shown.part === "test") return;
  leave();
  const form = byId("edit");
  for (const [name, text] of Object.entries(texts ?? shown.decisions.find(({ mine }) => mine)?.texts ?? shown.texts)) {
    const label = make(form, "label", LABELS[name]);
    make(label, "textarea", "", { name, value: text, maxLength: 4000, required: true, dir: "auto", rows: Math.min(8, 2 + Math.floor(text.length / 60)) });
  }
  const line = make(form, "div", "", { className: "row" });
  make(line, "button", "Keep these words", { type: "submit" });
  make(line, "button", "Cancel", { type: "button" }).addEventListener("click", leave);
  byId("texts").hidden = byId("choices").hidden = true;
  form.hidden = false;
  form.querySelector("textarea").focus();
}

function refuse() {
  if (!shown) return;
  leave();
  byId("why").hidden = false;
  byId("choices").hidden = true;
  byId("reason").focus();
}

async function decide(decision, more = {}) {
  if (!shown || busy) return;
  busy = true;
  const item = items[at];
  try {
    const body = { item: shown.id, reviewer: byId("reviewer").value, decision, ...more };
    put(await (await call("api/decisions", body)).json());
    item.decided = decision;
    if (shown.disputed) {
      say("You disagree. It is left out until you agree: decide again, or go on.");
      byId("status").focus();
    } else await move(1);
    await tellAgreement();
  } catch (error) {
    say(byId("status").textContent, error.message);
  } finally {
    busy = false;
  }
}

async function move(step) {
  if (at + step < 0 || at + step > items.length) return;
  at += step;
  await show().catch(stop);
}

async function tellAgreement() {
  const { sentence, gone } = await (await call("api/agreement")).json();
  byId("sentence").textContent = sentence;
  byId("gone").replaceChildren();
  for (const line of gone) make(byId("gone"), "li", line);
  byId("lost").hidden = !gone.length;
  byId("agreement").hidden = false;
}

function stop(error) {
  say("", error.message);
}

async function open() {
  const { title, named, ...about } = await (await call("api/about")).json();
  what = about.what;
  for (const part of document.querySelectorAll("[data-for]")) if (part.dataset.for !== what) part.remove();
  byId("title").textContent = title;
  document.title = `Review: ${title}`;
  let known = named;
  try {
    known ||= localStorage.getItem("reviewer") ?? "";
  } catch {}
  byId("locked").hidden = true;
  if (!byId("reviewer").value) byId("reviewer").value = known;
  if (byId("reviewer").value) await begin();
  else byId("reviewer").focus();
}

byId("who").addEventListener("submit", (event) => {
  event.preventDefault();
  begin().catch(stop);
});
byId("view").addEventListener("change", () => byId("who").requestSubmit());
byId("key").addEventListener("change", () => open().then(() => say(byId("status").textContent), stop));
byId("leave").addEventListener("click", leave);
byId("edit").addEventListener("submit", (event) => {
  event.preventDefault();
  decide("edit", { texts: Object.fromEntries(new FormData(event.target)) });
});
byId("why").addEventListener("submit", (event) => {
  event.preventDefault();
  decide(what === "rows" ? "reject" : "wrong", { reason: byId("reason").value });
});
const buttons = () => [...byId("choices").querySelectorAll("button")];
const OTHER = { edit: () => edit(), reject: refuse, wrong: refuse };
for (const button of buttons()) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[button.dataset.key];
  button.addEventListener("click", step ? () => busy || move(step) : (OTHER[button.value] ?? (() => decide(button.value))));
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown) {
    leave();
    byId("status").focus();
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form === byId("edit")) {
    event.preventDefault();
    byId("edit").requestSubmit();
  }
  const button = buttons().find(({ dataset }) => dataset.key === event.key);
  if (button && !button.disabled && !event.repeat && byId("edit").hidden && byId("why").hidden && !event.target.matches("textarea, input, select") && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    button.click();
  }
});
open().catch(stop);
