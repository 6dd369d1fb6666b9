// The scale bar: the longest round length that fits.

const LONGEST = 140; // pixels of the screen

/** The largest of 1, 2, 5, 10, 20, 50 ... that is not above `most`. */
const roundLength = (most) => {
  const power = 10 ** Math.floor(Math.log10(most));
  return Math.max(...[1, 2, 5].map((step) => step * power).filter((length) => length <= most));
};

const lengthText = (micrometres) =>
  micrometres >= 1000 ? `${count(micrometres / 1000)} mm` : `${micrometres.toLocaleString("en", { maximumSignificantDigits: 2 })} μm`;

/** `finest`: how many of the slide's pixels one pixel of the screen covers; spacing in mm or null. */
const showScale = (finest, spacing) => {
  const one = spacing ? spacing[1] * 1000 * finest : finest;
  const length = roundLength(LONGEST * one);
  byId("scale-text").textContent = spacing ? lengthText(length) : `${count(length)} px of the slide`;
  styled(byId("scale-bar"), { "--length": `${length / one}px` });
};
