// What the page does: it unpacks figures and files, sorts and filters tables, draws charts, and normalizes.
const byId = (id) => document.getElementById(id);
const unpackedBytes = (packed) => {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
};
const unpackedText = (packed) => unpackedBytes(packed).text();
const data = JSON.parse(await unpackedText(byId("data").textContent));
const dark = matchMedia("(prefers-color-scheme: dark)");
const rowsOf = (columns) => Object.values(columns)[0].map((_, i) => Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[i]])));
const distinct = (values) => [...new Set(values)];
// Three significant digits and units of single energies, as readable.py chooses them.
const figures = (value) => {
  const text = Normalization.figures(value);
  return text.includes("e+") && Math.abs(text) < 1e6 ? Number(text).toLocaleString("en") : text;
};
const energyUnit = (kwh) => data.energy_units.findLast(([, size]) => Number(kwh.toPrecision(3)) >= size * (1 - 1e-9)) ?? data.energy_units[0];

async function unpacked(packed, type) {
  return URL.createObjectURL(new Blob([await unpackedBytes(packed).arrayBuffer()], { type }));
}

async function library(id) {
  const url = await unpacked(byId(id).textContent, "text/javascript"), module = await import(url);
  URL.revokeObjectURL(url);
  return module;
}

function choose(select, options, keep) {
  select.replaceChildren(...options.map((option) => new Option(option, option)));
  select.value = options.includes(keep) ? keep : options[0];
}

async function showFigures() {
  for (const image of document.querySelectorAll("img[data-packed]")) {
    image.src = await unpacked(image.dataset.packed, "image/svg+xml");
    await image.decode();
    // A screen is read from farther than paper: larger where there is room, and never smaller than on paper, but scrolled.
    image.closest("figure").style.width = `${Math.round(1.5 * image.naturalWidth)}px`;
    image.style.minWidth = `${image.naturalWidth}px`;
    const link = image.closest("figure").querySelector("a[data-save]");
    link.href = image.src;
    link.download = link.dataset.save;
  }
  for (const link of document.querySelectorAll("a[data-download]")) link.href = await unpacked(link.dataset.download, "text/csv");
}

const ROWS = 15;

async function enhanceTables() {
  const { jQuery } = await library("data-tables");
  // Numbers are sorted by their value; missing ones come last in both directions.
  const byValue = (sign) => (a, b) => {
    const [x, y] = [parseFloat(a), parseFloat(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? Number.isNaN(x) - Number.isNaN(y) : sign * (x - y);
  };
  Object.assign(jQuery.fn.dataTable.ext.type.order, { "value-asc": byValue(1), "value-desc": byValue(-1) });
  for (const body of document.querySelectorAll("tbody[data-more]")) body.insertAdjacentHTML("beforeend", await unpackedText(body.dataset.more));
  for (const element of document.querySelectorAll("table.data")) {
    if (element.querySelector("th.extra")) addSwitch(element);
    const long = element.tBodies[0].rows.length > ROWS;
    const table = new jQuery.fn.dataTable.Api(jQuery(element).DataTable({
      order: [], columnDefs: [{ targets: "number", type: "value" }], paging: long, pageLength: ROWS, autoWidth: false, lengthMenu: [ROWS, 100, { label: "all", value: -1 }],
      layout: { topStart: long ? "search" : null, topEnd: null, bottomStart: long ? "info" : null, bottomEnd: long ? ["pageLength", "paging"] : null },
      language: { search: "Filter rows:", lengthMenu: "Rows: _MENU_" },
    }));
    addFilters(element, table);
    if (long) onPaper(element, table);
  }
}

// Columns that few readers need are behind a switch, so that the others fit the page.
function addSwitch(element) {
  const label = document.createElement("label"), box = document.createElement("input");
  label.className = "switch noprint";
  box.type = "checkbox";
  box.addEventListener("change", () => element.classList.toggle("all-columns", box.checked));
  label.append(box, " All columns");
  element.closest(".wide").before(label);
}

// Prints all rows of a table, but of the fronts only models that are not dominated; afterwards the table is as before.
function onPaper(element, table) {
  let before = ROWS;
  const kept = (test) => element.id === "front-table" && table.column("verdict:name").search.fixed("paper", test);
  addEventListener("beforeprint", () => { before = table.page.len(); kept((text) => text.trim() !== "dominated"); table.page.len(-1).draw(); });
  addEventListener("afterprint", () => { kept(null); table.page.len(before).draw(); });
}

function addFilters(element, table) {
  if (!element.dataset.filters) return;
  const controls = document.createElement("div");
  controls.className = "controls noprint";
  controls.dataset.filtersOf = element.id;
  for (const column of element.dataset.filters.split(",").map(Number)) {
    const cells = distinct(table.column(column).data().toArray().map((cell) => (typeof cell === "string" ? cell : cell.display)));
    const values = cells.map((cell) => {
      const box = document.createElement("template");
      box.innerHTML = cell;
      return box.content.textContent;
    });
    const select = document.createElement("select"), label = document.createElement("label");
    select.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
    select.addEventListener("change", () => {
      table.column(column).search.fixed("chosen", select.value ? (text) => text.trim() === select.value : null).draw();
    });
    select.dataset.filter = table.column(column).title();
    label.append(`${select.dataset.filter} `, select);
    controls.append(label);
  }
  element.closest(".wide").before(controls);
}

// All that is folded is on paper, and folded again afterwards.
function unfoldOnPaper() {
  let folded = [];
  addEventListener("beforeprint", () => { folded = [...document.querySelectorAll("details.fold:not([open])")]; folded.forEach((fold) => { fold.open = true; }); });
  addEventListener("afterprint", () => folded.forEach((fold) => { fold.open = false; }));
}

// Draws a chart, and draws it again when the colour scheme changes or the page is printed; returns what draws it.
function chart(element, spec) {
  let view = null, latest = 0;
  const draw = async (light) => {
    const turn = ++latest, colours = light || !dark.matches
      ? { text: "#1d2330", quiet: "#596273", line: "#d9dde5" } : { text: "#e6e9ef", quiet: "#a5afbf", line: "#353d4a" };
    const config = {
      background: "transparent", font: "system-ui, sans-serif",
      axis: { labelColor: colours.text, titleColor: colours.text, gridColor: colours.line, domainColor: colours.quiet, tickColor: colours.quiet, labelFontSize: 12, titleFontSize: 13, titleFontWeight: "normal" },
      legend: { labelColor: colours.text, titleColor: colours.text, labelFontSize: 12, symbolSize: 90, symbolOpacity: 1, orient: "top", labelLimit: 400, columns: Math.max(1, Math.floor((element.clientWidth - 160) / 165)) },
      view: { stroke: null },
    };
    const made = await vegaEmbed(element, { ...spec(light || !dark.matches, colours), config }, {
      renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false }, tooltip: { theme: dark.matches ? "dark" : "light" },
    });
    if (turn !== latest) return made.finalize();
    view?.finalize();
    view = made;
    element.dataset.drawn = String(turn);
  };
  // where there is another width, other names have room
  let width = element.clientWidth;
  new ResizeObserver(() => {
    if (!view || element.clientWidth === width) return;
    width = element.clientWidth;
    draw(matchMedia("print").matches);
  }).observe(element);
  dark.addEventListener("change", () => draw(false));
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw(false));
  return () => draw(false);
}

const scaleOf = (values) => {
  const above = values.filter((value) => value > 0);
  return above.length === values.length && Math.max(...above) > 8 * Math.min(...above) ? "log" : "linear";
};
const axisScale = (type) => ({ type, nice: false, padding: AXIS_PADDING, ...(type === "log" ? {} : { zero: false }) });
const FRONT_HEIGHT = 420;
// The span of values with some room around, but none below 0 or above 1 where no value lies there.
function spanOf(values) {
  const low = Math.min(...values), high = Math.max(...values), room = 0.04 * (high - low) || 0.04 * Math.abs(high) || 1;
  return [low >= 0 ? Math.max(low - room, 0) : low - room, high <= 1 ? Math.min(high + room, 1) : high + room];
}
// Where a name stands beside its point, in pixels: above or below it, to its right or left.
const NAME_PLACES = [-12, 12].flatMap((dy) => [{ align: "left", dx: 2, dy }, { align: "right", dx: -2, dy }]);
// What surrounds the panel of a front beside and above it, the room at the ends of its logarithmic or linear axis, and half a point.
const BESIDE_FRONT = 75, ABOVE_FRONT = 77, AXIS_PADDING = 12, POINT = 5;
// The place of each name that lies on no other and is nearest to its own point, the best of the front first.
// A point still says its name under the mouse.
function namesApart(rows, all, verdicts, type, element) {
  const width = element.clientWidth - BESIDE_FRONT, across = placed(all.flatMap((row) => [row.x_low, row.x_high]), type, width - 2 * AXIS_PADDING);
  const down = placed(spanOf(all.flatMap((row) => [row.y_low, row.y_high])), "linear", FRONT_HEIGHT - ABOVE_FRONT);
  const points = all.map((row) => ({ row, x: AXIS_PADDING + across(row.x), y: -down(row.y) })), boxes = [], places = new Map();
  const importance = ({ row }) => verdicts.indexOf(row.verdict), named = new Set(rows);
  const inOrder = points.filter(({ row }) => named.has(row)).sort((a, b) => importance(a) - importance(b) || b.row.y - a.row.y);
  for (const { row, x, y } of inOrder) {
    const length = 6.5 * row.architecture.length + 6;
    const place = NAME_PLACES.findIndex(({ align, dx, dy }) => {
      const left = align === "left" ? x + dx : x + dx - length, box = { left, right: left + length, y: y + dy }, own = gap(box, { x, y });
      const isFree = box.left > 0 && box.right < width && box.y - 7 > ABOVE_FRONT - FRONT_HEIGHT && box.y + 7 < 0
        && !boxes.some((other) => box.left < other.right && other.left < box.right && Math.abs(box.y - other.y) < 14)
        && points.every((point) => point.row === row || gap(box, point) > Math.max(own, POINT));
      if (isFree) boxes.push(box);
      return isFree;
    });
    if (place >= 0) places.set(row.architecture, place);
  }
  return places;
}
// How far a point lies from a line of text.
const gap = (box, { x, y }) => Math.hypot(Math.max(box.left - x, x - box.right, 0), Math.max(Math.abs(y - box.y) - 7, 0));
// The pixels at which an axis of some length shows a value.
function placed(values, type, length) {
  const at = type === "log" ? Math.log : (value) => value, ends = values.map(at), low = Math.min(...ends), high = Math.max(...ends);
  return (value) => (high > low ? ((at(value) - low) / (high - low)) * length : length / 2);
}
// Ticks at powers of ten, and at 2 and 5 times them where there are too few decades to read a value between two ticks.
function axisTicks(type, element, values) {
  const count = Math.max(2, Math.floor(element.clientWidth / 150)), low = Math.min(...values), high = Math.max(...values);
  if (type !== "log") return { format: "~g", tickCount: count, labelOverlap: true };
  const decades = Math.log10(high / low), steps = decades > 2.5 ? [1] : [1, 2, 5], ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    ticks.push(...steps.map((step) => Number(`${step}e${power}`)).filter((tick) => tick >= low / 1.5 && tick <= high * 1.5));
  }
  return { labelExpr: "datum.value < 1e-3 || datum.value >= 1e6 ? format(datum.value, '.0e') : format(datum.value, ',~r')", values: ticks, labelOverlap: true };
}

// The model that the table of energy is filtered by, which the chart of fronts marks.
const marked = () => document.querySelector('[data-filters-of="energy-table"] select[data-filter="Architecture"]')?.value;

function frontChart({ rows: columns, styles }) {
  const rows = rowsOf(columns), [cost, platform, quality] = ["front-cost", "front-platform", "front-quality"].map(byId);
  const pick = () => {
    choose(cost, distinct(rows.map((row) => row.cost)), cost.value);
    const ofCost = rows.filter((row) => row.cost === cost.value);
    choose(platform, distinct(ofCost.map((row) => row.platform)), platform.value);
    const there = ofCost.filter((row) => row.platform === platform.value);
    choose(quality, distinct(there.map((row) => row.quality)), quality.value);
    return there.filter((row) => row.quality === quality.value);
  };
  const verdicts = Object.keys(styles);
  const draw = chart(byId("front-chart"), (light, colours) => {
    const shown = pick(), scale = scaleOf(shown.map((row) => row.x));
    const values = shown.map((row) => ({
      ...row,
      x_low: row.x_low ?? row.x, x_high: row.x_high ?? row.x, y_low: row.y_low ?? row.y, y_high: row.y_high ?? row.y,
      cost_shown: `${figures(row.x)} ${row.unit}`.trim(), quality_shown: figures(row.y), on: row.probability == null ? "no repeats" : `${Math.round(100 * row.probability)} % of draws`,
    }));
    const share = placed(shown.map((row) => row.x), scale, 1), isAtRight = shown.some((row) => row.architecture === marked() && share(row.x) > 0.6);
    const ofMarked = { filter: { field: "architecture", equal: marked() ?? "" } }, isMarked = values.some((row) => row.architecture === marked());
    const names = namesApart(values.filter((row) => row.architecture !== marked()), values, verdicts, scale, byId("front-chart"));
    const x = { field: "x", type: "quantitative", scale: axisScale(scale), title: shown[0]?.label, axis: axisTicks(scale, byId("front-chart"), shown.map((row) => row.x)) };
    const y = { field: "y", type: "quantitative", scale: { zero: false, domain: spanOf(values.flatMap((row) => [row.y_low, row.y_high])) }, title: quality.value };
    const color = {
      field: "verdict", title: null,
      scale: { domain: verdicts, range: verdicts.map((name) => styles[name][light ? 0 : 1]) },
    };
    const optimal = [{ filter: "datum.verdict === 'optimal'" }];
    return {
      width: "container", height: FRONT_HEIGHT, data: { values }, autosize: { type: "fit", contains: "padding" },
      description: `${quality.value} against ${cost.value} on ${platform.value}`,
      layer: [
        { transform: optimal, mark: { type: "line", interpolate: "step-after", color: styles.optimal[light ? 0 : 1], strokeWidth: 1.5, aria: false }, encoding: { x, y } },
        { mark: { type: "rule", aria: false, opacity: 0.6 }, encoding: { x: { ...x, field: "x_low" }, x2: { field: "x_high" }, y, color } },
        { mark: { type: "rule", aria: false, opacity: 0.6 }, encoding: { x, y: { ...y, field: "y_low" }, y2: { field: "y_high" }, color } },
        {
          mark: { type: "point", filled: true, size: 90, opacity: 1 },
          encoding: {
            x, y, color,
            shape: { field: "verdict", scale: { domain: verdicts, range: verdicts.map((name) => styles[name][2]) }, title: null },
            description: { field: "architecture" },
            tooltip: [
              { field: "architecture", title: "Architecture" }, { field: "family", title: "Family" }, { field: "cost_shown", title: cost.value },
              { field: "quality_shown", title: quality.value }, { field: "verdict", title: "Verdict" }, { field: "on", title: "On the front in" }, { field: "by", title: "Dominated by" },
            ],
          },
        },
        ...(isMarked ? [
          { transform: [ofMarked], mark: { type: "point", filled: false, size: 420, strokeWidth: 2.5, color: colours.text, aria: false }, encoding: { x, y } },
          { transform: [ofMarked], mark: { type: "text", align: isAtRight ? "right" : "left", dx: isAtRight ? -13 : 13, dy: 4, fontSize: 13, fontWeight: "bold", clip: true, aria: false, color: colours.text }, encoding: { x, y, text: { field: "architecture" } } },
        ] : []),
        ...distinct([...names.values()]).map((place) => ({
          transform: [{ filter: { field: "architecture", oneOf: [...names.keys()].filter((name) => names.get(name) === place) } }],
          // a name beyond the panel, such as while a window becomes narrower, takes no room from it
          mark: { type: "text", ...NAME_PLACES[place], fontSize: 11, clip: true, aria: false, color: colours.text }, encoding: { x, y, text: { field: "architecture" } },
        })),
      ],
    };
  });
  const update = async () => {
    await draw();
    const shown = pick().sort((a, b) => a.x - b.x), on = shown.filter((row) => row.verdict === "optimal").map((row) => row.architecture);
    const near = shown.filter((row) => row.verdict === "within noise").map((row) => row.architecture);
    byId("front-words").textContent = `${on.length} of ${counted(shown.length, "model")} ${on.length === 1 ? "is" : "are"} optimal: ${on.join(", ")}.`
      + (near.length ? ` Within noise: ${near.join(", ")}.` : "");
  };
  [cost, platform, quality].forEach((select) => select.addEventListener("change", update));
  document.querySelector('[data-filters-of="energy-table"] select[data-filter="Architecture"]')?.addEventListener("change", draw);
  return update();
}

function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

// One run has no interval, which the words below a chart must not promise.
function runsInWords(rows) {
  const counts = distinct(rows.map((row) => row.repeats)).sort((a, b) => a - b), most = counts.at(-1);
  if (most === 1) return "repeats, of which there are none";
  return counts.length > 1 ? `${counts[0]} to ${most} runs${counts[0] === 1 ? " (none where there is one)" : ""}` : `${most} runs`;
}

const PLATFORMS = [["#000000", "#ffffff"], ["#B87400", "#E69F00"], ["#1F86C0", "#56B4E9"], ["#777777", "#AAAAAA"], ["#7F7300", "#D6C525"]];
const SHAPES = ["circle", "diamond", "square", "triangle-up", "triangle-down"];
const MOST_ROWS = 120;

function energyChart({ rows: columns, units }) {
  const rows = rowsOf(columns), [phase, quantity] = ["energy-phase", "energy-quantity"].map(byId);
  const quantities = { Energy: "energy", Power: "power", Duration: "duration" };
  choose(phase, distinct(rows.map((row) => row.phase)));
  choose(quantity, Object.keys(quantities).filter((name) => rows.some((row) => row[quantities[name]] != null)));
  const platforms = distinct(rows.map((row) => row.platform));
  const draw = chart(byId("energy-chart"), (light) => {
    const field = quantities[quantity.value], unit = units[phase.value][field], ofPhase = rows.filter((row) => row.phase === phase.value && row[field] != null);
    const names = distinct([...ofPhase].sort((a, b) => b.energy - a.energy).map((row) => row.architecture)), kept = new Set(names.slice(0, MOST_ROWS));
    // Rows stand in the order of the axis, which Vega-Lite keeps.
    const shown = [...kept].flatMap((name) => ofPhase.filter((row) => row.architecture === name)), scale = scaleOf(shown.map((row) => row[field]));
    const values = shown.map((row) => ({
      architecture: row.architecture, platform: row.platform, kind: row.kind, value: row[field], value_shown: `${figures(row[field])} ${unit}`, runs: row.repeats,
      low: row[`${field}_low`] ?? row[field], high: row[`${field}_high`] ?? row[field],
    }));
    byId("energy-words").textContent = names.length > MOST_ROWS
      ? `The ${MOST_ROWS} architectures that take most of ${names.length}; the table below has all.`
      : `${counted(names.length, "architecture")}, ${distinct(shown.map((row) => row.kind)).join(" and ")}; bars: 95 % interval of the mean over ${runsInWords(shown)}.`;
    const x = { field: "value", type: "quantitative", title: `${quantity.value} (${unit})` + (field === "energy" ? `, ${distinct(shown.map((row) => row.kind)).join(" and ")}` : ""), scale: axisScale(scale), axis: { ...axisTicks(scale, byId("energy-chart"), shown.map((row) => row[field])), orient: "top" } };
    const y = { field: "architecture", type: "nominal", sort: null, title: null, axis: { labelLimit: 220, grid: true } };
    const color = { field: "platform", title: null, sort: platforms, scale: { domain: platforms, range: platforms.map((_, i) => PLATFORMS[i % 5][light ? 0 : 1]) } };
    return {
      width: "container", height: 17 * kept.size, data: { values }, autosize: { type: "fit-x", contains: "padding" },
      description: `${quantity.value} of ${phase.value.toLowerCase()} by architecture and platform`,
      layer: [
        { mark: { type: "rule", aria: false, opacity: 0.6 }, encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y, color } },
        {
          mark: { type: "point", filled: true, size: 60, opacity: 1 },
          encoding: {
            x, y, color, shape: { field: "platform", sort: platforms, title: null, scale: { domain: platforms, range: platforms.map((_, i) => SHAPES[i % 5]) } },
            description: { field: "architecture" },
            tooltip: [{ field: "architecture", title: "Architecture" }, { field: "platform", title: "Platform" }, { field: "value_shown", title: quantity.value }, { field: "kind", title: "Energy" }, { field: "runs", title: "Runs" }],
          },
        },
      ],
    };
  });
  [phase, quantity].forEach((select) => select.addEventListener("change", draw));
  return draw();
}

function calculator(study) {
  const [phase, target, unit, list, answer] = ["calculator-phase", "calculator-target", "calculator-unit", "calculator-references", "calculator-answer"].map(byId);
  const names = () => Object.keys(study.phases[phase.value][target.value].systems);
  const field = (label, name) => {
    const wrap = document.createElement("label"), input = document.createElement("input");
    Object.assign(input, { inputMode: "decimal", autocomplete: "off" });
    input.dataset.field = name;
    wrap.append(label, input);
    return wrap;
  };
  const add = (name) => {
    const row = document.createElement("div"), wrap = document.createElement("label"), select = document.createElement("select"), remove = document.createElement("button");
    row.className = "reference";
    choose(select, names(), name);
    wrap.append("Architecture", select);
    Object.assign(remove, { type: "button", textContent: "Remove" });
    remove.addEventListener("click", () => row.remove());
    row.append(wrap, field(`Energy (${unit.value})`, "energy"), field("Duration (s), if known", "duration"), remove);
    list.append(row);
    return select;
  };
  const label = () => {
    for (const input of [byId("calculator-energy"), ...list.querySelectorAll("[data-field=energy]")]) input.parentElement.firstChild.data = `Energy (${unit.value}) `;
  };
  const start = () => {
    const { suggested, systems } = study.phases[phase.value][target.value];
    list.replaceChildren();
    (suggested.length ? suggested : Object.keys(systems).slice(0, 4)).forEach(add);
    answer.replaceChildren();
  };
  const targets = () => {
    choose(target, Object.keys(study.phases[phase.value]), target.value);
    const energies = Object.values(study.phases[phase.value][target.value].systems).map(([energy]) => energy).sort((a, b) => a - b);
    unit.value = energyUnit(energies[energies.length >> 1])[0];
    label();
    start();
  };
  const sizeOfUnit = () => data.energy_units.find(([symbol]) => symbol === unit.value)[1];
  const read = (input, what, needed) => {
    const text = input.value.trim(), value = Number(text);
    if (!text && !needed) return null;
    if (!text || !/^[\d.]/.test(text) || /^0x/i.test(text) || !(value > 0) || !Number.isFinite(value)) throw new Error(`${what}: found ${text || "nothing"}, expected a number above 0, such as 2.1e-6`);
    return value;
  };
  const say = (lines, wrong) => {
    const box = document.createElement("div");
    box.className = wrong ? "answer wrong" : "answer";
    lines.forEach(([tag, text]) => box.append(Object.assign(document.createElement(tag), { textContent: text })));
    answer.replaceChildren(box);
  };
  const references = () => [...list.children].flatMap((row) => {
    const name = row.querySelector("select").value, [energy, duration] = ["energy", "duration"].map((key) => row.querySelector(`[data-field=${key}]`));
    if (!energy.value.trim() && !duration.value.trim()) return [];
    return [{ name, energy_kwh: sizeOfUnit() * read(energy, `energy of ${name}`, true), duration_s: read(duration, `duration of ${name}`, false) }];
  });
  byId("calculator-form").addEventListener("submit", (event) => {
    event.preventDefault();
    try {
      const given = references(), names = given.map(({ name }) => name), twice = names.find((name, i) => names.indexOf(name) !== i);
      if (twice) throw new Error(`references: found ${twice} twice, expected once`);
      const ownSystem = {
        energy_kwh: sizeOfUnit() * read(byId("calculator-energy"), "energy of your system", true), duration_s: read(byId("calculator-duration"), "duration of your system", false),
        flops: read(byId("calculator-flops"), "FLOPs of your system", false), params: read(byId("calculator-params"), "parameters of your system", false),
      };
      const normalized = Normalization.normalize(study, target.value, phase.value, given, ownSystem);
      answer.dataset.normalized = JSON.stringify(normalized);
      const [symbol, size] = energyUnit(normalized.energy_kwh);
      const interval = normalized.low_kwh === null ? "no interval"
        : `${100 * normalized.coverage} % interval ${figures(normalized.low_kwh / size)} to ${figures(normalized.high_kwh / size)} ${symbol}`;
      say([
        ["strong", `${figures(normalized.energy_kwh / size)} ${symbol} on ${normalized.target} (${normalized.energy_kind})`], ["p", `${normalized.phase}: ${interval}`],
        ["p", `Method: ${normalized.method}; ${normalized.references.length} references.`], ["p", `Interval: ${normalized.interval}.`],
        ...normalized.warnings.map((warning) => ["p", `Warning: ${warning}`]),
      ]);
    } catch (error) {
      say([["p", error.message]], true);
    }
  });
  phase.addEventListener("change", targets);
  target.addEventListener("change", start);
  unit.addEventListener("change", label);
  byId("calculator-add").addEventListener("click", () => add().focus());
  choose(phase, Object.keys(study.phases));
  choose(unit, data.energy_units.map(([symbol]) => symbol));
  targets();
}

const follow = () => document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", follow);
follow();
await library("vega");
if (data.study) calculator(data.study);
await Promise.all([showFigures(), enhanceTables()]);
await Promise.all([data.fronts && frontChart(data.fronts), data.energies && energyChart(data.energies)]);
unfoldOnPaper();
Links.start();
document.documentElement.dataset.ready = "true";
