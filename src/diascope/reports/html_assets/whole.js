// Items that were read in regions: the whole picture, its mask, and a heat map per label.

/** The noun for the parts of an item: regions of a whole picture, or frames. */
const partOf = (record) => (record.whole ? "region" : "frame");

const layer = (name, png, attributes = {}) =>
  make("img", { class: name, src: `data:image/png;base64,${png}`, decoding: "async", ...attributes });

/** The whole picture, with a frame around the region that is shown separately. */
const wholePane = (row, { whole }) => {
  const pane = pictureOf(whole, `The whole picture of ${row.id}`);
  if (whole.region) {
    const names = ["--left", "--top", "--width", "--height"];
    pane.firstChild.append(setProperties(make("span", { class: "mark" }), Object.fromEntries(names.map((name, place) => [name, whole.region[place]]))));
  }
  return pane;
};

const maskPane = (row, { whole }) => {
  const pane = pictureOf(whole, `The area of ${row.id} that is to be classified`);
  pane.firstChild.append(layer("outside", whole.outside, { alt: "" }));
  return pane;
};

const heatPane = ({ whole }, label, labels) => {
  const pane = pictureOf(whole, "", true);
  pane.firstChild.append(layer("heat", whole.heats[label].png, { alt: `Heat map: the score of each region for ${labels.title(label)}` }));
  return pane;
};

const heatLegend = ({ whole, kind }, label, labels) => {
  const [low, high] = whole.heats[label].limits;
  const point = kind === "logit" ? null : labels.point(label);
  const mark = point === null ? null : make("span", { class: "point", title: `operating point ${scoreText(point, kind)}` });
  return make("div", { class: "legend" },
    make("p", { class: "ramp-title" }, "score of each region: ", make("b", {}, labels.title(label))),
    make("div", { class: "ramp" },
      make("span", {}, minus(String(low))),
      setProperties(make("span", { class: "scale heat-scale", "aria-hidden": "true" }, mark), point === null ? {} : { "--point": point }),
      make("span", {}, minus(String(high)))),
    point === null ? null : make("p", {}, `mark: operating point ${scoreText(point, kind)}`));
};

/** The labels with a heat map: the predicted ones first, in descending order of score. */
const heatLabels = (row, { whole, scores }) =>
  Object.keys(whole.heats).sort((one, other) =>
    row.predicted.includes(other) - row.predicted.includes(one) || (scores[other] ?? -Infinity) - (scores[one] ?? -Infinity));

/** The heat map of one label, with a list to choose another. */
const heatFigure = (row, record, labels) => {
  const names = heatLabels(row, record);
  const choice = make("select", {
    onchange: () => {
      figure.firstChild.replaceWith(heatPane(record, choice.value, labels));
      caption.lastChild.replaceWith(heatLegend(record, choice.value, labels));
    },
    onkeydown: (event) => event.stopPropagation(), // arrows choose a label, not the next item
  }, names.map((name) => make("option", { value: name }, labels.title(name))));
  const caption = make("figcaption", {},
    names.length > 1 ? make("label", { class: "chooser" }, "Heat map of ", choice) : null,
    heatLegend(record, names[0], labels));
  const figure = make("figure", {}, heatPane(record, names[0], labels), caption);
  return figure;
};

/** For example "900 tiles, 300 found, 120 used". */
const countsText = ({ counts }) =>
  Object.entries(counts).map(([name, value]) => `${count(value)} ${name}`).join(", ");

const wholeFigures = (row, record, labels) => [
  make("figure", {}, wholePane(row, record), make("figcaption", {}, record.whole.region ? "The whole picture; the frame marks the region shown below" : "The whole picture")),
  ...(Object.keys(record.whole.heats).length ? [heatFigure(row, record, labels)] : []),
  make("figure", {}, maskPane(row, record), make("figcaption", {}, ["Bright: the area to be classified", countsText(record.whole)].filter(Boolean).join("; "))),
];

/** For the card: the whole picture beside the heat map of the first label. */
const wholeMedia = (row, record, labels) => {
  const [label] = heatLabels(row, record);
  return make("div", { class: "media" }, wholePane(row, record), label ? heatPane(record, label, labels) : null);
};
