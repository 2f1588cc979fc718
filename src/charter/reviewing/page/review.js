"use strict";
// Whatever comes from models, documents and people is put in as text, never as HTML.

const SPLITS = { train: "training", validation: "validation", test: "test" };
const KINDS = { instruct: "Question and answer", preference: "Pair" };
const LABELS = { question: "Question", answer: "Answer", prompt: "Situation", chosen: "Response that follows the document", rejected: "Response that goes against it" };
const VERBS = { accept: "accepted it", edit: "edited it", reject: "rejected it" };

let rows = []; // the rows of the chosen list; those that are decided stay until it is chosen again
let at = 0; // the place of the shown one
let shown = null; // the row as the server shows it
let busy = false;

const who = () => `reviewer=${encodeURIComponent(byId("reviewer").value.trim())}`;
const views = {
  open: (row) => !row.decided && row.split !== "test",
  test: (row) => !row.decided && row.split === "test",
  mine: (row) => row.decided,
  disputed: (row) => row.disputed,
};

async function begin() {
  try {
    localStorage.setItem("reviewer", byId("reviewer").value.trim());
  } catch {} // where a browser keeps nothing, the name is typed again
  const all = await (await call(`api/rows?${who()}`)).json();
  byId("locked").hidden = true;
  rows = all.filter(views[byId("view").value]);
  at = 0;
  await tellAgreement();
  await show();
}

async function show() {
  shown = null;
  byId("shown").hidden = at >= rows.length;
  if (at >= rows.length) {
    say(rows.length ? "That is the end of this list." : "There is nothing in this list.");
    byId("status").focus();
    return;
  }
  put(await (await call(`api/rows/${rows[at].id}?${who()}`)).json());
  say(`Row ${at + 1} of ${rows.length}`);
  byId("status").focus(); // so that keys decide and aren't typed
  scrollTo({ top: byId("status").offsetTop - 8 });
}

function put(row) {
  shown = row;
  leave();
  byId("about").textContent = [KINDS[row.kind], SPLITS[row.split], ...(row.rule ? [`about the rule: ${row.rule}`] : [])].join(" · ");
  list(byId("texts"), row.texts);
  byId("place").textContent = place(row.passage);
  byId("passage").textContent = row.passage.text;
  byId("decisions").replaceChildren();
  for (const { reviewer, mine, decision, reason, texts } of row.decisions) {
    const item = make(byId("decisions"), "li", `${mine ? "You" : reviewer} ${VERBS[decision]}${reason ? `: ${reason}` : ""}`);
    item.classList.toggle("bad", row.disputed && !mine);
    if (!texts) continue;
    list(make(item, "dl"), texts);
    if (!mine) make(item, "button", "Take these words", { type: "button" }).addEventListener("click", () => edit(texts));
  }
  const own = row.decisions.find((decision) => decision.mine)?.decision;
  for (const [id, decision] of [["accept", "accept"], ["change", "edit"], ["reject", "reject"]]) byId(id).classList.toggle("chosen", own === decision);
  byId("change").disabled = row.split === "test";
}

function list(element, texts) {
  element.replaceChildren();
  for (const [name, text] of Object.entries(texts)) {
    make(element, "dt", LABELS[name]);
    make(element, "dd", text, { dir: "auto" });
  }
}

function leave() {
  byId("edit").hidden = byId("why").hidden = true;
  byId("texts").hidden = byId("choices").hidden = false;
  byId("edit").replaceChildren();
  byId("reason").value = "";
}

function edit(texts) {
  if (!shown || shown.split === "test") return;
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
  const row = rows[at];
  try {
    const body = { row: shown.id, reviewer: byId("reviewer").value, decision, ...more };
    put(await (await call("api/decisions", body)).json());
    row.decided = decision;
    if (shown.disputed) {
      say("You disagree: the row is left out until you agree. Decide again, or go on.");
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
  if (at + step < 0 || at + step > rows.length) return;
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
  const { title, named } = await (await call("api/about")).json();
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
  decide("reject", { reason: byId("reason").value });
});
const ACTIONS = { a: () => decide("accept"), e: () => edit(), r: refuse, ArrowLeft: () => busy || move(-1), ArrowRight: () => busy || move(1) };
for (const [id, key] of [["accept", "a"], ["change", "e"], ["reject", "r"], ["previous", "ArrowLeft"], ["next", "ArrowRight"]]) byId(id).addEventListener("click", ACTIONS[key]);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown) {
    leave();
    byId("status").focus();
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form === byId("edit")) {
    event.preventDefault();
    byId("edit").requestSubmit();
  } else if (ACTIONS[event.key] && !event.repeat && byId("edit").hidden && byId("why").hidden && !event.target.matches("textarea, input, select") && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    ACTIONS[event.key]();
  }
});
open().catch(stop);
