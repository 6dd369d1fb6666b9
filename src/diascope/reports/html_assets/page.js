// Reads the data and fills the page from top to bottom.

const reasonRow = (row, record) => {
  const cell = (name, text) => make("td", { "data-name": name }, text ?? "");
  return make("tr", { class: row.state },
    make("th", { scope: "row" }, row.id), cell("State", STATES[row.state]), cell("Stage", record.stage),
    cell("Plugin", record.plugin), cell("Reason", record.reason));
};

const showNotClassified = ({ rows, record }, { states }) => {
  const ended = (states.failed ?? 0) + (states.skipped ?? 0);
  const unfinished = rows.filter((row) => row.state !== "ok").sort((one, other) => collator.compare(one.state, other.state) || one.order - other.order);
  byId("unfinished").hidden = !ended;
  if (unfinished.length < ended) byId("unfinished-title").after(make("p", { class: "muted" }, `${count(unfinished.length)} of ${count(ended)} are listed here; the run’s other reports list all`));
  createPagedList("reasons", (row) => reasonRow(row, record(row))).show(unfinished);
};

const start = () => {
  const run = parseJson(byId("run"));
  const totals = parseJson(byId("totals"));
  const labels = labelsOf(run.card ?? {}, parseJson(byId("notes")));
  showHeading(run);
  showFigures(run, totals);
  showModel(run, labels);
  showLimits(run);
  const gallery = startGallery(run, totals, labels);
  showWarnings(run, totals, gallery.showState);
  showDistribution(totals, labels, gallery.choose);
  showNotClassified(gallery, totals);
  showProvenance(run);
  addEventListener("beforeprint", () => document.querySelectorAll("#provenance, .each").forEach((folded) => { folded.open = true; }));
};

start();
