// Evidence maps: decoded, interpolated between cells, and drawn over the dimmed picture.

const CANVAS_SIDE = 96; // pixels of the longer side of a map's canvas; CSS smooths the rest
const MAX_ALPHA = 190; // of 255; the picture stays visible under the strongest evidence
const MAX_RESIDUAL = 1e-3; // a residual above this is reported

const decodeCells = (evidence) =>
  Float32Array.from(atob(evidence.cells), (byte) => ((byte.charCodeAt(0) << 24) >> 24) * evidence.scale);

/** The largest magnitude in all maps of an item, which share one colour scale. */
const maxMagnitude = (evidences) => Math.max(...evidences.map((evidence) => evidence.scale * 127), 1e-12);

/** Catmull-Rom weights of four neighbours; the curve passes through the value of every cell. */
const spline = (t) => [
  ((2 - t) * t - 1) * t / 2,
  ((3 * t - 5) * t * t + 2) / 2,
  ((4 - 3 * t) * t + 1) * t / 2,
  (t - 1) * t * t / 2,
];

/** Resample rows of `width` cells to `target` points, aligned at the centres of cells; returns the transpose. */
const resample = (cells, width, target) => {
  const height = cells.length / width;
  const result = new Float32Array(target * height);
  for (let x = 0; x < target; x += 1) {
    const position = ((x + 0.5) * width) / target - 0.5;
    const left = Math.floor(position);
    const weights = spline(position - left);
    for (let y = 0; y < height; y += 1) {
      let sum = 0;
      for (let k = 0; k < 4; k += 1) {
        sum += weights[k] * cells[y * width + Math.min(width - 1, Math.max(0, left - 1 + k))];
      }
      result[x * height + y] = sum;
    }
  }
  return result;
};

const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim().split(/\s+/).map(Number);

const drawEvidence = (canvas, evidence, reach) => {
  const [rows, columns] = evidence.shape;
  const wide = Math.max(1, Math.round((CANVAS_SIDE * columns) / Math.max(rows, columns)));
  const high = Math.max(1, Math.round((CANVAS_SIDE * rows) / Math.max(rows, columns)));
  const values = resample(resample(decodeCells(evidence), columns, wide), rows, high);
  const colours = { for: colour("--for"), against: colour("--against") };
  Object.assign(canvas, { width: wide, height: high });
  const context = canvas.getContext("2d");
  const image = context.createImageData(wide, high);
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    const [red, green, blue] = value < 0 ? colours.against : colours.for;
    const at = 4 * index;
    image.data[at] = red;
    image.data[at + 1] = green;
    image.data[at + 2] = blue;
    image.data[at + 3] = MAX_ALPHA * Math.min(1, Math.abs(value) / reach) ** 0.85;
  }
  context.putImageData(image, 0, 0);
};

/** A picture in its own proportions; dimmed as the background of a map. */
const pictureOf = (record, alt, dimmed = false) => {
  const [height, width] = record.shape ?? [1, 1];
  const frame = make("div", { class: `frame${dimmed ? " dimmed" : ""}` });
  setProperties(frame, { "--ratio": width / height });
  frame.append(
    record.picture
      ? make("img", { src: `data:image/jpeg;base64,${record.picture}`, alt, decoding: "async" })
      : make("span", { class: "blank" }, dimmed ? "" : "no picture stored"));
  return make("div", { class: "pane" }, frame);
};

const evidencePane = (record, evidence, labels) => {
  const pane = pictureOf(record, "", true);
  const about = `Evidence map: evidence for and against ${labels.title(evidence.label)}`;
  const canvas = make("canvas", { role: "img", "aria-label": about });
  pane.firstChild.append(canvas);
  drawEvidence(canvas, evidence, maxMagnitude(record.evidence));
  return pane;
};

const legendOf = (record, evidence, labels) => {
  const reach = maxMagnitude(record.evidence);
  const off = !(isNumber(evidence.residual) && evidence.residual <= MAX_RESIDUAL); // null if it was not a number
  return make("div", { class: "legend" },
    make("p", { class: "ramp-title" }, "evidence ", make("b", { class: "against" }, "against"), " / ", make("b", { class: "for" }, "for"), ` ${labels.title(evidence.label)}`),
    make("div", { class: "ramp" },
      make("span", {}, signed(-reach)), make("span", { class: "scale", "aria-hidden": "true" }), make("span", {}, signed(reach))),
    make("p", { class: `sum${off ? " off" : ""}` },
      `map ${signed(evidence.sum)} + bias ${signed(evidence.bias)} = logit ${signed(evidence.logit)}, `,
      make("span", { class: "residual" }, `residual ${residualText(evidence.residual)}`),
      off ? " – the map does not add up" : ""),
    record.frames > 1 ? make("p", { class: "sum" }, `for one of the ${count(record.frames)} ${partOf(record)}s`) : null);
};
