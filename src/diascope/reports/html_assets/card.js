// One item: as a card in the gallery, and in detail in the dialog.

const STATES = { ok: "Classified", failed: "Failed", skipped: "Skipped" };

const barShare = (score, record) => {
  if (!isNumber(score)) return 0;
  if (record.kind !== "logit") return Math.min(1, Math.max(0, score));
  const reach = Math.max(...Object.values(record.scores).filter(isNumber).map(Math.abs), 1e-12);
  return Math.max(0, score) / reach;
};

/** A label's operating point; null without one, and for logits and shares, where none applies. */
const pointOf = (name, record, labels) =>
  (record.kind === "logit" || record.kind === "share" ? null : labels.point(name));

/** Bars of the predicted labels, then of the others, in descending order of score; at least `least` of them. */
const scoreBars = (row, record, labels, least = Infinity) => {
  const predicted = ([name]) => row.predicted.includes(name);
  const scores = Object.entries(record.scores).sort((one, other) =>
    predicted(other) - predicted(one) || (other[1] ?? -Infinity) - (one[1] ?? -Infinity));
  return make("ul", { class: "scores" },
    scores.slice(0, Math.max(least, row.predicted.length)).map(([name, score]) => {
      const point = pointOf(name, record, labels);
      const chosen = row.predicted.includes(name);
      const mark = point === null ? null : make("span", { class: "point", title: `operating point ${scoreText(point, record.kind)}` });
      return setProperties(
        make("li", { class: chosen ? "chosen" : "" },
          make("span", { class: "name" }, labels.title(name), chosen ? make("span", { class: "hidden" }, " (predicted)") : null),
          make("span", { class: "value" }, scoreText(score, record.kind)),
          make("span", { class: "track" }, make("span", { class: "fill" }), mark)),
        { "--share": barShare(score, record), ...(point === null ? {} : { "--point": point }) });
    }));
};

/** A note if the predicted label does not have the highest score. */
const highestScoreNote = (row, record, labels) => {
  const highest = Math.max(...Object.values(record.scores).filter(isNumber));
  const decided = labels.compared && row.predicted.some((name) => record.scores[name] < highest && pointOf(name, record, labels) !== null);
  return decided ? make("p", { class: "muted small" }, "Predicted by the largest multiple of its operating point, not by the highest score.") : null;
};

/** A note if an operating point predicts a label with a low score, or not one with a high score. */
const operatingPointNotes = (row, record, labels) => {
  if (labels.compared) return null;
  const pointed = Object.keys(record.scores).filter((name) => pointOf(name, record, labels) !== null);
  const low = pointed.filter((name) => row.predicted.includes(name) && record.scores[name] < 0.5);
  const high = pointed.filter((name) => !row.predicted.includes(name) && record.scores[name] >= 0.5 && record.scores[name] < pointOf(name, record, labels));
  const points = (names) => names.map((name) => `${labels.title(name)} (operating point ${scoreText(pointOf(name, record, labels), record.kind)})`).join(", ");
  return [
    low.length ? make("p", { class: "muted small" }, `Predicted with a score below 0.5: ${points(low)}.`) : null,
    high.length ? make("p", { class: "muted small" }, `Not predicted with a score of 0.5 or more: ${points(high)}.`) : null,
  ];
};

const decisionText = (row, labels) => row.predicted.map(labels.title).join(", ") || "No label";

/** The labels of the prediction set, and a note if the decision is not among them; null if the recipe requested no set. */
const predictionSetLines = (row, record, labels) => {
  if (!record.set) return null;
  const outside = row.predicted.filter((name) => !record.set.includes(name));
  return [
    make("p", { class: "small" }, `${sentence(labels.setName)}: ${record.set.map(labels.title).join(", ")}`),
    outside.length ? make("p", { class: "muted small" }, `${outside.map(labels.title).join(", ")} is not in the set: the set follows the scores, the decision the operating points.`) : null,
  ];
};

const warningLines = (record) => record.warnings.map((warning) => make("p", { class: "warning" }, sentence(warning)));

const traceList = (record) =>
  record.trace.length
    ? make("details", { class: "trace" },
        make("summary", {}, `Trace: ${countText(record.trace.length, "step")}`),
        make("ol", {}, record.trace.map((line) => make("li", {}, line))))
    : null;

/** Maps of the predicted labels first, then the others, in descending order of score. */
const sortedEvidence = (row, record) => {
  const rank = ({ label }) => [row.predicted.includes(label), record.scores[label] ?? -Infinity];
  return [...record.evidence].sort((one, other) => {
    const [[first, high], [second, low]] = [rank(one), rank(other)];
    return second - first || low - high;
  });
};

const framesText = (record) => (record.frames > 1 ? countText(record.frames, partOf(record)) : null);

const cardMedia = (row, record, evidence, labels) => {
  if (record.whole) return wholeMedia(row, record, labels);
  if (!record.picture && !evidence) return null;
  return make("div", { class: "media" }, pictureOf(record, `The item ${row.id}`), evidence ? evidencePane(record, evidence, labels) : null);
};

const cardLegend = (row, record, evidence, labels) => {
  if (!record.whole) return evidence ? legendOf(record, evidence, labels) : null;
  const [label] = heatLabels(row, record);
  return label ? heatLegend(record, label, labels) : null;
};

const reasonOf = (row, record) =>
  make("div", { class: `reason ${row.state}` },
    make("p", { class: "state" }, [STATES[row.state], record.stage && `at ${record.stage}`, record.plugin && `in ${record.plugin}`].filter(Boolean).join(" ")),
    make("p", {}, record.reason));

const cardOf = (row, record, labels, open) => {
  const name = make("h3", {}, make("button", { type: "button", class: "open", title: row.id, onclick: () => open(row) }, row.id));
  if (row.state !== "ok") return make("li", { class: `card ${row.state}` }, name, reasonOf(row, record));
  const [evidence] = sortedEvidence(row, record);
  return make("li", { class: "card" },
    cardMedia(row, record, evidence, labels),
    make("div", { class: "body" },
      name,
      make("p", { class: "decision" }, decisionText(row, labels)),
      warningLines(record),
      predictionSetLines(row, record, labels),
      scoreBars(row, record, labels, 3),
      highestScoreNote(row, record, labels),
      operatingPointNotes(row, record, labels),
      make("p", { class: "muted small" }, [kindText(record.kind), framesText(record)].filter(Boolean).join(" · ")),
      cardLegend(row, record, evidence, labels),
      traceList(record)));
};

const detailBody = (row, record, labels) => {
  if (row.state !== "ok") return reasonOf(row, record);
  const maps = sortedEvidence(row, record).map((evidence) =>
    make("figure", {},
      evidencePane(record, evidence, labels),
      make("figcaption", {}, legendOf(record, evidence, labels))));
  const caption = record.whole ? "One region, as the network received it" : "As the network received it";
  const picture = record.picture ? [make("figure", {}, pictureOf(record, `The item ${row.id}`), make("figcaption", {}, caption))] : [];
  const whole = record.whole ? wholeFigures(row, record, labels) : [];
  const hasPoint = Object.keys(record.scores).some((name) => pointOf(name, record, labels) !== null);
  return make("div", { class: `detail${whole.length + picture.length + maps.length ? "" : " plain"}` },
    make("div", { class: "figures-large" }, whole, picture, maps),
    make("div", {},
      make("p", { class: "decision" }, decisionText(row, labels)),
      warningLines(record),
      predictionSetLines(row, record, labels),
      make("p", { class: "muted" }, [kindText(record.kind), framesText(record), isNumber(row.doubt) && `uncertainty ${row.doubt.toFixed(2)} (0 to 1)`, isNumber(row.novelty) && `novelty ${row.novelty.toFixed(2)} (limit 1)`].filter(Boolean).join(" · ")),
      make("h3", {}, "All scores"),
      scoreBars(row, record, labels),
      operatingPointNotes(row, record, labels),
      hasPoint ? make("p", { class: "muted small" }, ["The mark on a bar is the label’s operating point.", labels.compared].filter(Boolean).join(" ")) : null,
      record.trace.length ? [make("h3", {}, "Trace"), make("ol", { class: "steps" }, record.trace.map((line) => make("li", {}, line)))] : null));
};

/** The dialog: shows `row`, steps to its neighbours, and returns the focus when it closes. */
const showDetail = (row, gallery, labels) => {
  const dialog = byId("detail");
  const step = (distance) => {
    const next = gallery.neighbour(row, distance);
    if (next) showDetail(next, gallery, labels);
    return Boolean(next);
  };
  const button = (text, distance) =>
    make("button", { type: "button", disabled: !gallery.neighbour(row, distance), onclick: () => step(distance) }, text);
  dialog.replaceChildren(
    make("header", {},
      make("h2", { id: "detail-title", tabindex: "-1" }, row.id),
      make("div", { class: "pager" }, button("Previous", -1), button("Next", 1),
        make("button", { type: "button", onclick: () => dialog.close() }, "Close"))),
    detailBody(row, gallery.record(row), labels));
  dialog.onkeydown = (event) => {
    const distance = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (distance && step(distance)) event.preventDefault();
  };
  dialog.onclick = (event) => event.target === dialog && dialog.close();
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  byId("detail-title").focus();
};
