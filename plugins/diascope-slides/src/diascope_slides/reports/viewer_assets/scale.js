// The scale bar: the largest round length that fits.

const MAX_LENGTH = 140; // screen pixels

/** The largest of 1, 2, 5, 10, 20, 50 ... that is at most `limit`. */
const roundLength = (limit) => {
  const power = 10 ** Math.floor(Math.log10(limit));
  return Math.max(...[1, 2, 5].map((step) => step * power).filter((length) => length <= limit));
};

const lengthText = (micrometres) =>
  micrometres >= 1000 ? `${count(micrometres / 1000)} mm` : `${micrometres.toLocaleString("en", { maximumSignificantDigits: 2 })} μm`;

/** `slidePixels`: full-resolution pixels of the slide per screen pixel; `spacing`: in mm, or null. */
const showScale = (slidePixels, spacing) => {
  const perPixel = spacing ? spacing[1] * 1000 * slidePixels : slidePixels; // in micrometres or slide pixels
  const length = roundLength(MAX_LENGTH * perPixel);
  byId("scale-text").textContent = spacing ? lengthText(length) : `${count(length)} px of the slide`;
  styled(byId("scale-bar"), { "--length": `${length / perPixel}px` });
};
