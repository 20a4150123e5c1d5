// Fetches each lazy shelf when it comes near the viewport, and puts it in its place.
// Loaded as a module: it runs once, after the document is parsed, however often it is named.

const MARGIN = "600px 0px";

async function load(placeholder) {
  let html = "";
  try {
    const response = await fetch(placeholder.dataset.similaritySrc, {
      headers: { "X-Similarity-Fragment": "1" },
      credentials: "same-origin",
    });
    html = response.ok ? (await response.text()).trim() : "";
  } catch {
    // Without a network the page goes on without the shelf.
  }
  if (!html) {
    placeholder.remove();
    return;
  }
  placeholder.innerHTML = html;
  placeholder.classList.add("similarity-loaded");
  placeholder.dispatchEvent(new CustomEvent("similarity:loaded", { bubbles: true }));
}

function watch(placeholders) {
  if (!("IntersectionObserver" in window)) {
    placeholders.forEach(load);
    return;
  }
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((seen) => seen.isIntersecting)) {
        observer.unobserve(entry.target);
        load(entry.target);
      }
    },
    { rootMargin: MARGIN },
  );
  placeholders.forEach((placeholder) => observer.observe(placeholder));
}

watch(document.querySelectorAll("[data-similarity-src]"));
