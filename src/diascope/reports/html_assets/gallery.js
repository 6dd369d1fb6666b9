// The gallery: items are read from the JSON blocks, filtered, sorted and shown in pages.

const WITHOUT = "\u0000without"; // not a possible name of a label
const PAGE = { cards: 24, reasons: 50 };
const KEPT_BLOCKS = 32;

/** Normalise a text for comparison: in file names from macOS, an accent is a separate character. */
const normaliseText = (text) => text.normalize().toLowerCase();

/** Return the index entries of all items, and `record(row)`, which parses an item's block when needed. */
const loadItems = () => {
  const blocks = document.querySelectorAll("script.records");
  const rows = [...document.querySelectorAll("script.index")].flatMap((index, block) =>
    parseJson(index).map(([state, id, predicted = [], top = null, doubt = null, novelty = null, warned = false], place) => ({ state, id, predicted, top, doubt, novelty, warned, block, place })));
  rows.forEach((row, order) => Object.assign(row, { order, key: normaliseText(row.id) }));
  const kept = new Map();
  const record = ({ block, place }) => {
    const records = kept.get(block) ?? parseJson(blocks[block]);
    kept.delete(block);
    kept.set(block, records);
    if (kept.size > KEPT_BLOCKS) kept.delete(kept.keys().next().value);
    return records[place];
  };
  return { rows, record };
};

const collator = new Intl.Collator("en", { numeric: true });
const descending = (name) => (one, other) => (other[name] ?? -Infinity) - (one[name] ?? -Infinity) || one.order - other.order;
const SORTS = {
  order: (one, other) => one.order - other.order,
  id: (one, other) => collator.compare(one.id, other.id) || one.order - other.order,
  top: descending("top"),
  doubt: descending("doubt"),
  novelty: descending("novelty"),
};

/** Filters in addition to the state: items with a warning, or beyond the model's novelty limit. */
const FILTERS = { warned: (row) => row.warned, unlike: ({ novelty }) => novelty !== null && novelty > 1 };

const filterRows = (rows, { search, label, state, sort }) => {
  const wanted = normaliseText(search.trim());
  const fits = (row) =>
    (!wanted || row.key.includes(wanted)) &&
    (!state || (FILTERS[state] ? FILTERS[state](row) : row.state === state)) &&
    (!label || (label === WITHOUT ? row.state === "ok" && !row.predicted.length : row.predicted.includes(label)));
  return rows.filter(fits).sort(SORTS[sort]);
};

/** A list in pages, only one of which is in the document; `draw(row)` makes the elements. */
const createPagedList = (name, draw) => {
  const list = byId(name);
  const pagers = document.querySelectorAll(`.pager[data-for="${name}"]`);
  let rows = [];
  let page = 0;
  const pages = () => Math.max(1, Math.ceil(rows.length / PAGE[name]));
  const turn = (target) => {
    page = Math.min(pages() - 1, Math.max(0, target));
    list.replaceChildren(...rows.slice(page * PAGE[name], (page + 1) * PAGE[name]).map(draw));
    pagers.forEach((pager) => pager.replaceChildren(...(pages() > 1 ? controls(pager) : [])));
  };
  const controls = (pager) => {
    const button = (text, target) =>
      make("button", {
        type: "button",
        "aria-disabled": target < 0 || target >= pages() ? "true" : null,
        onclick: (event) => {
          const place = [...pager.children].indexOf(event.currentTarget);
          turn(target);
          pager.children[place].focus();
          if (pager.parentElement.classList.contains("end")) list.scrollIntoView();
        },
      }, text);
    const jump = make("input", { type: "number", min: 1, max: pages(), value: page + 1, "aria-label": "Page", onchange: (event) => turn(event.target.valueAsNumber - 1 || 0) });
    return [button("Previous", page - 1), make("label", {}, "Page ", jump, ` of ${count(pages())}`), button("Next", page + 1)];
  };
  return { show: (next) => { rows = next; turn(0); } };
};

/** All labels, as in the bars of the summary, even those that were never predicted. */
const labelOptions = (totals, labels) => {
  const options = [["", "All"], ...namesOf(totals, labels).map((name) => [name, labels.title(name)])];
  if (totals.without) options.push([WITHOUT, "No label"]);
  return options.map(([value, text]) => make("option", { value }, text));
};

/** Say which steps changed the pictures that the gallery shows. */
const showSteps = (run, totals) => {
  const steps = (run.recipe?.preprocess ?? []).map((step) => (typeof step === "string" ? step : Object.keys(step)[0]));
  if (!steps.length || !totals.prepared) return;
  byId("prepared").textContent = `Pictures are shown as the network sees them: after ${steps.join(", ")}. Colours and proportions may differ from those of the files.`;
  byId("prepared").hidden = false;
};

/** Add the choices that need a novelty limit of the model. */
const addNoveltyChoices = (form) => {
  form.state.append(make("option", { value: "unlike" }, "Unlike the training pictures"));
  form.sort.append(make("option", { value: "novelty" }, "Novelty, highest first"));
};

const startGallery = (run, totals, labels) => {
  const { rows, record } = loadItems();
  const form = byId("controls");
  const found = Object.values(totals.states).reduce((sum, part) => sum + part, 0);
  let shown = rows;
  const neighbour = (row, distance) => shown[shown.indexOf(row) + distance];
  const cards = createPagedList("cards", (row) => cardOf(row, record(row), labels, (opened) => showDetail(opened, { neighbour, record }, labels)));
  const apply = () => {
    shown = filterRows(rows, Object.fromEntries(new FormData(form)));
    const cut = rows.length < found ? `, of the first ${count(rows.length)} of ${count(found)}; the run’s other reports list all` : "";
    byId("status").textContent = (shown.length ? countText(shown.length, "item") : "No item matches") + cut;
    document.querySelectorAll("[data-label]").forEach((bar) => bar.setAttribute("aria-pressed", bar.dataset.label === form.label.value));
    cards.show(shown);
  };
  showSteps(run, totals);
  form.label.append(...labelOptions(totals, labels));
  if (totals.warned) form.state.append(make("option", { value: "warned" }, "With a warning"));
  if (rows.some((row) => row.novelty !== null)) addNoveltyChoices(form);
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
  return {
    rows,
    record,
    showState: (state) => {
      form.search.value = form.label.value = "";
      form.state.value = state;
      apply();
      byId("gallery").scrollIntoView();
    },
    choose: (label) => {
      form.label.value = form.label.value === label ? "" : label;
      apply();
      byId("gallery").scrollIntoView();
    },
  };
};
