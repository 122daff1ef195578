"use strict";
// Everything shown while the tolerance moves was judged when the page was written; this only looks it up.
(() => {
  const table = JSON.parse(document.getElementById("table").textContent);
  const root = document.documentElement;
  const slider = document.getElementById("slider");
  const element = (id) => document.getElementById(id);
  const every = (selector, within = document) => [...within.querySelectorAll(selector)];
  root.classList.add("js");

  // The same as Axis.at in page_scale.py.
  function place(axis, value) {
    const scaled = axis.log ? Math.log : (x) => x;
    const share = (scaled(value) - scaled(axis.low)) / (scaled(axis.high) - scaled(axis.low));
    return axis.start + share * (axis.end - axis.start);
  }

  // The same as `tight` in page.py: 1e-4 and k = 32 stay on one line.
  function write(node, text) {
    const parts = text.replaceAll(" = ", "\u00a0=\u00a0").split(/([\d.]+e-\d+)/);
    node.replaceChildren(...parts.map((part, i) => {
      if (i % 2 === 0) return part;
      const whole = document.createElement("span");
      whole.className = "nb";
      whole.textContent = part;
      return whole;
    }));
  }

  const within = (axis, value) => axis.low <= value && value <= axis.high;

  function set(node, attributes) {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  }

  function moveMark(svg, axes, row, level) {
    const shown = row.k !== null && within(axes.x, row.k);
    for (const part of every(".mark", svg)) {
      part.classList.toggle("sure", row.verdict === "sufficient");
      part.style.display = shown ? "inline" : "none";
    }
    every(".lower-bound tspan", svg).forEach((line, i) => {
      line.textContent = row.k === null ? row.mark[i] || "" : "";
    });
    if (!shown) return;
    const { start, end } = axes.x;
    const x = place(axes.x, row.k);
    const left = row.low === null ? start : Math.max(place(axes.x, row.low), start);
    const right = row.high === null ? end : Math.min(place(axes.x, row.high), end);
    const after = x - start < 0.34 * (end - start);
    const room = 190; // MARK_WIDTH of page_chart.py
    const beside = after
      ? (end - right > room ? right + 6 : x + 9)
      : (left - start > room ? left - 6 : x - 9);
    set(svg.querySelector(".span"), { x: left, width: Math.max(right - left, 0) });
    set(svg.querySelector(".stem"), { x1: x, x2: x, y2: level });
    set(svg.querySelector(".tip"), { transform: `translate(${x} ${level})` });
    const text = svg.querySelector(".mark text");
    set(text, {
      "text-anchor": after ? "start" : "end",
      transform: `translate(${beside} ${axes.mark_line})`,
    });
    every("tspan", text).forEach((line, i) => { line.textContent = row.mark[i] || ""; });
  }

  function list(id, texts) {
    element(id).replaceChildren(...texts.map(([term, text]) => {
      const item = document.createElement("p");
      const name = document.createElement("b");
      name.textContent = term;
      const said = document.createElement("span");
      write(said, text);
      item.append(name, " ", said);
      return item;
    }));
  }

  function show(index) {
    const row = table.rows[index];
    slider.value = index;
    slider.setAttribute("aria-valuetext", `${row.shown} nats: ${row.verdict}`);
    element("tolerance").textContent = row.shown;
    element("tried").dataset.verdict = row.verdict;
    write(element("tried-headline"), row.headline);
    list("tried-lines", row.lines);
    if (table.alone) { // else they are of all that was asked, which the slider leaves as it is
      list("warnings", row.warnings);
      element("no-warnings").hidden = row.warnings.length > 0;
    }
    element("again").textContent = `sufficient report RUN --tol ${row.shown}`;
    element("back").disabled = index === table.own;
    for (const svg of every(".curve")) {
      const axes = table.charts[svg.dataset.chart];
      const level = place(axes.y, row.tolerance);
      svg.dataset.verdict = row.verdict;
      svg.querySelector(".tol").setAttribute("transform", `translate(0 ${level})`);
      svg.querySelector(".tol").style.display = within(axes.y, row.tolerance) ? "inline" : "none";
      svg.querySelector(".tol text").textContent = `tol ${row.shown}`;
      moveMark(svg, axes, row, level);
    }
  }

  slider.addEventListener("input", () => show(Number(slider.value)));
  element("back").addEventListener("click", () => show(table.own));

  // A stage's numbers, by pointer or keyboard.
  for (const stage of every(".curve .stage")) {
    const tell = () => {
      every(".stage.seen").forEach((other) => other.classList.remove("seen"));
      stage.classList.add("seen");
      element("stage").textContent = stage.getAttribute("aria-label");
    };
    stage.addEventListener("pointerenter", tell);
    stage.addEventListener("focus", tell);
  }

  element("scale").addEventListener("click", () => {
    const linear = root.dataset.scale !== "linear";
    root.dataset.scale = linear ? "linear" : "log";
    element("scale").setAttribute("aria-pressed", linear);
  });

  element("theme").addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  element("copy").addEventListener("click", async () => {
    const text = element("methods").innerText;
    getSelection().selectAllChildren(element("methods")); // seen, and there for Ctrl-C where copying is refused
    try {
      await navigator.clipboard.writeText(text);
      element("copy").textContent = "Copied";
    } catch {
      element("copy").textContent = "Selected";
    }
  });

  // On paper: the run's own tolerance, and nothing folded away.
  let folded = [];
  addEventListener("beforeprint", () => {
    show(table.own);
    folded = every("details:not([open])");
    folded.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((part) => { part.open = false; }));
})();
