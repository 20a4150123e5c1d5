// The price of what is ticked, as it is ticked. Without this file the price of all stays, and
// the form works all the same.

function together(form) {
  const total = form.querySelector(".together__total");
  const button = form.querySelector("button[type=submit]");
  const priced = [...form.querySelectorAll("input[name=product][data-price]")];
  if (!total) return;
  const label = total.parentElement.firstChild;
  const written = total.textContent;

  const update = () => {
    const chosen = priced.filter((input) => input.type === "hidden" || input.checked);
    const all = chosen.length === priced.length;
    const sum = chosen.reduce((cents, input) => cents + Math.round(input.dataset.price * 100), 0);
    total.textContent = all
      ? written
      : new Intl.NumberFormat(document.documentElement.lang, {
          style: "currency",
          currency: total.dataset.currency,
        }).format(sum / 100);
    label.textContent = all ? "All together " : "Chosen ";
    button.disabled = chosen.length === 0;
  };

  form.addEventListener("change", update);
  update(); // a browser may restore what was ticked
}

document.querySelectorAll(".together").forEach(together);
