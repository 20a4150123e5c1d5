// Sends what a shopper looks at, with their consent: no cookies, no storage, no other scripts.
(() => {
  const { url, consent } = document.currentScript.dataset;
  if (consent !== "yes" || navigator.globalPrivacyControl || navigator.doNotTrack === "1") return;
  let queue = [];
  const failed = new Set();

  const add = (type, card, key) =>
    queue.push({ type, product: key, token: card.dataset.similarityToken || "", at: new Date() });
  // Not randomUUID, which pages without https do not have.
  const uuid = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
      byte.toString(16).padStart(2, "0"),
    ).join("");
  const body = (batch) => JSON.stringify({ ...batch, sent_at: new Date() });

  const post = (batch) =>
    fetch(url, {
      method: "POST",
      keepalive: true,
      headers: { "Content-Type": "application/json" },
      body: body(batch),
    }).then(
      (answer) => (answer.status < 500 && answer.status !== 429 ? failed.delete(batch) : 0),
      () => 0,
    );

  const next = () => {
    if (queue.length) failed.add({ key: uuid(), events: queue.splice(0, 100) });
    return [...failed].slice(-20);
  };
  const flush = () => next().forEach(post);
  const leave = () =>
    next().forEach((batch) => {
      const blob = new Blob([body(batch)], { type: "application/json" });
      if (navigator.sendBeacon(url, blob)) failed.delete(batch);
    });

  for (const seen of document.querySelectorAll("[data-similarity-view]"))
    add("view", seen, seen.dataset.similarityView);

  addEventListener("click", ({ target }) => {
    const card = target.closest("[data-similarity-product]");
    const button = target.closest("[data-similarity-event]");
    if (button) add(button.dataset.similarityEvent, button, button.dataset.similarityKey);
    else if (card && target.closest("a")) add("click", card, card.dataset.similarityProduct);
  });

  const timers = new Map();
  const watcher = new IntersectionObserver(
    (entries) =>
      entries.forEach(({ target, isIntersecting }) => {
        clearTimeout(timers.get(target));
        if (!isIntersecting) return;
        timers.set(
          target,
          setTimeout(() => {
            watcher.unobserve(target);
            add("impression", target, target.dataset.similarityProduct);
          }, 1000),
        );
      }),
    { threshold: 0.5 },
  );
  for (const card of document.querySelectorAll("[data-similarity-product]")) watcher.observe(card);

  flush();
  setInterval(flush, 5000);
  addEventListener("pagehide", leave);
  addEventListener("visibilitychange", () => document.hidden && leave());
})();
