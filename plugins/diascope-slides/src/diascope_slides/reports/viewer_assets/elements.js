"use strict";
// Elements, words and numbers. Data reaches the page through `make` only: as text, never as markup.

const byId = (id) => document.getElementById(id);

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
};

/** Set CSS custom properties; a style attribute would be refused by the page's policy. */
const styled = (element, properties) => {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  return element;
};

const count = (value) => value.toLocaleString("en");

/** A score as the html report writes it: only what is 0 or 1 is told as such. */
const scoreText = (value, kind) => {
  if (kind !== "logit" && value > 0 && value < 0.001) return "<0.001";
  if (kind !== "logit" && value < 1 && value > 0.999) return ">0.999";
  return value.toFixed(3).replace("-", "−");
};
