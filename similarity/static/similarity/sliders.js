// Shows the number beside each slider while it moves; the form works without it.
for (const slider of document.querySelectorAll(".similarity-weights input[type=range]")) {
  const output = document.querySelector(`output[for="${slider.id}"]`);
  slider.addEventListener("input", () => { output.value = slider.value; });
}
