"use strict";
// First of all: the colour scheme, so that nothing flashes, and the door through which shards bring their data.
(function () {
  const root = document.documentElement;
  const waiting = {};
  const takers = {};
  const store = {
    get(key) { try { return localStorage.getItem("hydra." + key); } catch { return null; } },
    set(key, value) { try { localStorage.setItem("hydra." + key, value); } catch { /* private window: not remembered */ } },
  };
  function paint(theme) {
    const dark = document.getElementById("dark");
    root.classList.toggle("light", theme === "light");
    dark.media = theme === "dark" ? "screen" : theme === "light" ? "not all" : "screen and (prefers-color-scheme: dark)";
  }
  function isDark() {
    return matchMedia(document.getElementById("dark").media).matches;
  }
  window.hydra = {
    store,
    take(kind, data) {
      if (takers[kind]) takers[kind](data); else (waiting[kind] = waiting[kind] || []).push(data);
    },
    on(kind, taker) {
      takers[kind] = taker;
      for (const data of waiting[kind] || []) taker(data);
      delete waiting[kind];
    },
    load(href, done) {
      const script = document.createElement("script");
      script.src = href;
      script.onload = () => { script.remove(); if (done) done(true); };
      script.onerror = () => { script.remove(); if (done) done(false); };
      document.head.append(script);
    },
    switchTheme() {
      const next = isDark() ? "light" : "dark";
      store.set("theme", next);
      paint(next);
    },
  };
  root.classList.add("has-js");
  paint(store.get("theme"));
})();
