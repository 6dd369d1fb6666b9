// Which items are shown: read from the blocks, filtered, sorted, and cut into pages.

const WITHOUT = "\u0000without"; // no label can be named so
const PAGE = { cards: 24, reasons: 50 };
const KEPT_BLOCKS = 32;

/** A text as it is compared: an accent may be a letter of its own in a file's name, as macOS writes it. */
const searchable = (text) => text.normalize().toLowerCase();

/** The items in brief, and `record(row)`, which parses the block of an item when it is needed. */
const openItems = () => {
  const blocks = document.querySelectorAll("script.records");
  const rows = [...document.querySelectorAll("script.index")].flatMap((index, block) =>
    parsed(index).map(([state, id, predicted = [], top = null, doubt = null, novelty = null, warned = false], place) => ({ state, id, predicted, top, doubt, novelty, warned, block, place })));
  rows.forEach((row, order) => Object.assign(row, { order, key: searchable(row.id) }));
  const kept = new Map();
  const record = ({ block, place }) => {
    const records = kept.get(block) ?? parsed(blocks[block]);
    kept.delete(block);
    kept.set(block, records);
    if (kept.size > KEPT_BLOCKS) kept.delete(kept.keys().next().value);
    return records[place];
  };
  return { rows, record };
};

const collator = new Intl.Collator("en", { numeric: true });
const falling = (name) => (one, other) => (other[name] ?? -Infinity) - (one[name] ?? -Infinity) || one.order - other.order;
const SORTS = {
  order: (one, other) => one.order - other.order,
  id: (one, other) => collator.compare(one.id, other.id) || one.order - other.order,
  top: falling("top"),
  doubt: falling("doubt"),
  novelty: falling("novelty"),
};

/** What items are beside their state: with any warning, or beyond the model's limit of novelty. */
const KINDS = { warned: (row) => row.warned, unlike: ({ novelty }) => novelty !== null && novelty > 1 };

const selected = (rows, { search, label, state, sort }) => {
  const wanted = searchable(search.trim());
  const fits = (row) =>
    (!wanted || row.key.includes(wanted)) &&
    (!state || (KINDS[state] ? KINDS[state](row) : row.state === state)) &&
    (!label || (label === WITHOUT ? row.state === "ok" && !row.predicted.length : row.predicted.includes(label)));
  return rows.filter(fits).sort(SORTS[sort]);
};

/** A list in pages of which only one is in the document; `draw(row)` makes the elements. */
const paged = (name, draw) => {
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

/** All labels, as the bars of the summary have them: one that nothing was predicted as fits no item. */
const labelOptions = (totals, labels) => {
  const options = [["", "All"], ...namesOf(totals, labels).map((name) => [name, labels.title(name)])];
  if (totals.without) options.push([WITHOUT, "No label"]);
  return options.map(([value, text]) => make("option", { value }, text));
};

/** Offer what there is to choose only if the model has a limit. */
const addNovelty = (form) => {
  form.state.append(make("option", { value: "unlike" }, "Unlike the training"));
  form.sort.append(make("option", { value: "novelty" }, "Novelty, least like the training first"));
};

const startGallery = (run, totals, labels) => {
  const { rows, record } = openItems();
  const form = byId("controls");
  const found = Object.values(totals.states).reduce((sum, part) => sum + part, 0);
  let shown = rows;
  const neighbour = (row, distance) => shown[shown.indexOf(row) + distance];
  const cards = paged("cards", (row) => cardOf(row, record(row), labels, (opened) => showDetail(opened, { neighbour, record }, labels)));
  const apply = () => {
    shown = selected(rows, Object.fromEntries(new FormData(form)));
    const cut = rows.length < found ? `, of the first ${count(rows.length)} of ${count(found)}; the run’s other reports hold all` : "";
    byId("status").textContent = (shown.length ? counted(shown.length, "item") : "No item fits") + cut;
    document.querySelectorAll("[data-label]").forEach((bar) => bar.setAttribute("aria-pressed", bar.dataset.label === form.label.value));
    cards.show(shown);
  };
  form.label.append(...labelOptions(totals, labels));
  if (totals.warned) form.state.append(make("option", { value: "warned" }, "With a warning"));
  if (rows.some((row) => row.novelty !== null)) addNovelty(form);
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
