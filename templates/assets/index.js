"use strict";
(function () {
  const byId = (id) => document.getElementById(id);
  const PAGE = 100;
  const OPEN = 8;
  const ranks = document.body.dataset.ranks.split(" ");
  const rank = new Map(ranks.map((key, index) => [key, index]));
  const root = document.body.dataset.root;
  const find = byId("find");
  const chosen = new Set();
  const loaded = new Set();
  let latest = null;
  let columns = [];
  let rows = [];
  let fitting = [];
  let limit = PAGE;

  // ---- what is wrong now
  function headline() {
    byId("headline").replaceChildren(hydra.mark(latest.mark, latest.colour), hydra.make("span", "", ...hydra.sentence(latest.headline)));
    document.title = latest.headline.map((part) => part[1]).join("") + " (" + latest.pass + ")";
    const time = hydra.make("time", "", hydra.when(latest.updated_at));
    time.dateTime = latest.updated_at;
    time.dataset.expected = latest.expected_every_s;
    byId("under").replaceChildren(hydra.make("span", "", "Newest data ", time), ...latest.figures.map((says) => hydra.make("span", "", says)));
    hydra.ages();
    const opened = latest.incidents.filter((one) => one.open).map(incident);
    const over = latest.incidents.filter((one) => !one.open).map(incident);
    opened.forEach((item, index) => { item.hidden = index >= OPEN; });
    byId("open").replaceChildren(...opened);
    byId("over").replaceChildren(...over);
    byId("open-part").hidden = !opened.length;
    byId("over-part").hidden = !over.length;
    byId("over-title").textContent = over.length + (over.length === 1 ? " incident is over" : " incidents are over");
    const more = byId("open-more");
    more.hidden = opened.length <= OPEN;
    more.textContent = "Show all " + opened.length;
    more.onclick = () => { for (const item of opened) item.hidden = false; more.hidden = true; };
  }

  function incident(one) {
    const links = one.runs.map(([says, href]) => {
      const link = hydra.make("a", "", says);
      link.href = root + href;
      return link;
    });
    return hydra.make("li", one.mark,
      hydra.make("p", "name", hydra.mark(one.mark, one.colour), hydra.name(one.plot)),
      hydra.make("p", "", one.says),
      hydra.make("p", "runs", ...links));
  }

  // ---- the table
  function tally() {
    const seen = new Map();
    for (const row of rows) for (const kind of row.cells.values()) {
      const key = kind[0];
      const entry = seen.get(key) || { word: kind[1], mixed: false, number: 0 };
      entry.mixed = entry.mixed || entry.word !== kind[1];
      entry.number += 1;
      seen.set(key, entry);
    }
    const generic = { bad: "Problem", other: "Another class", good: "Good" };
    const chips = [...seen].sort((a, b) => rank.get(a[0]) - rank.get(b[0])).map(([key, entry]) => {
      const chip = hydra.make("button", "chip", hydra.mark(key), entry.mixed ? generic[key] || entry.word : entry.word, " ", hydra.make("b", "", entry.number.toLocaleString("en").replace(/,/g, "\u202f")));
      chip.type = "button";
      chip.dataset.mark = key;
      chip.setAttribute("aria-pressed", chosen.has(key));
      chip.addEventListener("click", () => { if (!chosen.delete(key)) chosen.add(key); limit = PAGE; draw(); remember(); });
      return chip;
    });
    byId("chips").replaceChildren(...chips);
  }

  function fits(row, words, plotWords) {
    if (chosen.size) {
      let found = false;
      for (const kind of row.cells.values()) if (chosen.has(kind[0])) { found = true; break; }
      if (!found) return false;
    }
    return words.every((word) => plotWords.has(word) || row.text.includes(word));
  }

  function loud(kind) {
    return kind[3] >= 1 || (kind[0] !== "good" && kind[0] !== "acceptable");
  }

  function cellOf(row, column, kind) {
    const cell = document.createElement("td");
    if (column.first) cell.className = "first";
    if (!kind) return cell;
    const link = document.createElement("a");
    link.href = root + row.href + "#p-" + encodeURIComponent(column.slug);
    link.tabIndex = -1;
    const of = kind[5] > 1 ? (kind[4] ? ", " + kind[4] + " of " + kind[5] + " chunks" : ", " + kind[5] + " chunks") : "";
    link.setAttribute("aria-label", "Run " + row.run + ", " + column.name + ": " + kind[1] + of);
    const mark = hydra.mark(kind[0], kind[2]);
    if (kind[3] < 2 && (kind[0] === "good" || kind[0] === "acceptable")) mark.classList.add("quiet");
    link.append(mark);
    cell.append(link);
    return cell;
  }

  function calm(row) {
    const keys = new Set([...row.cells.values()].map((kind) => kind[0]));
    if (!keys.size) return "no plots came";
    if ([...keys].every((key) => key === "no_beam")) return "no beam";
    return [...keys].every((key) => key === "no_beam" || key === "undetermined") ? "no model yet" : "fine";
  }

  function rowOf(row, shownColumns) {
    const line = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    const named = hydra.runNamed(row.run, row.name);
    const link = hydra.make("a", named ? "named" : "", named ? hydra.make("bdi", "", row.name) : String(row.run));
    link.href = root + row.href;
    const told = row.flagged ? hydra.make("span", "look", row.flagged + (row.flagged === 1 ? " plot" : " plots") + " to look at") : hydra.make("span", row.severity < 2 ? "" : "look", calm(row));
    head.append(link, hydra.make("span", "", row.made.slice(5, 16).replace("T", " ") + " UTC"), told);
    if (row.name !== String(row.run)) head.title = named ? row.name + " (run " + row.run + ")" : row.name;
    line.append(head);
    for (const column of shownColumns) line.append(cellOf(row, column, row.cells.get(column.slug)));
    return line;
  }

  function draw() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const names = columns.map((column) => (column.name + " " + column.group).toLowerCase());
    const plotWords = new Set(words.filter((word) => names.some((name) => name.includes(word))));
    fitting = rows.filter((row) => fits(row, words, plotWords));
    const order = byId("order").value;
    if (order === "oldest") fitting.sort((a, b) => a.run - b.run);
    else if (order === "worst") fitting.sort((a, b) => b.severity - a.severity || b.flagged - a.flagged || b.run - a.run);
    else fitting.sort((a, b) => b.run - a.run);
    const some = fitting.slice(0, limit);
    let shownColumns = columns.filter((column, index) => [...plotWords].every((word) => names[index].includes(word)));
    if (byId("only").checked) shownColumns = shownColumns.filter((column) => some.some((row) => { const kind = row.cells.get(column.slug); return kind && loud(kind); }));
    shownColumns = shownColumns.map((column, index) => ({ ...column, first: index > 0 && column.group !== shownColumns[index - 1].group }));

    const table = document.createElement("table");
    table.append(hydra.make("caption", "sr", "Runs and what they say of each plot type"));
    const top = document.createElement("tr");
    top.append(hydra.make("th", "corner", "Run", hydra.make("span", "", "judged")));
    for (const column of shownColumns) {
      const head = hydra.make("th", column.first ? "first" : "", hydra.make("div", "turn", hydra.make("bdi", "", column.name)));
      head.scope = "col";
      head.title = [column.name, column.says, column.contact && "Ask: " + column.contact].filter(Boolean).join("\n");
      top.append(head);
    }
    const body = document.createElement("tbody");
    body.append(...some.map((row) => rowOf(row, shownColumns)));
    table.append(hydra.make("thead", "", top), body);
    byId("matrix").replaceChildren(table);
    const first = table.querySelector("td a");
    if (first) first.tabIndex = 0;
    for (const chip of byId("chips").children) chip.setAttribute("aria-pressed", chosen.has(chip.dataset.mark));
    byId("shown").textContent = some.length + " of " + rows.length + (rows.length === 1 ? " run shown" : " runs shown");
    const left = fitting.length - some.length;
    byId("more").hidden = left <= 0;
    byId("more").textContent = "Show " + Math.min(PAGE, left) + " more";
    const waiting = latest.blocks.filter((number) => !loaded.has(number));
    byId("older").hidden = !waiting.length;
    byId("range").textContent = some.length ? "" : rows.length ? "No run matches." : "No run yet.";
  }

  function remember() {
    hydra.state.write({ q: find.value, state: [...chosen].join(","), order: byId("order").value, only: byId("only").checked ? "1" : "" });
  }

  function loadNext() {
    const next = latest.blocks.filter((number) => !loaded.has(number)).pop();
    if (next === undefined) return;
    loaded.add(next);
    hydra.load("blocks/" + next + ".js");
  }

  hydra.on("block", (block) => {
    const known = new Set(columns.map((column) => column.slug));
    for (const slug of block.slugs) if (!known.has(slug)) columns.push({ slug, name: slug, group: "", contact: "", says: "" });
    for (const one of block.runs) {
      const cells = new Map();
      one[10].forEach((kind, index) => { if (kind >= 0) cells.set(block.slugs[index], block.kinds[kind]); });
      const text = (one[0] + " " + one[1] + " " + one[9]).toLowerCase();
      rows.push({ run: one[0], name: one[1], made: one[3], flagged: one[5], severity: one[7], href: one[8], cells, text });
    }
    tally();
    draw();
    // A block that has just begun would leave the table nearly empty.
    if (rows.length < PAGE) loadNext();
  });

  let first = true;
  hydra.on("latest", (data) => {
    if (!first) {
      if (data.updated_at !== latest.updated_at) byId("fresh").hidden = false;
      return;
    }
    first = false;
    latest = data;
    columns = data.columns.map((column, index) => ({ ...column, index }))
      .sort((a, b) => (a.group === "") - (b.group === "") || a.group.localeCompare(b.group) || a.index - b.index);
    const state = hydra.state.read();
    find.value = state.get("q") || "";
    for (const key of (state.get("state") || "").split(",")) if (rank.has(key)) chosen.add(key);
    byId("order").value = state.get("order") || "";
    byId("only").checked = Boolean(state.get("only"));
    headline();
    draw();
    loadNext();
  });
  setInterval(() => { if (!document.hidden) hydra.load("latest.js?" + Math.floor(Date.now() / 60000)); }, 60000);
  byId("reload").addEventListener("click", () => location.reload());

  let typing = 0;
  find.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => { limit = PAGE; draw(); remember(); }, 120); });
  for (const id of ["order", "only"]) byId(id).addEventListener("change", () => { limit = PAGE; draw(); remember(); });
  byId("more").addEventListener("click", () => { limit += PAGE; draw(); });
  byId("older").addEventListener("click", loadNext);

  // ---- reading and walking the table
  const read = (event) => {
    const link = event.target.closest("td a");
    if (link) byId("readout").textContent = link.getAttribute("aria-label");
  };
  byId("matrix").addEventListener("mouseover", read);
  byId("matrix").addEventListener("focusin", (event) => {
    read(event);
    const link = event.target.closest("td a");
    if (!link) return;
    for (const other of byId("matrix").querySelectorAll('td a[tabindex="0"]')) other.tabIndex = -1;
    link.tabIndex = 0;
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || hydra.typing(event) || byId("keys").open) return;
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], j: [1, 0], k: [-1, 0] };
    const move = moves[event.key];
    if (!move) return;
    const body = byId("matrix").querySelector("tbody");
    const cell = event.target.closest && event.target.closest("#matrix td");
    if (!body || (!cell && event.key.length > 1)) return;
    const lines = [...body.rows];
    const line = cell ? lines.indexOf(cell.parentElement) : -1;
    const wanted = lines[Math.max(0, Math.min(lines.length - 1, line + move[0]))];
    if (!wanted) return;
    const cells = [...wanted.cells];
    let place = cell ? [...cell.parentElement.cells].indexOf(cell) + move[1] : 1;
    place = Math.max(1, Math.min(cells.length - 1, place));
    const step = move[1] || 1;
    while (cells[place] && !cells[place].querySelector("a") && place + step > 0) place += step;
    const link = cells[place] && cells[place].querySelector("a");
    if (!link) return;
    event.preventDefault();
    link.focus({ preventScroll: true });
    link.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
})();
