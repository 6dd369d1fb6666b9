// The summary of the run: everything above and below the gallery.

/** Titles and operating points of the labels, in the order of the card, the decision rule, and the prediction sets. */
const labelsOf = (card, { compared, coverage, sets_measured: setsMeasured }) => {
  const known = new Map((card.labels ?? []).map((label) => [label.name, label]));
  return {
    names: [...known.keys()],
    title: (name) => known.get(name)?.title || name,
    point: (name) => known.get(name)?.operating_point ?? null,
    compared,
    setName: isNumber(coverage) ? `${Number((100 * coverage).toPrecision(4))} % prediction set` : "prediction set",
    setsMeasured,
  };
};

/** The labels of the card, and any other that was predicted. */
const namesOf = (totals, labels) => [...new Set([...labels.names, ...Object.keys(totals.labels)])];

const SET_METRICS = ["set_coverage", "set_size"];

/** The title of a metric; METRICS comes from pages/formatting.py. */
const metricText = (name, labels) => {
  if (SET_METRICS.includes(name)) return sentence(METRICS[name].replace(/prediction set/i, labels.setName));
  if (METRICS[name]) return METRICS[name];
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** Whether a metric is of the whole model; figures of prediction sets are shown if they are of the run's coverage. */
const isShownMetric = (name, labels) =>
  SET_METRICS.includes(name) ? labels.setsMeasured : METRICS[name] || !labels.names.some((label) => name.endsWith(`_${label}`));

const showHeading = (run) => {
  const title = run.card?.title || run.recipe?.name || "diascope report";
  document.title = `${title} – diascope`;
  byId("title").textContent = title;
  byId("recipe").textContent = ["diascope", run.recipe?.name].filter(Boolean).join(" / ");
  byId("when").textContent = [dateText(run.finished ?? run.started), secondsText(run.timings?.seconds)]
    .filter(Boolean)
    .join(" · ");
};

/** A warning about a number of items, with a button that shows them. */
const itemsWarning = (number, one, several, kind, showState) =>
  [`${count(number)} ${number === 1 ? one : several} `, make("button", { type: "button", onclick: () => showState(kind) }, "Show them")];

const showWarnings = (run, totals, showState) => {
  const warnings = [...(run.warnings ?? [])];
  if (totals.warned > totals.unlike) warnings.unshift(itemsWarning(totals.warned, "item carries a warning.", "items carry a warning.", "warned", showState));
  if (totals.unlike) warnings.unshift(itemsWarning(totals.unlike, "item is unlike the pictures that the model was trained on.", "items are unlike the pictures that the model was trained on.", "unlike", showState));
  if (run.stopped) warnings.unshift(`Stopped early with ${countText(run.counts?.pending ?? 0, "item")} not processed: ${run.stopped}`);
  if (!warnings.length) return;
  byId("warnings").append(
    make("section", { class: "warnings", "aria-labelledby": "warnings-title" },
      make("h2", { id: "warnings-title" }, countText(warnings.length, "warning")),
      make("ul", {}, warnings.map((warning) => make("li", {}, warning)))),
  );
};

const showFigures = (run, totals) => {
  const counts = run.counts ?? {};
  const all = Object.values(totals.states).reduce((sum, part) => sum + part, 0);
  const figures = [
    ["Items found", counts.found ?? all, ""],
    ["Classified", counts.ok ?? totals.states.ok ?? 0, ""],
    ["Failed", counts.failed ?? totals.states.failed ?? 0, "failed"],
    ["Skipped", counts.skipped ?? totals.states.skipped ?? 0, "skipped"],
  ];
  byId("figures").append(
    ...figures.map(([name, value, state]) =>
      make("div", { class: value ? state : "" }, make("dt", {}, name), make("dd", {}, count(value)))),
  );
};

/** Bars of the predicted labels; each is a button that filters the gallery with `choose(label)`. */
const showDistribution = (totals, labels, choose) => {
  const classified = totals.states.ok ?? 0;
  const rows = namesOf(totals, labels).map((name) => [name, labels.title(name), totals.labels[name] ?? 0]);
  rows.sort((one, other) => other[2] - one[2]);
  if (totals.without) rows.push([WITHOUT, "No label", totals.without]);
  const bars = rows.map(([name, title, value]) =>
    make("li", {},
      setProperties(
        make("button", { type: "button", "data-label": name, "aria-pressed": "false", onclick: () => choose(name) },
          make("span", { class: "name" }, title),
          make("span", { class: "value" }, count(value), make("small", {}, shareText(value, classified))),
          make("span", { class: "track" }, make("span", { class: "fill" }))),
        { "--share": classified ? value / classified : 0 })));
  byId("distribution").append(
    make("h3", {}, "Predicted labels"),
    make("p", { class: "muted" }, classified ? `Of ${countText(classified, "classified item")}. Select a label to see its items.` : "No item was classified."),
    make("ul", { class: "distribution" }, bars));
};

/** The start of the axis of the intervals, the next tenth below all of them; it ends at 1. */
const axisStart = (metrics) => {
  const lowest = Math.min(...metrics.map(([, { value, low }]) => low ?? value));
  return Math.min(0.9, Math.max(0, Math.floor(lowest * 10) / 10));
};

const metricRow = (name, metric, start, labels) =>
  make("tr", {},
    make("th", { scope: "row" }, metricText(name, labels)),
    make("td", { class: "number" }, decimalText(metric.value)),
    make("td", { class: "number muted" }, isNumber(metric.low) ? `${decimalText(metric.low)} – ${decimalText(metric.high)}` : ""),
    make("td", { class: "whisker", "aria-hidden": "true" },
      metric.value >= 0 && metric.value <= 1
        ? setProperties(make("span"), Object.fromEntries(
            ["low", "high", "value"].map((end) => [`--${end}`, ((metric[end] ?? metric.value) - start) / (1 - start)])))
        : null));

const metricsTable = (measures, start, labels) =>
  make("table", { class: "metrics" },
    make("thead", {}, make("tr", {},
      make("th", { scope: "col" }, "Metric"), make("th", { scope: "col" }, "Value"),
      make("th", { scope: "col" }, "95 % interval"),
      make("td", { class: "ends", "aria-hidden": "true" }, make("span", {}, String(start)), make("span", {}, "1")))),
    make("tbody", {}, measures.map(([name, metric]) => metricRow(name, metric, start, labels))));

/** Of the metrics of single labels, the report shows those with which a decision is read; the card has the rest. */
const LABEL_METRICS = [["auc", "AUC"], ["sensitivity", "Sensitivity"], ["ppv", "PPV"]];
const LABEL_NOTE = "Sensitivity and positive predictive value (PPV) are those of the predicted labels. PPV depends on how frequent a label is.";

const MAX_UNFOLDED = 12; // labels whose metrics are shown without unfolding

/** A table with a row of AUC, sensitivity and PPV for each label, folded if there are many; nothing if the card has none. */
const labelTable = (metrics, labels) => {
  const metric = (family, label) => metrics[`${family}_${label}`];
  const has = (family, label) => isNumber(metric(family, label)?.value);
  const columns = LABEL_METRICS.filter(([family]) => labels.names.some((label) => has(family, label)));
  const rows = labels.names.filter((label) => columns.some(([family]) => has(family, label)));
  if (!rows.length) return [];
  const cell = (found) => make("td", {}, decimalText(found?.value),
    isNumber(found?.low) ? make("span", { class: "number muted" }, `${decimalText(found.low)} – ${decimalText(found.high)}`) : null);
  const table = make("table", { class: "metrics by-label" },
    make("thead", {}, make("tr", {}, ["Label", ...columns.map(([, title]) => title)].map((title) => make("th", { scope: "col" }, title)))),
    make("tbody", {}, rows.map((label) =>
      make("tr", {}, make("th", { scope: "row" }, labels.title(label)), columns.map(([family]) => cell(metric(family, label)))))));
  const decided = columns.some(([family]) => family !== "auc");
  const shown = decided ? [table, make("p", { class: "muted small" }, LABEL_NOTE)] : [table];
  return rows.length <= MAX_UNFOLDED ? shown : [make("details", { class: "each" }, make("summary", {}, `Each of ${count(rows.length)} labels`), shown)];
};

const showModel = (run, labels) => {
  const card = run.card ?? {};
  const { measured_on: measuredOn, ...metrics } = card.metrics ?? {};
  const measures = Object.entries(metrics)
    .filter(([name, metric]) => isNumber(metric?.value) && isShownMetric(name, labels));
  const byLabel = labelTable(metrics, labels);
  const facts = [card.task, card.score_kind && `scores: ${kindText(card.score_kind)}`, card.licence && `licence: ${card.licence}`];
  byId("model").append(
    make("h3", {}, "Model"),
    make("p", { class: "lead" }, card.name || run.weights?.model || "unnamed"),
    make("p", { class: "muted" }, facts.filter(Boolean).join(" · ")),
    ...(measures.length ? [metricsTable(measures, axisStart(measures), labels)] : []),
    ...byLabel,
    ...(measures.length || byLabel.length || measuredOn ? [] : [make("p", { class: "muted" }, "No metrics are recorded for these weights.")]),
    ...(measuredOn ? [make("p", { class: "muted small" }, `Measured on ${measuredOn}`)] : []));
};

const showLimits = (run) => {
  const limits = run.card?.limits ?? [];
  byId("limits").hidden = !limits.length;
  byId("limits").append(make("h3", {}, "Limits"), make("ul", {}, limits.map((limit) => make("li", {}, limit))));
};

const showProvenance = (run) => {
  const facts = [
    ["Command", run.command && make("code", {}, run.command)],
    ["Started", run.started && dateText(run.started)],
    ["Finished", run.finished && dateText(run.finished)],
    ["Digest of the run", run.digest && make("code", {}, run.digest)],
    ["Digest of the weights", run.weights?.digest && make("code", {}, run.weights.digest)],
  ];
  const blocks = [["Recipe", run.recipe], ["Versions", run.versions], ["Timings", run.timings], ["Host", run.host], ["Training data", run.card?.data]];
  byId("provenance").append(
    make("dl", { class: "facts" },
      facts.filter(([, value]) => value).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
    make("div", { class: "blocks" },
      blocks
        .filter(([, value]) => value && Object.keys(value).length)
        .map(([name, value]) => make("div", {}, make("h3", {}, name), make("pre", { tabindex: "0", role: "region", "aria-label": name }, yamlText(value))))));
};
