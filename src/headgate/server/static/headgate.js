// What pages do beyond links and forms: clocks that tick, keys, the live mark, following a log.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // -- clocks: the server's times, shown relative to the server's clock ----------------------
  let skew = 0;
  const now = () => Date.now() / 1000 + skew;
  const length = (s) => {
    if (s < 10) return `${Math.max(0, s).toFixed(1)} s`;
    const whole = Math.floor(s);
    if (whole < 60) return `${whole} s`;
    const minutes = Math.floor(whole / 60);
    if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
    return `${Math.floor(hours / 24)} days`;
  };
  const ago = (s) => {
    if (s < 10) return "just now";
    if (s < 60) return `${Math.floor(s)} s ago`;
    if (s < 3600) return `${Math.floor(s / 60)} min ago`;
    if (s < 172800) return `${Math.floor(s / 3600)} h ago`;
    return `${Math.floor(s / 86400)} days ago`;
  };
  const put = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const tick = () => {
    const at = now();
    for (const element of all("[data-since]")) {
      const seconds = at - Number(element.dataset.since);
      if (element.tagName === "PROGRESS") {
        if (element.hasAttribute("max")) element.value = Math.min(seconds, element.max * 0.97);
      } else put(element, length(seconds));
    }
    for (const element of all("[data-ago]")) put(element, ago(at - Number(element.dataset.ago)));
  };
  const mark = all("[data-now]")[0];
  if (mark) skew = Number(mark.dataset.now) - Date.now() / 1000;
  if (Math.abs(skew) < 5) skew = 0; // the time that the page took to come here
  tick();
  setInterval(tick, 1000);

  // -- live updates --------------------------------------------------------------------------
  const live = (state, text) => {
    for (const element of all("[data-live]")) {
      element.dataset.live = state;
      put(element.querySelector("[data-live-text]"), text);
    }
  };
  const log = document.getElementById("log");
  let atEnd = true;
  if (log && "follow" in log.dataset) {
    const end = () => window.innerHeight + window.scrollY >= document.body.scrollHeight - 120;
    window.addEventListener("scroll", () => { atEnd = end(); }, { passive: true });
  }
  document.addEventListener("htmx:after:swap", () => {
    tick();
    if (log && "follow" in log.dataset && atEnd) window.scrollTo(0, document.body.scrollHeight);
  });
  document.addEventListener("htmx:sse:after:connection", () => live("on", "live"));
  document.addEventListener("htmx:response:error", () => live("lost", "not live: reload the page"));
  document.addEventListener("htmx:error", () => live("lost", "not live: reload the page"));
  document.addEventListener("htmx:sse:error", () => live("lost", "connection lost, trying again"));
  document.addEventListener("htmx:sse:close", (event) => {
    if (event.detail?.reason === "message") live("done", "ended");
    else live("lost", "connection lost");
  });

  // -- light and dark ------------------------------------------------------------------------
  for (const button of all("[data-theme-toggle]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const root = document.documentElement;
      const dark = root.dataset.theme
        ? root.dataset.theme === "dark"
        : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.theme);
    });
  }

  // -- keys ----------------------------------------------------------------------------------
  const help = document.getElementById("help");
  for (const button of all("[data-help]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
  const places = { q: "/", c: "/changes", p: "/projects", e: "/events" };
  let going = 0;
  const move = (step) => {
    const rows = all("[data-row]").filter((row) => row.querySelector("[data-open]"));
    if (!rows.length) return;
    const current = rows.indexOf(document.activeElement?.closest("[data-row]"));
    const next = current < 0 ? (step > 0 ? 0 : rows.length - 1) : current + step;
    const row = rows[Math.max(0, Math.min(rows.length - 1, next))];
    row.querySelector("[data-open]").focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (performance.now() - going < 1200 && going) {
      going = 0;
      if (places[event.key]) location.assign(places[event.key]);
      return;
    }
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "g") going = performance.now();
    else if (event.key === "?") help.showModal();
    else if (event.key === "/") {
      const field = document.querySelector(".filters input");
      if (!field) return;
      field.focus();
      event.preventDefault();
    }
  });
})();
