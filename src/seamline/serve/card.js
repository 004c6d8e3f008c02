/** The model's card: intended use, limits, figures, data and license. */

import { byId, element } from "./elements.js";

/** Show the card in the head of the page. */
export async function showModelCard() {
  const { sections } = await (await fetch("/api/card")).json();
  byId("about").querySelector("div").replaceChildren(...sections.map(makeSection));
  byId("about").hidden = false;
}

function makeSection({ title, paragraphs, tables }) {
  const section = element("section");
  const texts = paragraphs.map((text) => {
    const paragraph = element("p");
    paragraph.append(...makeInline(text));
    return paragraph;
  });
  section.append(element("h2", "", title), ...texts, ...tables.map((rows) => makeTable(title, rows)));
  return section;
}

/** Return a text with its `code` and its addresses as elements. */
function makeInline(text) {
  return text.split(/(`[^`]+`|https?:\/\/[^\s,;]+)/).map((part) => {
    if (part.startsWith("`")) return element("code", "", part.slice(1, -1));
    return part.startsWith("http") ? Object.assign(element("a", "", part), { href: part, rel: "noreferrer" }) : part;
  });
}

function makeTable(title, [head, ...rows]) {
  const table = element("table");
  const [thead, tbody] = [element("thead"), element("tbody")];
  const makeRow = (cells, tagOf) => {
    const row = element("tr");
    row.append(...cells.map((text, column) => makeCell(tagOf(text, column), text)));
    return row;
  };
  thead.append(makeRow(head, (text) => (text ? "th" : "td")));
  tbody.append(...rows.map((cells) => makeRow(cells, (_, column) => (column ? "td" : "th"))));
  for (const cell of thead.querySelectorAll("th")) cell.scope = "col";
  for (const cell of tbody.querySelectorAll("th")) cell.scope = "row";
  table.append(element("caption", "visually-hidden", title), thead, tbody);
  return table;
}

/** Return a cell with its interval, in parentheses in the text, on a line of its own. */
function makeCell(tag, text) {
  const [, value, interval] = text.match(/^(.*?)(?: \((.*–.*)\))?$/);
  const cell = element(tag, "", value);
  if (interval) cell.append(element("small", "", interval));
  return cell;
}
