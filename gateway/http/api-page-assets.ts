/** The script and the style of `/docs`. The script makes elements and text, never HTML, from the document. */

export const PAGE_STYLE = `
:root { color-scheme: light dark; --line: #8884; --dim: #888; --panel: #8881; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; } h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; text-transform: capitalize; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; }
summary { cursor: pointer; padding: .5rem .75rem; display: flex; gap: .75rem; align-items: baseline; flex-wrap: wrap; }
summary code { font-weight: 600; } summary span { color: var(--dim); }
.method { min-width: 4rem; font: 700 .8rem ui-monospace, monospace; }
.get { color: #2e9e5b; } .post { color: #2f7fd6; } .put { color: #c77d12; } .delete { color: #d14343; }
.body { padding: 0 .75rem .75rem; } h3 { font-size: .9rem; margin: 1rem 0 .25rem; }
pre { background: var(--panel); padding: .6rem; border-radius: 4px; overflow: auto; font-size: .8rem; max-height: 30rem; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line); padding: .25rem .5rem .25rem 0; vertical-align: top; }
textarea, input { width: 100%; box-sizing: border-box; font: .85rem ui-monospace, monospace; padding: .3rem; }
button { margin-top: .5rem; padding: .3rem 1rem; font: inherit; cursor: pointer; }
`;

export const PAGE_SCRIPT = `
"use strict";
const page = document.getElementById("page");
const el = (tag, props, ...children) => {
  const made = Object.assign(document.createElement(tag), props);
  made.append(...children.filter((child) => child !== undefined));
  return made;
};
const resolve = (root, schema, depth = 0) => {
  if (schema === null || typeof schema !== "object" || depth > 8) return schema;
  if (Array.isArray(schema)) return schema.map((item) => resolve(root, item, depth + 1));
  if (typeof schema.$ref === "string") {
    const target = schema.$ref.replace("#/", "").split("/").reduce((at, key) => at?.[key], root);
    return resolve(root, target, depth + 1);
  }
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, resolve(root, value, depth + 1)]));
};
const typeOf = (schema) => schema?.type ?? (schema?.enum ? schema.enum.join(" | ") : "any");
const json = (value) => el("pre", { textContent: JSON.stringify(value, null, 2) });

function parameters(root, list) {
  const rows = list.map((parameter) => {
    const { name, in: where, required, schema, description } = resolve(root, parameter);
    const input = el("input", { placeholder: typeOf(schema) });
    input.setAttribute("aria-label", name);
    const row = el("tr", {}, el("td", {}, el("code", { textContent: name })), el("td", { textContent: where + (required ? ", required" : "") }),
      el("td", { textContent: description ?? "" }), el("td", {}, input));
    return { name, where, input, row };
  });
  return { rows, table: rows.length === 0 ? undefined : el("table", {}, ...rows.map(({ row }) => row)) };
}

function tryIt(method, path, rows, body, token) {
  const out = el("pre", { hidden: true });
  const button = el("button", { textContent: "Send", type: "button" });
  button.onclick = async () => {
    let url = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { name, where, input } of rows) {
      if (where === "path") url = url.replace("{" + name + "}", encodeURIComponent(input.value));
      else if (input.value !== "" && where === "query") query.set(name, input.value);
      else if (input.value !== "" && where === "header") headers[name] = input.value;
    }
    if (token.value !== "") headers.Authorization = "Bearer " + token.value;
    if (body && body.value !== "") headers["Content-Type"] = "application/json";
    out.hidden = false;
    out.textContent = "…";
    try {
      const answer = await fetch(url + (query.size > 0 ? "?" + query : ""), { method: method.toUpperCase(), headers, ...(body && body.value !== "" ? { body: body.value } : {}) });
      const text = await answer.text();
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch {}
      out.textContent = answer.status + " " + answer.statusText + "\\n\\n" + shown;
    } catch (error) {
      out.textContent = String(error);
    }
  };
  return [button, out];
}

function operation(root, method, path, about, token) {
  const { rows, table } = parameters(root, about.parameters ?? []);
  const schema = resolve(root, about.requestBody?.content?.["application/json"]?.schema);
  const body = schema === undefined ? undefined : el("textarea", { rows: 4, placeholder: "{}" });
  body?.setAttribute("aria-label", "Body");
  const answers = Object.entries(about.responses ?? {}).flatMap(([status, answer]) => {
    const content = Object.entries(answer.content ?? {});
    return [el("h3", { textContent: status + ": " + answer.description }),
      ...content.filter(() => status !== "default").map(([type, { schema }]) => type === "application/json" ? json(resolve(root, schema)) : el("p", { textContent: type }))];
  });
  const inside = el("div", { className: "body" }, about.description ? el("p", { textContent: about.description }) : undefined, table,
    ...(schema === undefined ? [] : [el("h3", { textContent: "Body" }), json(schema), body]), ...tryIt(method, path, rows, body, token), ...answers);
  return el("details", {}, el("summary", {}, el("span", { className: "method " + method, textContent: method.toUpperCase() }),
    el("code", { textContent: path }), el("span", { textContent: about.summary ?? "" })), inside);
}

fetch("/openapi.json").then((answer) => answer.json()).then((root) => {
  const token = el("input", { type: "password", placeholder: "token", autocomplete: "off" });
  token.setAttribute("aria-label", "Token");
  const tags = new Map();
  for (const [path, methods] of Object.entries(root.paths ?? {})) {
    for (const [method, about] of Object.entries(methods)) {
      const tag = about.tags?.[0] ?? "other";
      tags.set(tag, [...(tags.get(tag) ?? []), operation(root, method, path, about, token)]);
    }
  }
  page.replaceChildren(el("h1", { textContent: root.info.title + " " + root.info.version }),
    el("p", {}, "OpenAPI 3.1: ", el("a", { href: "/openapi.json", textContent: "/openapi.json" })), ...(root.security ? [token] : []));
  for (const [tag, all] of tags) page.append(el("h2", { textContent: tag }), ...all);
}).catch((error) => page.append(el("p", { textContent: String(error) })));
`;
