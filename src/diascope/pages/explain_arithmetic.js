// The arithmetic of one convolution at one position, in double precision.

/** The error function, to 1.5e-7: Abramowitz and Stegun 1964, 7.1.26. */
const erf = (x) => {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const factors = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  return Math.sign(x) * (1 - factors.reduce((sum, factor) => (sum + factor) * t, 0) * Math.exp(-x * x));
};

const NONLINEARITIES = {
  ReLU: (x) => Math.max(0, x),
  ReLU6: (x) => Math.min(6, Math.max(0, x)),
  SiLU: (x) => x / (1 + Math.exp(-x)),
  GELU: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  "leaky ReLU": (x) => (x < 0 ? 0.01 * x : x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
};

/** The input pixel under a filter tap; null between the strides of a transposed convolution. */
const inputPosition = (layer, place, tap) => {
  const at = [0, 1].map((axis) => {
    const reach = layer.dilation[axis] * tap[axis];
    if (!layer.transposed) return layer.start[axis] + place[axis] * layer.stride[axis] + reach;
    const back = layer.start[axis] + place[axis] - reach;
    return back % layer.stride[axis] ? null : back / layer.stride[axis];
  });
  return at.includes(null) ? null : at;
};

/** The weighted sum at one position: the patch, weights and products of each channel. */
const weightedSum = (layer, filter, place) => {
  const [, height, width] = layer.input_size;
  const [channels, tall, wide] = filter.weight.shape;
  const taps = Array.from({ length: tall * wide }, (_, k) => [Math.floor(k / wide), k % wide]);
  const spots = taps.map((tap) => inputPosition(layer, place, tap));
  const inside = spots.map((spot) => spot !== null && spot[0] >= 0 && spot[0] < height && spot[1] >= 0 && spot[1] < width);
  const parts = [];
  for (let channel = 0; channel < channels; channel += 1) {
    const [, rows, columns] = layer.inputs.shape;
    const start = filter.channels[channel] * rows * columns;
    const patch = spots.map((spot, k) => inside[k]
      ? layer.inputs.values[start + (spot[0] - layer.input_box.top) * columns + spot[1] - layer.input_box.left] : 0);
    const weight = taps.map((_, k) => filter.weight.values[channel * taps.length + k]);
    const products = patch.map((value, k) => value * weight[k]);
    parts.push({ channel: filter.first + channel, patch, weight, products, sum: products.reduce((a, b) => a + b, 0) });
  }
  const sum = parts.reduce((total, part) => total + part.sum, 0);
  const size = parts.reduce((total, part) => total + part.products.reduce((a, b) => a + Math.abs(b), 0), 0);
  const value = sum + filter.bias;
  const normed = filter.scale === null ? value : value * filter.scale + filter.shift;
  const nonlinearity = NONLINEARITIES[layer.nonlinearity] ?? ((x) => x);
  const scaled = size * Math.abs(filter.scale ?? 1) + Math.abs(filter.shift ?? 0);
  return { parts, inside, sum, size, value, normed, scaled, activated: nonlinearity(normed), wide };
};

const comparison = (ours, own, size) => {
  const equal = Math.abs(ours - own) <= TOLERANCE * Math.max(Math.abs(own), size, 1e-12);
  return make("span", { class: "own" }, `the network\u2019s value: ${formatNumber(own)} `,
    make("span", { class: equal ? "equal" : "differs" }, equal ? "\u2713 equal" : `\u2717 differs by ${formatNumber(ours - own)}`));
};

const toRows = (values, wide) => Array.from({ length: values.length / wide }, (_, y) => values.slice(y * wide, (y + 1) * wide));

const equations = (found) => {
  const order = [...found.parts].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const outside = (y, x) => !found.inside[y * found.wide + x];
  const element = make("div", { class: "equations scroll", tabindex: "0", role: "region", "aria-label": "Input values, filter weights and products" });
  order.slice(0, SHOWN_CHANNELS).forEach((part) => element.append(make("div", { class: "equation" },
    table(toRows(part.patch, found.wide), `channel ${part.channel}`, { outside }),
    make("span", { class: "sign" }, "\u00d7"), table(toRows(part.weight, found.wide), "weights"),
    make("span", { class: "sign" }, "="), table(toRows(part.products, found.wide), "products"),
    make("span", {}, `sum ${formatNumber(part.sum)}`))));
  const rest = order.slice(SHOWN_CHANNELS);
  if (rest.length) {
    const sum = rest.reduce((total, part) => total + part.sum, 0);
    element.append(make("p", { class: "small muted" }, `The other ${rest.length} channels contribute less; their products add up to ${formatNumber(sum)}.`));
  }
  return element;
};

/** The pooling window that contains a position, with every value recomputed; null without pooling. */
const pooling = (layer, filter, place) => {
  const { pooling: pool, box, size: [tall, wide] } = layer;
  if (!pool || !filter.pooled) return null;
  const [, rows, columns] = filter.pooled.shape;
  const target = [0, 1].map((axis) =>
    Math.min([rows, columns][axis] - 1, Math.floor((place[axis] + pool.padding[axis]) / pool.stride[axis])));
  const first = target.map((at, axis) => at * pool.stride[axis] - pool.padding[axis]);
  if (place.some((at, axis) => at >= first[axis] + pool.size[axis])) return make("li", {}, "No pooling window contains this position.");
  let [missing, size] = [false, 0];
  const cells = Array.from({ length: pool.size[0] }, (_, y) => Array.from({ length: pool.size[1] }, (__, x) => {
    const [row, column] = [first[0] + y, first[1] + x];
    if (row < 0 || column < 0 || row >= tall || column >= wide) return null;
    if (row < box.top || column < box.left || row >= box.top + box.height || column >= box.left + box.width) {
      missing = true;
      return null;
    }
    const { activated, scaled } = weightedSum(layer, filter, [row, column]);
    size = Math.max(size, scaled);
    return activated;
  }));
  const known = cells.flat().filter((cell) => cell !== null);
  const result = pool.kind === "mean" ? known.reduce((a, b) => a + b, 0) / known.length : Math.max(...known);
  const best = known.length && pool.kind !== "mean" ? cells.flat().indexOf(result) : -1;
  const own = filter.pooled.values[target[0] * columns + target[1]];
  const item = make("li", {}, make("b", {}, `Pooling: the ${pool.kind} of ${pool.size[0]} x ${pool.size[1]} is ${formatNumber(result)}`));
  if (missing) return make("li", {}, "The pooling window extends beyond the part of the layer stored in this page.");
  item.append(comparison(result, own, size),
    table(cells, "window", { best: best < 0 ? null : [Math.floor(best / pool.size[1]), best % pool.size[1]] }));
  return item;
};

const steps = (layer, filter, place, found) => {
  const { box } = layer;
  const at = (place[0] - box.top) * box.width + place[1] - box.left;
  const list = make("ol", { class: "steps" },
    make("li", {}, make("b", {}, `Sum of products ${formatNumber(found.sum)} + bias ${formatNumber(filter.bias)} = ${formatNumber(found.value)}`),
      comparison(found.value, filter.output.values[at], found.size + Math.abs(filter.bias))));
  if (filter.scale !== null) {
    list.append(make("li", {}, `Normalisation: ${formatNumber(found.value)} \u00d7 ${formatNumber(filter.scale)} + ${formatNumber(filter.shift)} = ${formatNumber(found.normed)}`));
  }
  if (layer.nonlinearity || filter.scale !== null) {
    const name = layer.nonlinearity || "No known nonlinearity";
    list.append(make("li", {}, make("b", {}, `${name}: ${formatNumber(found.activated)}`), comparison(found.activated, filter.activated.values[at], found.scaled)));
  }
  const pooled = pooling(layer, filter, place);
  if (pooled) list.append(pooled);
  return list;
};

const startLayerInspector = (section, layers) => {
  const panel = section.querySelector(".panel[hidden]");
  const result = make("div", { "aria-live": "polite" });
  const filters = make("div", { class: "choices" });
  const description = make("p", { class: "small muted" });
  let [layer, filter] = [null, null];
  const map = createPicker("Response of the filter", 1, (row, column) => {
    const found = weightedSum(layer, filter, [row, column]);
    result.replaceChildren(
      make("h3", {}, `Filter ${filter.index} at row ${row}, column ${column}`),
      equations(found), steps(layer, filter, [row, column], found));
  });
  const choose = (index, place = map.place()) => {
    filter = layer.filters[index];
    map.show(filter.activated, layer.box, ...place);
  };
  const chooseLayer = (index) => {
    layer = layers[index];
    description.textContent = layer.text;
    if (!layer.ready) {
      layer.inputs = unpack(layer.inputs);
      layer.filters.forEach((each) => ["weight", "output", "activated", "pooled"].forEach((name) => {
        each[name] = each[name] && unpack(each[name]);
      }));
      layer.ready = true;
    }
    filters.replaceChildren(radioButtons("filter", "Filter, most varied response first", layer.filters, (at) => choose(at)));
    choose(0, layer.peak);
  };
  panel.querySelector(".workbench").append(
    radioButtons("layer", "Layer", layers, chooseLayer), filters, make("div", {}, map.element, description), result);
  panel.hidden = false;
  chooseLayer(0);
};

if (numbers.layers.length) startLayerInspector(document.getElementById("arithmetic"), numbers.layers);
