"use strict";
(function () {
  const byId = (id) => document.getElementById(id);
  const all = (selector, from) => [...(from || document).querySelectorAll(selector)];
  const body = document.body;
  const here = body.dataset.here;
  const cards = all("article.card");
  const viewer = byId("viewer");
  const find = byId("find");
  const chosen = new Set();
  let view = "comfortable";
  let current = -1;
  let opened = null;

  // ---- filters, density; both live in the address
  const texts = cards.map((card) =>
    [card.dataset.plot, card.dataset.group, card.dataset.where || "whole run", card.dataset.mark.replace("_", " ")].join(" ").toLowerCase());

  function visible(card) {
    return !card.hidden && card.offsetParent !== null;
  }

  function filter() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const asked = words.length > 0 || chosen.size > 0;
    let shown = 0;
    cards.forEach((card, index) => {
      const fits = (!chosen.size || chosen.has(card.dataset.mark)) && words.every((word) => texts[index].includes(word));
      card.hidden = !fits;
      shown += fits;
    });
    body.classList.toggle("filtered", asked);
    for (const part of all(".stack, .needs .plot, .needs, .group, .slot, .rest")) {
      part.hidden = asked && !part.querySelector("article.card:not([hidden])");
      if (asked && part.matches("details") && !part.hidden) part.open = true;
    }
    byId("shown").textContent = asked ? shown + " of " + cards.length + " shown" : cards.length + (cards.length === 1 ? " plot" : " plots");
    byId("none").hidden = shown > 0;
    for (const chip of all(".chip")) chip.setAttribute("aria-pressed", chosen.has(chip.dataset.mark));
  }

  function setView(name) {
    view = ["comfortable", "compact", "wall"].includes(name) ? name : "comfortable";
    document.documentElement.dataset.view = view;
    for (const button of all("[data-view]", byId("main"))) button.setAttribute("aria-pressed", button.dataset.view === view);
    wake();
  }

  function remember() {
    hydra.state.write({
      view: view === "comfortable" ? "" : view,
      q: find.value,
      state: [...chosen].join(","),
      open: opened ? opened.id.slice(2) : "",
    });
  }

  // A wall has no hands: controls leave after a while, and come back with the pointer.
  let idle = 0;
  function wake() {
    clearTimeout(idle);
    body.classList.remove("idle");
    if (view === "wall") idle = setTimeout(() => body.classList.add("idle"), 6000);
  }
  for (const kind of ["pointermove", "keydown", "touchstart"]) document.addEventListener(kind, wake, { passive: true });

  find.addEventListener("input", () => { filter(); remember(); });
  for (const chip of all(".chip")) chip.addEventListener("click", () => {
    if (!chosen.delete(chip.dataset.mark)) chosen.add(chip.dataset.mark);
    filter();
    remember();
  });
  for (const button of all("[data-view]", byId("main"))) button.addEventListener("click", () => { setView(button.dataset.view); remember(); });
  byId("reset").addEventListener("click", () => { find.value = ""; chosen.clear(); filter(); remember(); });

  // ---- heat maps
  let heat = false;
  function setHeat(on) {
    heat = on;
    for (const overlay of all("img.heat")) overlay.hidden = !on;
    for (const says of all(".heatsays")) says.hidden = !on;
    for (const button of all(".heat-toggle")) button.firstChild.data = on ? "Hide heat map " : "Show heat map ";
  }
  // What the colours under the chosen map mean; the page holds each sentence once.
  const words = new Map(all("#heatwords dt").map((key) => [key.textContent, key.nextSibling.textContent]));
  function tellMap(says, option) {
    const title = option.text[0].toUpperCase() + option.text.slice(1) + ".";
    says.replaceChildren(hydra.make("b", "", title), " " + words.get(option.dataset.says).replace("{tested}", option.dataset.tested) + " ",
      hydra.make("span", "scale", "little", hydra.make("i"), "much"));
  }
  function setOpacity(value) {
    document.documentElement.style.setProperty("--heat", value);
    for (const slider of all(".heat-opacity")) slider.value = value;
  }
  if (all("img.heat, a.map").length) for (const bar of all(".bandhead .heatbar")) bar.hidden = false;
  for (const button of all(".heat-toggle")) button.addEventListener("click", () => setHeat(!heat));
  for (const slider of all(".heat-opacity")) slider.addEventListener("input", () => { setOpacity(slider.value); if (!heat) setHeat(true); });
  for (const select of all(".card .which select")) {
    const card = select.closest(".card");
    const says = card.querySelector(".heatsays");
    select.parentElement.hidden = false;
    tellMap(says, select.selectedOptions[0]);
    select.addEventListener("change", () => {
      card.querySelector("img.heat").src = select.value;
      tellMap(says, select.selectedOptions[0]);
      setHeat(true);
    });
  }

  // ---- one plot in large
  function show(card) {
    opened = card;
    current = cards.indexOf(card);
    const stage = viewer.querySelector(".stage");
    const side = viewer.querySelector(".side");
    const pic = card.querySelector(".pic");
    const maps = all("a.map", card);
    const bar = viewer.querySelector(".heatbar");
    const select = bar.querySelector("select");
    const says = hydra.make("p", "heatsays");
    const frame = hydra.make("div", "frame");
    const thumb = card.querySelector("svg.thumb");
    const width = Number(pic ? pic.dataset.width : 4);
    const height = Number(pic ? pic.dataset.height : 3);
    frame.style.setProperty("--ratio", width / height);
    frame.style.setProperty("--wide", pic ? Math.max(width, 240) : 300);
    if (pic && pic.dataset.full) {
      const image = hydra.make("img");
      image.width = pic.dataset.width;
      image.height = pic.dataset.height;
      image.alt = thumb ? thumb.getAttribute("aria-label") : pic.querySelector("img").alt;
      image.src = pic.dataset.full;
      frame.append(image);
      bar.hidden = !maps.length;
      if (maps.length) {
        const overlay = hydra.make("img", "heat");
        overlay.alt = "";
        overlay.src = maps[0].getAttribute("href");
        overlay.hidden = !heat;
        frame.append(overlay);
        select.replaceChildren(...maps.map((map) => {
          const option = new Option(map.dataset.title, map.getAttribute("href"));
          Object.assign(option.dataset, map.dataset);
          return option;
        }));
        tellMap(says, select.options[0]);
        select.onchange = () => { overlay.src = select.value; tellMap(says, select.selectedOptions[0]); setHeat(true); };
      }
    } else {
      bar.hidden = true;
      frame.append((thumb || card.querySelector(".nothing")).cloneNode(true));
    }
    stage.replaceChildren(frame);
    const title = card.querySelector("h3, h4, h5").cloneNode(true);
    viewer.querySelector(".title").replaceChildren(...title.childNodes);
    const told = hydra.make("div");
    told.append(card.querySelector(".verdict").cloneNode(true));
    says.hidden = !heat;
    if (says.firstChild) told.append(says);
    for (const part of [card.querySelector(".tell"), card.querySelector(".more")]) {
      if (!part || part.matches(".more") && card.querySelector(".tell")) continue;
      for (const child of part.children) {
        if (child.matches("summary, .which, .heatsays")) continue;
        const copy = child.cloneNode(true);
        if (copy.matches("details")) copy.open = true;
        told.append(copy);
      }
    }
    if (pic && !pic.dataset.full) told.append(hydra.make("p", "soft", "The full image is in the archive; plots that need a look have theirs here."));
    side.replaceChildren(told);
    side.scrollTop = 0;
    if (!viewer.open) viewer.showModal();
  }

  function step(by) {
    const seen = viewer.open ? cards.filter((card) => !card.hidden) : cards.filter(visible);
    if (!seen.length) return;
    const place = seen.indexOf(cards[current]);
    const next = seen[Math.min(seen.length - 1, Math.max(0, place + (place < 0 ? 1 : by)))];
    current = cards.indexOf(next);
    if (viewer.open) { show(next); remember(); }
    else { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  }

  document.addEventListener("click", (event) => {
    const pic = event.target.closest("article .pic, article .nothing");
    if (!pic || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    history.pushState(null, "", location.hash || "#view=");
    show(pic.closest("article"));
    remember();
  });
  viewer.addEventListener("close", () => {
    const card = opened;
    opened = null;
    remember();
    if (card) { card.focus({ preventScroll: true }); card.scrollIntoView({ block: "nearest" }); }
  });
  viewer.querySelector(".before").addEventListener("click", () => step(-1));
  viewer.querySelector(".after").addEventListener("click", () => step(1));
  document.addEventListener("focusin", (event) => {
    const card = event.target.closest && event.target.closest("article.card");
    if (card && !viewer.open) current = cards.indexOf(card);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || hydra.typing(event) || byId("keys").open) return;
    const slider = event.target.type === "range";
    if (event.key === "j" || (!slider && (event.key === "ArrowRight" || (event.key === "ArrowDown" && event.target.closest("article"))))) { event.preventDefault(); step(1); }
    else if (event.key === "k" || (!slider && (event.key === "ArrowLeft" || (event.key === "ArrowUp" && event.target.closest("article"))))) { event.preventDefault(); step(-1); }
    else if (event.key === "h") setHeat(!heat);
    else if (event.key === "Enter" && event.target.matches("article.card")) event.target.querySelector(".pic, .nothing").click();
    else if ("123".includes(event.key)) { setView(["comfortable", "compact", "wall"][event.key - 1]); remember(); }
    else if (event.key === "[" || event.key === "]") {
      const link = byId("neighbours").querySelector(event.key === "[" ? ".earlier" : ".later");
      if (link) link.click();
    }
  });

  function fromAddress() {
    const state = hydra.state.read();
    find.value = state.get("q") || "";
    chosen.clear();
    for (const key of (state.get("state") || "").split(",")) if (key) chosen.add(key);
    setView(state.get("view"));
    filter();
    const card = state.get("open") && byId("c-" + state.get("open"));
    if (card) show(card);
    else if (viewer.open) { opened = null; viewer.close(); }
    if (!state.size) setTimeout(aim);
  }
  // An address that ends in #p-PLOT or #c-PLOT~CHUNK; later than the browser's own jump, which takes the focus away.
  function aim() {
    const target = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const folded = target.closest("details");
    if (folded) folded.open = true;
    target.scrollIntoView();
    const card = target.matches("article") ? target : target.querySelector("article");
    if (card) card.focus({ preventScroll: true });
  }
  addEventListener("load", () => setTimeout(aim));
  addEventListener("hashchange", fromAddress);
  addEventListener("popstate", fromAddress);

  // ---- what came after this page was written
  hydra.on("links", (links) => {
    const mine = Number(body.dataset.revision);
    const newest = Math.max(...links.revisions);
    const others = links.revisions.filter((number) => number !== mine);
    const linkTo = (number, text) => {
      const link = hydra.make("a", "", text);
      link.href = "../r" + number + "/index.html";
      return link;
    };
    if (others.length) {
      const span = byId("revisions");
      span.append("(others: ");
      others.forEach((number, index) => span.append(index ? ", " : "", linkTo(number, "r" + number)));
      span.append(")");
    }
    if (newest > mine) {
      byId("newer").append("This is an older look at the run. ", linkTo(newest, "Revision " + newest), " is the newest.");
      byId("newer").hidden = false;
    }
  });

  const lists = new Map();
  function neighbours() {
    const run = Number(body.dataset.run);
    const runs = [...lists.values()].flat().sort((a, b) => a[0] - b[0]);
    const place = runs.findIndex((one) => one[0] === run);
    const links = [[runs[place - 1], "earlier", "Run before"], [place < 0 ? undefined : runs[place + 1], "later", "Run after"]];
    byId("neighbours").replaceChildren(...links.flatMap(([one, name, title]) => {
      if (!one) return [];
      const said = hydra.runNamed(one[0], one[4]) ? one[4] : String(one[0]);
      const text = hydra.make("bdi", "", said);
      const link = hydra.make("a", name, ...(name === "earlier" ? ["\u2190 ", text] : [text, " \u2192"]));
      link.href = body.dataset.root + one[1];
      link.title = title + ": " + said;
      return [link];
    }));
    return place;
  }
  hydra.on("latest", (latest) => {
    const block = Number(body.dataset.block);
    const blocks = latest.blocks.slice().sort((a, b) => a - b);
    const place = blocks.indexOf(block);
    for (const next of [blocks[place - 1], blocks[place + 1]])
      if (next !== undefined && !lists.has(next)) hydra.load(here + "/blocks/" + next + "-runs.js");
  });
  hydra.on("runs", (list) => {
    lists.set(list.block, list.runs);
    const place = neighbours();
    // Only at the edge of its block does a run need to know of other blocks.
    if (list.block === Number(body.dataset.block) && (place <= 0 || place === list.runs.length - 1)) hydra.load(here + "/latest.js");
  });

  setOpacity(0.6);
  fromAddress();
})();
