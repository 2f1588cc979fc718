"use strict";
// Whatever comes from models, documents and people is put in as text, never as HTML.

const byId = (id) => document.getElementById(id);

function make(parent, name, text = "", properties = {}) {
  const element = Object.assign(document.createElement(name), properties);
  element.textContent = text;
  parent.append(element);
  return element;
}

function say(status, problem = "") {
  byId("status").textContent = status;
  byId("problem").textContent = problem;
}

async function call(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  if (byId("key").value) headers.Authorization = `Bearer ${byId("key").value}`;
  const response = await fetch(path, body ? { method: "POST", headers, signal, body: JSON.stringify(body) } : { headers });
  if (response.ok) return response;
  if (response.status === 401) byId("locked").hidden = false;
  const { detail } = await response.json().catch(() => ({ detail: response.statusText }));
  throw new Error(detail);
}

function place({ document, section, pages }) {
  const page = pages.length ? [`${pages.length > 1 ? "pages" : "page"} ${pages.join(", ")}`] : [];
  return [document, ...section, ...page].join(" › ");
}
