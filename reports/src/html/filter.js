"use strict";
(() => {
  const form = document.getElementById("filter");
  const scenarios = [...document.querySelectorAll("details.scenario")];
  const features = [...document.querySelectorAll("section.feature")];
  const words = new Map(scenarios.map((scenario) => [scenario, scenario.textContent.toLowerCase()]));

  const apply = () => {
    const verdicts = new Set([...form.querySelectorAll("[name=verdict]:checked")].map((box) => box.value));
    const text = form.elements.text.value.trim().toLowerCase();
    let shown = 0;
    for (const scenario of scenarios) {
      scenario.hidden = !verdicts.has(scenario.dataset.verdict) || !words.get(scenario).includes(text);
      shown += scenario.hidden ? 0 : 1;
    }
    for (const feature of features) {
      feature.hidden = !feature.querySelector("details.scenario:not([hidden])");
    }
    form.querySelector("output").textContent = `${shown} of ${scenarios.length} shown`;
  };
  const setOpen = (open) => {
    for (const scenario of scenarios) {
      scenario.open = open;
    }
  };
  // A link to a scenario opens it, and shows it even when the filter had hidden it.
  const reveal = () => {
    const scenario = scenarios.find((candidate) => `#${candidate.id}` === location.hash);
    if (!scenario) {
      return;
    }
    scenario.closest("section.feature").hidden = false;
    scenario.hidden = false;
    scenario.open = true;
    scenario.scrollIntoView();
  };

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.open.addEventListener("click", () => setOpen(true));
  form.elements.close.addEventListener("click", () => setOpen(false));
  window.addEventListener("hashchange", reveal);
  form.hidden = false;
  apply();
  reveal();
})();
