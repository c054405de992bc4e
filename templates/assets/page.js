"use strict";
// What every page has: ages, the light switch, the list of keys.
(function () {
  const byId = (id) => document.getElementById(id);

  hydra.age = function (iso) {
    const seconds = Math.max(0, (Date.now() - Date.parse(iso)) / 1000);
    if (seconds < 90) return "just now";
    const steps = [[60, "min"], [3600, "h"], [86400, "day"], [86400 * 30.44, "month"], [86400 * 365.25, "year"]];
    let [size, word] = steps[0];
    for (const step of steps) if (seconds >= step[0] * (step[1] === "min" ? 1 : 1.5)) [size, word] = step;
    const number = Math.round(seconds / size);
    return number + " " + word + (word.length > 3 && number !== 1 || word === "day" && number !== 1 ? "s" : "") + " ago";
  };

  hydra.when = function (iso) {
    return iso.replace("T", " ").replace(/(\.\d+)?(Z|\+00:00)$/, " UTC");
  };

  hydra.ages = function () {
    for (const time of document.querySelectorAll("time[datetime]")) {
      let tail = time.nextElementSibling;
      if (!tail || !tail.classList.contains("age")) {
        tail = document.createElement("span");
        tail.className = "age";
        time.after(tail);
      }
      tail.textContent = " (" + hydra.age(time.dateTime) + ")";
      const expected = Number(time.dataset.expected);
      const late = expected > 0 && Date.now() - Date.parse(time.dateTime) > 1000 * expected;
      tail.classList.toggle("late", late);
      if (late) tail.textContent = " (" + hydra.age(time.dateTime) + ", later than expected)";
    }
  };

  hydra.mark = function (key, colour) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "mark " + key);
    svg.setAttribute("aria-hidden", "true");
    if (colour) svg.setAttribute("fill", colour);
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", "#m-" + key);
    svg.append(use);
    return svg;
  };

  hydra.make = function (tag, name, ...inside) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.append(...inside);
    return element;
  };

  // Whether a run goes by a name of its own, and not by its number, however many noughts are before that.
  hydra.runNamed = function (run, name) {
    return Boolean(name) && !(/^[0-9]+$/.test(name) && Number(name) === run);
  };
  // A name may break after its underscores and nowhere else if it can.
  hydra.name = function (text) {
    const bdi = hydra.make("bdi");
    text.split("_").forEach((piece, index, all) => {
      bdi.append(piece + (index < all.length - 1 ? "_" : ""));
      if (index < all.length - 1) bdi.append(document.createElement("wbr"));
    });
    return bdi;
  };

  // A sentence that came as parts: our words, and names from outside, which may run from right to left.
  hydra.sentence = function (parts) {
    return parts.map(([kind, text]) => (kind === "name" ? hydra.make("bdi", "", text) : text));
  };

  hydra.state = {
    read() {
      const text = location.hash.slice(1);
      return new URLSearchParams(/^[a-z]+=/.test(text) ? text : "");
    },
    write(values) {
      const wanted = new URLSearchParams();
      for (const [key, value] of Object.entries(values)) if (value) wanted.set(key, value);
      const text = wanted.toString();
      if (text || /^#[a-z]+=/.test(location.hash)) history.replaceState(null, "", text ? "#" + text : "#view=");
    },
  };

  hydra.typing = (event) => /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "range";

  const keys = byId("keys");
  byId("keys-button").addEventListener("click", () => keys.showModal());
  byId("theme-button").addEventListener("click", hydra.switchTheme);
  for (const button of document.querySelectorAll("dialog .close"))
    button.addEventListener("click", () => button.closest("dialog").close());
  for (const dialog of document.querySelectorAll("dialog"))
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (hydra.typing(event)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "?") { if (keys.open) keys.close(); else keys.showModal(); }
    else if (event.key === "t") hydra.switchTheme();
    else if (event.key === "/") {
      const find = byId("find");
      if (find) { event.preventDefault(); find.focus(); find.select(); }
    }
  });

  // The line at the top: the newest that has not ended; one without text hides those before it.
  const news = byId("news");
  if (news) {
    hydra.on("news", (all) => {
      const first = all.find((one) => !one.until || Date.parse(one.until) > Date.now());
      news.hidden = !(first && first.text);
      if (news.hidden) return;
      const time = hydra.make("time", "", hydra.when(first.at));
      time.dateTime = first.at;
      news.replaceChildren(hydra.make("bdi", "", first.text), hydra.make("span", "by", hydra.make("bdi", "", first.who), ", ", time));
      hydra.ages();
    });
    hydra.load(document.body.dataset.root + "news.js");
  }

  hydra.ages();
  setInterval(hydra.ages, 30000);
})();
