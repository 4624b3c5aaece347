// Links to a model, a platform or a front: what stands behind # opens it, and a button copies it.
const Links = (() => {
  const byId = (id) => document.getElementById(id);
  const filter = (table, title) => document.querySelector(`[data-filters-of="${table}"] select[data-filter="${title}"]`);
  const controls = () => ({
    front: { front: byId("front-cost"), gpu: byId("front-platform"), quality: byId("front-quality") },
    rows: { model: filter("energy-table", "Architecture"), gpu: filter("energy-table", "Platform") },
  });
  const names = { front: "the front", gpu: "the platform", quality: "the quality", model: "the model" };

  function set(select, value) {
    if (![...(select?.options ?? [])].some((option) => option.value === value)) return false;
    select.value = value;
    select.dispatchEvent(new Event("change"));
    return true;
  }

  // what an address leads to is not folded
  function unfold(name) {
    const target = byId(name), fold = document.querySelector(`details[data-of="${CSS.escape(name)}"]`) ?? target?.closest("details.fold:not([open])");
    if (!fold || fold.open) return;
    fold.open = true;
    target?.scrollIntoView({ behavior: "instant" });
  }

  function open() {
    unfold(decodeURIComponent(location.hash.slice(1)));
    const asked = new URLSearchParams(location.hash.slice(1)), words = byId("link-words");
    words.hidden = true;
    if (!["model", "gpu", "front"].some((key) => asked.get(key))) return;
    const { front, rows } = controls(), selects = asked.get("front") ? front : rows;
    const missing = Object.entries(selects).find(([key, select]) => asked.get(key) && !set(select, asked.get(key)));
    if (missing) {
      words.textContent = `This page does not have ${names[missing[0]]} ${asked.get(missing[0])}, which the link asks for.`;
      words.hidden = false;
    } else if (!asked.get("front")) {
      // the chart and the table of fronts show the same model and platform where they have it
      set(filter("front-table", "Architecture"), asked.get("model"));
      set(byId("front-platform"), asked.get("gpu"));
    }
    (missing ? words : byId(asked.get("front") ? "fronts" : "rows")).scrollIntoView({ behavior: "instant" });
  }

  async function copy(button, selects) {
    const asked = Object.entries(selects).filter(([, select]) => select?.value).map(([key, select]) => [key, select.value]);
    history.replaceState(null, "", asked.length ? `#${new URLSearchParams(asked)}` : "#energy");
    let answer = "Copied";
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      // a page from a server without encryption may not write there
      answer = "The link is in the address bar";
    }
    button.nextElementSibling.textContent = answer;
  }

  function start() {
    for (const button of document.querySelectorAll("button[data-link]")) button.addEventListener("click", () => copy(button, controls()[button.dataset.link]));
    addEventListener("hashchange", open);
    open();
  }
  return { start };
})();
