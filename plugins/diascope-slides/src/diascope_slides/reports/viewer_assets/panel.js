// The panel beside the slide: answer, scores, legend and counts.

const KINDS = { probability: "probability", logit: "logit, not a probability", share: "share of its tiles" };
const kindText = (kind) => KINDS[kind] ?? `${kind}, not calibrated`;

const scoreBars = (slide, titleOf, pointOf) =>
  make("ul", { class: "scores" }, Object.entries(slide.scores).sort(([, one], [, other]) => other - one).map(([name, score]) => {
    const point = ["logit", "share"].includes(slide.kind) ? null : pointOf(name); // points apply to scores, not to shares
    const mark = point === null ? null : make("span", { class: "point", title: `operating point ${scoreText(point)}` });
    return styled(
      make("li", { class: slide.predicted.includes(name) ? "chosen" : "" },
        make("span", {}, titleOf(name)), make("span", { class: "value" }, scoreText(score, slide.kind)),
        make("span", { class: "track" }, make("span", { class: "fill" }), mark)),
      { "--share": Math.min(1, Math.max(0, score)), "--point": point ?? 0 });
  }));

const showAnswer = (slide, titleOf, pointOf) => {
  const warnings = [...(slide.note ? [slide.note] : []), ...slide.warnings];
  byId("answer").replaceChildren(
    make("p", { class: "name" }, slide.id),
    make("p", { class: "decision" }, slide.predicted.map(titleOf).join(", ") || "No label"),
    ...warnings.map((warning) => make("p", { class: "warning" }, warning)),
    scoreBars(slide, titleOf, pointOf),
    make("p", { class: "muted" }, `of the whole slide; ${kindText(slide.kind)}`));
};

const showLegend = (slide, name, titleOf, pointOf) => {
  const [low, high] = slide.heats[name].limits.map((limit) => String(Number(limit.toPrecision(3))).replace("-", "−"));
  const point = slide.kind === "logit" ? null : pointOf(name);
  byId("legend").replaceChildren(
    make("p", {}, "Score of each tile for ", make("b", {}, titleOf(name))),
    styled(make("div", { class: "ramp" }, make("span", {}, low),
      make("span", { class: "colours" }, point === null ? null : make("span", { class: "point" })), make("span", {}, high)),
      { "--point": point ?? 0 }),
    point === null ? "" : make("p", {}, `Mark: operating point ${scoreText(point)}`));
};

/** The size of a pixel, given in mm as [row, column]. */
const pixelText = ([high, wide]) => {
  const [down, across] = [high, wide].map((side) => (side * 1000).toPrecision(3));
  return `${across === down ? across : `${across} × ${down}`} μm`;
};

const COUNTS = { tiles: "Tiles", tissue: "With tissue", used: "Used" };

const showFacts = ({ counts, size, spacing, pyramid }) => {
  const [height, width] = size;
  const rows = [
    ...Object.entries(counts).map(([name, value]) => [COUNTS[name] ?? name, count(value)]),
    ["Size", `${count(width)} × ${count(height)} px`],
    ...(spacing ? [["Pixel", pixelText(spacing)]] : []),
    ...(pyramid && pyramid.width < width ? [["Shown at", `${count(pyramid.width)} × ${count(pyramid.height)} px`]] : []),
  ];
  byId("facts").replaceChildren(make("dl", {}, rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))));
};
