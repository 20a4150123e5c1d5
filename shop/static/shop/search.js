// Suggestions while typing, as the combobox pattern of WAI-ARIA describes it, and a preview of
// the picture to search by. Without this file the box is a plain form and the picture is sent
// as it is.

const WAIT_MS = 140;
const PICTURE_SIDE_PX = 1024; // more than the search looks at
const PICTURE_QUALITY = 0.85;

const KINDS = { category: "Category", brand: "Brand", product: "Product" };

function suggestions(input) {
  const form = input.form;
  const list = document.getElementById(input.dataset.suggestions);
  const status = document.getElementById(`${list.id}-status`);
  let timer;
  let asking;
  let shown = [];
  let at = -1;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  const close = () => {
    clearTimeout(timer);
    asking?.abort();
    list.hidden = true;
    shown = [];
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const mark = (next) => {
    list.children[at]?.setAttribute("aria-selected", "false");
    at = next;
    const option = list.children[at];
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  };

  const choose = (one) => {
    close();
    if (one.url) return location.assign(one.url);
    const asked = new URLSearchParams({ q: one.text });
    if (one.kind === "category" || one.kind === "brand") asked.set(one.kind, one.value);
    location.assign(`${form.action}?${asked}`);
  };

  const show = (found) => {
    shown = found;
    at = -1;
    list.replaceChildren(...found.map((one, number) => option(one, number)));
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
    status.textContent = found.length
      ? `${found.length} suggestion${found.length === 1 ? "" : "s"}`
      : "No suggestions";
  };

  const option = (one, number) => {
    const item = document.createElement("li");
    item.id = `${list.id}-${number}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.append(text("suggestion__text", one.text));
    if (KINDS[one.kind]) item.append(text("suggestion__kind", KINDS[one.kind]));
    // The box keeps the focus: a click would take it away, and close the list, before it counts.
    item.addEventListener("pointerdown", (event) => event.preventDefault());
    item.addEventListener("click", () => choose(one));
    return item;
  };

  const ask = async () => {
    const typed = input.value; // a blank at its end says that the last word is whole
    if (typed.trim().length < 2) return close();
    asking?.abort();
    asking = new AbortController();
    try {
      const address = `${input.dataset.suggestFrom}?${new URLSearchParams({ q: typed })}`;
      const response = await fetch(address, { signal: asking.signal });
      const found = response.ok ? (await response.json()).suggestions : [];
      if (input.value === typed && document.activeElement === input) show(found);
    } catch {
      // Typed on, or no network: the box goes on as a plain one.
    }
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  input.addEventListener("blur", close);
  form.addEventListener("submit", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault(); // the first Escape closes the list, the next empties the box
      close();
    } else if (event.key === "Enter" && shown[at]) {
      event.preventDefault();
      choose(shown[at]);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) return ask();
      const step = event.key === "ArrowDown" ? 1 : -1;
      const places = shown.length + 1; // one of them is the box itself
      mark(((at + 1 + step + places) % places) - 1);
    }
  });
}

function text(name, content) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = content;
  return element;
}

// A phone's photo is made small before it is sent, which also leaves out where it was taken.
async function shrink(input) {
  const [file] = input.files;
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, PICTURE_SIDE_PX / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", PICTURE_QUALITY));
  const files = new DataTransfer();
  files.items.add(new File([blob], "picture.jpg", { type: "image/jpeg" }));
  if (input.files[0] === file) input.files = files.files;
  return canvas.toDataURL("image/jpeg", PICTURE_QUALITY);
}

function preview(input) {
  const image = document.getElementById(input.dataset.preview);
  input.addEventListener("change", async () => {
    image.hidden = true;
    if (!input.files.length) return;
    try {
      image.src = await shrink(input);
      image.hidden = false;
    } catch {
      // Not a picture this browser can show; the shop will say what is wrong with it.
    }
  });
}

document.querySelectorAll("input[data-suggestions]").forEach(suggestions);
document.querySelectorAll("input[data-preview]").forEach(preview);
