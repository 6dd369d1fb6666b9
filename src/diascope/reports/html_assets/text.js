"use strict";
// Text, numbers and elements. Data is only inserted with `make`, as text and never as markup.

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
};

/** Set CSS custom properties; the page's policy forbids style attributes. */
const setProperties = (element, properties) => {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  return element;
};

const byId = (id) => document.getElementById(id);
const parseJson = (element) => JSON.parse(element.textContent);

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const count = (value) => (isNumber(value) ? value.toLocaleString("en") : "–");
const countText = (value, noun) => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const minus = (text) => text.replaceAll("-", "−");

/** A number with that many decimals; 0 has no sign. */
const decimalText = (value, digits = 3) => (isNumber(value) ? minus((Number(value.toFixed(digits)) + 0).toFixed(digits)) : "–");

const scoreText = (value, kind) => {
  if (!isNumber(value)) return "–";
  if (kind !== "logit" && value > 0 && value < 0.001) return "<0.001";
  if (kind !== "logit" && value < 1 && value > 0.999) return ">0.999";
  return decimalText(value, kind === "logit" ? 2 : 3);
};

/** A number with its sign and three significant digits. */
const signed = (value) => (isNumber(value) ? `${value < 0 ? "" : "+"}${minus(String(Number(value.toPrecision(3))))}` : "–");

const residualText = (value) => {
  if (!isNumber(value)) return "–";
  return value === 0 ? "0" : minus(value.toExponential(1));
};

const kindText = (kind) =>
  ({ probability: "probability", logit: "logit, not a probability", share: "share of its frames or regions" })[kind] ?? `${kind}, not calibrated`;

const shareText = (part, whole) => {
  if (!whole) return "–";
  const percent = (100 * part) / whole;
  return percent > 0 && percent < 1 ? "<1 %" : `${percent.toFixed(0)} %`;
};

const secondsText = (seconds) => {
  if (!isNumber(seconds)) return "";
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

const dateText = (iso) => {
  const date = new Date(iso ?? "");
  if (Number.isNaN(date.getTime())) return String(iso ?? "");
  return date.toLocaleString("en-GB", {
    day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });
};

/** Format plain values like YAML; for reading, not for parsing. */
const yamlText = (value, indent = "") => {
  const nested = (inner) => inner !== null && typeof inner === "object" && Object.keys(inner).length > 0;
  const plain = (inner) => {
    if (inner !== null && typeof inner === "object") return Array.isArray(inner) ? "[]" : "{}";
    return typeof inner === "string" && (inner === "" || /^\s|\s$|[\n:#]/.test(inner)) ? JSON.stringify(inner) : String(inner);
  };
  if (!nested(value)) return `${indent}${plain(value)}\n`;
  if (Array.isArray(value)) {
    return value
      .map((inner) => `${indent}- ${nested(inner) ? yamlText(inner, `${indent}  `).trimStart() : `${plain(inner)}\n`}`)
      .join("");
  }
  return Object.entries(value)
    .map(([key, inner]) => (nested(inner) ? `${indent}${key}:\n${yamlText(inner, `${indent}  `)}` : `${indent}${key}: ${plain(inner)}\n`))
    .join("");
};
