// Shared parts: numbers as tables and maps, and a picker for a position in a map.

const TOLERANCE = 1e-4; // relative to the magnitudes of the terms
const SHOWN_CHANNELS = 4; // channels of a sum that are shown, those that contribute most
const GRID = 8; // rows and columns of pixel values that are shown

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  element.append(...children.filter((child) => child !== null));
  return element;
};

const formatNumber = (number, digits = 4) => {
  const short = Number.isInteger(number) ? number : Number(number.toPrecision(digits));
  return String(short).replaceAll("-", "\u2212");
};

const unpack = ({ type, shape, data }) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return { shape, values: type === "u1" ? bytes : new Float32Array(bytes.buffer) };
};

const numbers = JSON.parse(document.getElementById("numbers").textContent);

/** A table of numbers, coloured by sign and magnitude. */
const table = (rows, caption, { best = null, outside = () => false, reach = null, digits = 4 } = {}) => {
  const largest = reach ?? Math.max(...rows.flat().map((number) => Math.abs(number ?? 0)), 1e-12);
  const body = make("tbody");
  rows.forEach((row, y) => {
    const line = make("tr");
    row.forEach((number, x) => {
      const cell = make("td", {}, number === null ? "\u2013" : formatNumber(number, digits));
      if (number !== null && outside(y, x)) cell.className = "outside";
      else if (number) {
        cell.style.setProperty("--tone", `var(--${number < 0 ? "against" : "for"})`);
        cell.style.setProperty("--share", 0.45 * Math.min(1, Math.abs(number) / largest));
      }
      if (best && best[0] === y && best[1] === x) cell.classList.add("best");
      line.append(cell);
    });
    body.append(line);
  });
  return make("table", { class: "grid-of-numbers" }, make("caption", {}, caption), body);
};

/** Radio buttons: focused with Tab, changed with the arrow keys. */
const radioButtons = (name, legend, options, onChoose) => {
  const group = make("fieldset", { class: "choices" }, make("legend", {}, legend));
  options.forEach(({ title, picture }, index) => {
    const input = make("input", { type: "radio", name });
    input.checked = index === 0;
    input.addEventListener("change", () => onChoose(index));
    const image = picture ? make("img", { class: "grain", src: picture, alt: "" }) : null;
    group.append(make("label", {}, input, image, title));
  });
  return group;
};

const COLOURS = numbers.viridis;
const viridis = (share) => {
  const position = Math.min(1, Math.max(0, share)) * (COLOURS.length - 1);
  const low = Math.min(COLOURS.length - 2, Math.floor(position));
  return COLOURS[low].map((from, k) => from + (COLOURS[low + 1][k] - from) * (position - low));
};

/** Draw `(C, h, w)`: three channels in colour, otherwise the first in viridis; returns minimum and maximum. */
const draw = (canvas, { shape: [channels, height, width], values }) => {
  let [low, high] = [Infinity, -Infinity];
  values.forEach((value) => { low = Math.min(low, value); high = Math.max(high, value); });
  const share = (channel, at) => (values[channel * height * width + at] - low) / (high - low || 1);
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let at = 0; at < height * width; at += 1) {
    const colour = channels >= 3 ? [0, 1, 2].map((k) => 255 * share(k, at)) : viridis(share(0, at));
    image.data.set([...colour, 255], 4 * at);
  }
  context.putImageData(image, 0, 0);
  return [low, high];
};

/** A map in which a position is chosen: by a click, with the arrow keys, or by typing. */
const createPicker = (label, side, onMove) => {
  const canvas = make("canvas", { tabindex: "0", role: "img", "aria-label": `${label}. Move the position with the arrow keys.` });
  const cursor = make("span", { class: "cursor", "aria-hidden": "true" });
  const fields = ["row", "column"].map((name) => make("input", { type: "number", step: "1", "aria-label": name }));
  const ends = [make("span"), make("span")];
  const legend = make("p", { class: "ramp small muted" }, ends[0], make("span", { class: "bar magnitude", "aria-hidden": "true" }), ends[1]);
  const state = { box: null, place: [0, 0] };
  const move = (row, column) => {
    const { top, left, height, width } = state.box;
    const within = (value, start, count) => Math.min(start + Math.max(0, count - side), Math.max(start, value || 0));
    state.place = [within(row, top, height), within(column, left, width)];
    fields.forEach((field, axis) => { field.value = state.place[axis]; });
    cursor.style.top = `${(100 * (state.place[0] - top)) / height}%`;
    cursor.style.left = `${(100 * (state.place[1] - left)) / width}%`;
    cursor.style.height = `${(100 * Math.min(side, height)) / height}%`;
    cursor.style.width = `${(100 * Math.min(side, width)) / width}%`;
    onMove(...state.place);
  };
  canvas.addEventListener("click", (event) => {
    const { top, left, height, width } = state.box;
    const row = Math.floor((event.offsetY / canvas.clientHeight) * height) + top;
    const column = Math.floor((event.offsetX / canvas.clientWidth) * width) + left;
    move(row - (side >> 1), column - (side >> 1));
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    move(state.place[0] + step[0], state.place[1] + step[1]);
  });
  fields.forEach((field) => field.addEventListener("change", () => move(...fields.map((each) => Math.floor(Number(each.value))))));
  const place = make("div", { class: "place" });
  ["Row ", "Column "].forEach((name, axis) => place.append(make("label", {}, name, fields[axis])));
  const element = make("div", {}, make("div", { class: "map" }, canvas, cursor), legend, place);
  const show = (map, box, row, column) => {
    state.box = box;
    canvas.parentElement.style.setProperty("--aspect", box.width / box.height);
    draw(canvas, map).forEach((number, end) => { ends[end].textContent = formatNumber(number); });
    legend.hidden = map.shape[0] >= 3;
    move(row, column);
  };
  return { element, show, place: () => state.place };
};
