"use strict";
(function () {
  const list = document.getElementById("passes");
  const entries = new Map();
  hydra.on("latest", (latest) => {
    const entry = entries.get(latest.pass);
    if (!entry) return;
    entry.says.replaceChildren(hydra.mark(latest.mark, latest.colour), entry.link);
    entry.link.replaceChildren(...hydra.sentence(latest.headline));
    const time = hydra.make("time", "", hydra.when(latest.updated_at));
    time.dateTime = latest.updated_at;
    if (entry.running) time.dataset.expected = latest.expected_every_s;
    entry.under.append(", newest data ", time);
    hydra.ages();
  });
  hydra.on("passes", (all) => {
    for (const one of all.passes) {
      const link = hydra.make("a", "", "Open");
      link.href = one.href + "/index.html";
      const says = hydra.make("h2", "says", link);
      const under = hydra.make("p", "soft", one.state + ", " + one.runs + (one.runs === 1 ? " run" : " runs") + " published");
      list.append(hydra.make("li", "", hydra.make("p", "name", hydra.make("bdi", "", one.name)), says, under));
      entries.set(one.name, { says, link, under, running: one.state !== "closed" });
      if (one.runs) hydra.load(one.href + "/latest.js");
    }
    if (!all.passes.length) list.append(hydra.make("li", "", "No pass has been made yet."));
  });
})();
