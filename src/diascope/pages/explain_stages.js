// Step 1: the pixel values before and after each preprocessing step.

const startStageInspector = (section, stages) => {
  const grids = make("div", { class: "grids", "aria-live": "polite" });
  let stage = null;
  const map = createPicker("The picture", GRID, (row, column) => {
    const { box, pixels } = stage;
    const [channels, height, width] = pixels.shape;
    const names = channels === 3 ? ["red", "green", "blue"] : ["grey"];
    const rows = Math.min(GRID, height);
    const columns = Math.min(GRID, width);
    grids.replaceChildren(...Array.from({ length: channels }, (_, channel) => {
      const numbersOf = Array.from({ length: rows }, (__, y) => Array.from({ length: columns }, (___, x) =>
        pixels.values[(channel * height + row - box.top + y) * width + column - box.left + x]));
      return table(numbersOf, names[channel] ?? `channel ${channel}`, { reach: stage.reach, digits: 3 });
    }));
  });
  const choose = (index) => {
    const { box, pixels, reach } = stages[index];
    const pixelsOf = pixels ?? unpack(stages[index].numbers);
    Object.assign(stages[index], {
      pixels: pixelsOf,
      reach: reach ?? pixelsOf.values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12),
    });
    stage = stages[index];
    const whole = stage.size[0] === box.height && stage.size[1] === box.width;
    note.textContent = whole ? "" : `Of this picture of ${stage.size[1]} x ${stage.size[0]} pixels, only the central ${box.width} x ${box.height} are stored in this page.`;
    map.show(stage.pixels, box, box.top + (box.height >> 1), box.left + (box.width >> 1));
  };
  const note = make("p", { class: "small muted" });
  section.querySelector(".workbench").append(
    radioButtons("stage", "Picture", stages, choose), make("div", {}, map.element, note), make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Pixel values" }, grids));
  section.hidden = false;
  choose(stages.length - 1);
  section.querySelectorAll("input[name=stage]")[stages.length - 1].checked = true;
};

startStageInspector(document.getElementById("stages"), numbers.stages);
