"use strict";
// Create elements and format numbers. Data reaches the page only through `make`: as text, never as markup.

const byId = (id) => document.getElementById(id);

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
};

/** Set CSS custom properties; the page's policy would refuse a style attribute. */
const styled = (element, properties) => {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  return element;
};

const count = (value) => value.toLocaleString("en");

/** Format a score as in the html report: 0 and 1 are shown only for exact values. */
const scoreText = (value, kind) => {
  if (kind !== "logit" && value > 0 && value < 0.001) return "<0.001";
  if (kind !== "logit" && value < 1 && value > 0.999) return ">0.999";
  return value.toFixed(3).replace("-", "−");
};
