() => {
  const narrow = () => window.matchMedia("(max-width: 1000px)").matches;
  const layout = document.querySelector("#layout");
  const open = (side) => {
    layout.dataset.drawer = side;
  };

  document.addEventListener("click", (event) => {
    const cite = event.target.closest('a[href^="#cite-"]');
    if (cite) {
      event.preventDefault();
      document.querySelectorAll(".cite.current").forEach((one) => one.classList.remove("current"));
      cite.classList.add("current");
      window.dispatchEvent(new CustomEvent("footnote:cite", { detail: cite.getAttribute("href") }));
      if (narrow()) open("right");
      return;
    }
    const inDrawer = event.target.closest("#left, #right, .drawer-button");
    if (layout.dataset.drawer && !inDrawer) open("");
  });

  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === "Escape") {
      if (layout.dataset.drawer) open("");
      else document.querySelector("#stop")?.click();
    } else if (event.key === "/" && !typing) {
      event.preventDefault();
      document.querySelector("#question textarea")?.focus();
    }
  });

  // The highlighted sentence comes into view when a source is opened.
  const panel = document.querySelector("#sources");
  if (panel) {
    new MutationObserver(() => {
      const quote = panel.querySelector("#quote");
      if (!quote || quote === panel.lastQuote) return;
      panel.lastQuote = quote;
      quote.scrollIntoView({ block: "nearest" });
    }).observe(panel, { childList: true, subtree: true });
  }

  for (const [side, label] of [["left", "Documents"], ["right", "Sources"]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `drawer-button drawer-${side}`;
    button.textContent = label;
    button.addEventListener("click", () => open(layout.dataset.drawer === side ? "" : side));
    document.querySelector("#middle")?.prepend(button);
  }
}
