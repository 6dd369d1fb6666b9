// The entry point: choose the slide and the label to show.

const start = () => {
  const run = JSON.parse(byId("run").textContent);
  const slides = [...document.querySelectorAll("script.slide")].map((block) => JSON.parse(block.textContent));
  const titleOf = (name) => run.labels[name]?.title ?? name;
  const pointOf = (name) => run.labels[name]?.point ?? null;
  document.title = `${run.title} – diascope slides`;
  byId("title").textContent = run.title;
  byId("empty").hidden = slides.length > 0;
  byId("main").hidden = !slides.length;
  if (!slides.length) return;

  const stage = startStage();
  const [slideChoice, labelChoice] = [byId("slide"), byId("label")];
  const current = () => slides[slideChoice.selectedIndex];
  let chosenLabel = null; // by the user, for all slides; until then each slide shows its top prediction
  const opacity = () => (byId("heat").checked ? byId("opacity").valueAsNumber : 0);

  const darkness = () => (byId("tissue").checked ? 0.75 : 0); // of what is not tissue

  const showHeat = () => {
    const name = labelChoice.value;
    stage.lay("heat", current().heats[name], { opacity: opacity() });
    showLegend(current(), name, titleOf, pointOf);
  };

  const showLayers = () => {
    stage.lay("tissue", current().tissue, { opacity: darkness(), index: 1 }); // below the heat map
    showHeat();
  };

  const chooseLabels = ({ heats, predicted, scores }) => {
    const [first] = [...predicted].sort((one, other) => scores[other] - scores[one]);
    labelChoice.replaceChildren(...Object.keys(heats).map((name) => make("option", { value: name }, titleOf(name))));
    labelChoice.value = chosenLabel ?? first ?? Object.keys(heats)[0];
  };

  const showSlide = () => {
    const slide = current();
    chooseLabels(slide);
    showAnswer(slide, titleOf, pointOf);
    showFacts(slide);
    byId("previous").disabled = slideChoice.selectedIndex === 0;
    byId("next").disabled = slideChoice.selectedIndex === slides.length - 1;
    stage.open(slide, showLayers);
  };

  const step = (distance) => () => { slideChoice.selectedIndex += distance; showSlide(); };
  slideChoice.append(...slides.map(({ id }) => make("option", {}, id)));
  byId("chooser").hidden = slides.length === 1;
  slideChoice.onchange = showSlide;
  byId("previous").onclick = step(-1);
  byId("next").onclick = step(1);
  labelChoice.onchange = () => { chosenLabel = labelChoice.value; showHeat(); };
  byId("heat").onchange = () => stage.setOpacity("heat", opacity());
  byId("opacity").oninput = () => { byId("heat").checked = true; stage.setOpacity("heat", opacity()); };
  byId("tissue").onchange = () => stage.setOpacity("tissue", darkness());
  showSlide();
};

start();
