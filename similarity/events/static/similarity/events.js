// Sends what a shopper who consented looks at.
(() => {
  const { url, consent } = document.currentScript.dataset;
  if (consent !== "yes" || navigator.globalPrivacyControl || navigator.doNotTrack === "1") return;
  const queue = [];
  const unsent = new Set();

  const add = (type, { dataset }, product = dataset.similarityProduct) =>
    queue.push({ type, product, token: dataset.similarityToken, at: new Date() });

  const send = (leaving) => {
    while (queue[0] && unsent.size < 20) {
      const bytes = crypto.getRandomValues(new Uint8Array(32));
      const uuid = bytes.map((byte) => byte % 10).join("");
      unsent.add({ key: uuid, events: queue.splice(0, 100) });
    }
    unsent.forEach(async (batch) => {
      batch.sent_at = new Date();
      const body = new Blob([JSON.stringify(batch)], { type: "application/json" });
      const sent = leaving
        ? navigator.sendBeacon(url, body)
        : await fetch(url, { method: "POST", body }).catch(() => 0);
      if (sent === true || sent.status < 429) unsent.delete(batch);
    });
  };

  const act = ({ target, type }) => {
    const own = target.closest("[data-similarity-event]");
    const card = target.closest("a")?.closest("[data-similarity-product]");
    if (!own) card && add("click", card);
    else if (own.matches("form") === (type === "submit"))
      add(own.dataset.similarityEvent, own, own.dataset.similarityKey);
  };

  const show = ({ target, intersectionRatio }) => {
    clearTimeout(target.similarity);
    const seen = () => watcher.unobserve(target) || add("impression", target);
    if (intersectionRatio >= 0.5) target.similarity = setTimeout(seen, 1000);
  };
  const watcher = new IntersectionObserver((all) => all.forEach(show), { threshold: 0.5 });
  const watch = ({ target }) =>
    target.querySelectorAll("[data-similarity-product]").forEach((card) => watcher.observe(card));

  document
    .querySelectorAll("[data-similarity-view]")
    .forEach((page) => add("view", page, page.dataset.similarityView));
  watch({ target: document });
  send();
  setInterval(send, 5000);
  addEventListener("similarity:loaded", watch);
  addEventListener("click", act);
  addEventListener("submit", act);
  addEventListener("pagehide", send);
  addEventListener("visibilitychange", send);
})();
