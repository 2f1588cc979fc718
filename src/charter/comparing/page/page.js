"use strict";
// Whatever comes from models and documents is put in as text, never as HTML.

let comparison = null; // what may be voted on: its id and how many answers it has
let asking = null; // what ends the request under way

async function listSystems() {
  const { title, systems } = await (await call("api/systems")).json();
  byId("title").textContent = title;
  document.title = `Compare: ${title}`;
  byId("systems").replaceChildren();
  for (const { label, name, ticked } of systems) {
    const tick = make(byId("systems"), "label", "", { className: "tick" });
    make(tick, "input", "", { type: "checkbox", value: label, checked: ticked });
    tick.append(name);
  }
  byId("locked").hidden = true;
}

function begin({ answers, names, stake, passages }) {
  const list = byId("answers");
  list.replaceChildren();
  for (let number = 1; number <= answers; number++) {
    const item = make(list, "li");
    item.setAttribute("aria-labelledby", `answer-${number}`);
    make(item, "h2", `Answer ${number}${names ? `: ${names[number - 1]}` : ""}`, { id: `answer-${number}` });
    make(item, "p", "", { className: "text" }).setAttribute("aria-busy", "true");
    const button = make(item, "button", "", { type: "button", disabled: true });
    make(button, "kbd", String(number));
    button.append(` Best`);
    button.setAttribute("aria-label", `Answer ${number} is best`);
    button.addEventListener("click", () => vote(number - 1));
  }
  const about = byId("stake");
  about.replaceChildren();
  make(about, "strong", stake.rule ? "The nearest rule: " : "The nearest section: ");
  about.append(stake.rule || stake.section.join(" › ") || stake.document);
  make(about, "br");
  make(about, "span", place(stake), { className: "place" });
  byId("passages").replaceChildren();
  for (const passage of passages) {
    make(byId("passages"), "p", place(passage), { className: "place" });
    make(byId("passages"), "blockquote", passage.text);
  }
  byId("shown").hidden = !passages.length;
  byId("result").hidden = false;
  say("The systems are writing.");
}

function allowVotes(allowed) {
  for (const button of byId("result").querySelectorAll("button")) button.disabled = !allowed;
}

function take(news, id, count) {
  if (news.error) throw new Error(news.error);
  if ("answer" in news) {
    const text = byId("answers").children[news.answer].querySelector(".text");
    text.append(news.text);
    if (news.ended) {
      text.setAttribute("aria-busy", "false");
      if (!text.textContent) make(text, "em", "(no words)");
    }
  } else if ("ended" in news) {
    say(`${news.ended} of ${count} are written.`);
  } else if (news.written) {
    comparison = { id, count };
    allowVotes(true);
    say(`Which answer is best? Press 1 to ${count}, or 0 for none.`);
  }
}

async function ask() {
  asking?.abort();
  const request = (asking = new AbortController());
  comparison = null;
  allowVotes(false);
  say("Asking.");
  byId("status").focus(); // so that digits vote and aren't typed
  try {
    if (!byId("systems").children.length) await listSystems();
    const systems = [...document.querySelectorAll("#systems input:checked")].map((tick) => tick.value);
    if (systems.length < 2 || systems.length > 9) throw new Error("Tick two to nine systems.");
    const body = { question: byId("question").value, systems, blind: byId("blind").checked };
    const response = await call("api/ask", body, request.signal);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "", begun = null;
    for (let part; !(part = await reader.read()).done; ) {
      const lines = (rest + part.value).split("\n");
      rest = lines.pop();
      if (request.signal.aborted) return;
      for (const news of lines.map(JSON.parse)) {
        if (news.comparison) begin((begun = news));
        else take(news, begun?.comparison, begun?.answers);
      }
    }
    if (!comparison) throw new Error("The connection ended early. Ask again.");
  } catch (error) {
    if (!request.signal.aborted) stop(error);
  }
}

function stop(error) {
  for (const text of document.querySelectorAll("[aria-busy=true]")) text.setAttribute("aria-busy", "false");
  say("", error.message);
}

async function vote(best) {
  if (!comparison || (best !== null && best >= comparison.count)) return;
  const voter = byId("voter").value;
  const { id } = comparison;
  comparison = null;
  allowVotes(false);
  try {
    const { names } = await (await call("api/vote", { comparison: id, voter, best })).json();
    [...byId("answers").children].forEach((item, number) => {
      item.querySelector("h2").textContent = `Answer ${number + 1}: ${names[number]}${number === best ? " (your vote)" : ""}`;
      item.classList.toggle("best", number === best);
    });
    say(best === null ? "Your vote is kept: none is better." : `Your vote is kept: answer ${best + 1} is best, by ${names[best]}.`);
    byId("status").focus();
  } catch (error) {
    comparison = { id, count: byId("answers").children.length };
    allowVotes(true);
    stop(error);
  }
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
byId("none").addEventListener("click", () => vote(null));
byId("key").addEventListener("change", () => listSystems().then(() => say(""), stop));
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    byId("form").requestSubmit();
  } else if (!event.target.matches("textarea, input:not([type=checkbox])") && !event.ctrlKey && !event.metaKey && !event.altKey) {
    if (/^[0-9]$/.test(event.key)) vote(event.key === "0" ? null : Number(event.key) - 1);
  }
});
listSystems().catch(stop);
