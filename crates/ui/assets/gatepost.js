// Optional. Every page works without it; elements of class "js" need it.
const root = document.documentElement;

// a secret that was shown goes out of sight again, and out of the page
setTimeout(() => {
  for (const el of document.querySelectorAll("[data-hide]")) {
    el.closest("[data-shown]")?.remove();
    say("Hidden again");
  }
}, 30000);

document.addEventListener("click", async (e) => {
  const b = e.target.closest("button, a");
  if (!b) return;
  if (b.dataset.copy !== undefined || b.dataset.copyCode !== undefined) {
    const text = b.dataset.copy ?? [...b.closest(".code").querySelectorAll("pre")].find((p) => p.offsetParent)?.innerText;
    await navigator.clipboard?.writeText(text);
    b.dataset.done = "";
    say("Copied");
    setTimeout(() => delete b.dataset.done, 1500);
  } else if (b.dataset.themeSwitch !== undefined) {
    e.preventDefault(); // the form stores the choice in a cookie, the page need not reload
    const theme = (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark" ? "light" : "dark";
    root.dataset.theme = theme;
    fetch(b.form.action, { method: "POST", body: new URLSearchParams({ theme }) });
  } else if (b.dataset.set) {
    e.preventDefault();
    b.closest(".method, .area").querySelectorAll("input").forEach((i) => (i.checked = b.dataset.set === "all"));
    count();
  } else if (b.dataset.close !== undefined) {
    e.preventDefault();
    b.closest("dialog").close();
  }
});

// a status line for screen readers and eyes
function say(text) {
  const box = document.getElementById("toasts");
  const p = Object.assign(document.createElement("div"), { className: "callout", textContent: text });
  p.dataset.tone = "ok";
  box?.replaceChildren(p);
  setTimeout(() => p.remove(), 4000);
}

// filter a list as one types: data-filter names the items
document.addEventListener("input", (e) => {
  const to = e.target.dataset?.filter;
  if (to) {
    const q = e.target.value.trim().toLowerCase();
    for (const el of document.querySelectorAll(to)) el.hidden = !el.dataset.find.includes(q);
    if (q) document.querySelectorAll("details.area").forEach((d) => (d.open = !!d.querySelector(`${to}:not([hidden])`)));
  }
  // typed confirmation: the button is ready once the text is right; the server checks again
  if (e.target.dataset?.confirm) {
    const go = e.target.form.querySelector("[data-go]");
    go.setAttribute("aria-disabled", String(e.target.value !== e.target.dataset.confirm));
  }
  count();
});

function count() {
  for (const d of document.querySelectorAll("details.area")) {
    const all = d.querySelectorAll("input[type=checkbox]");
    d.querySelector("[data-n]").textContent = `${[...all].filter((i) => i.checked).length} of ${all.length}`;
  }
}

// confirmations are pages; where one is inside its parent page it opens as a modal dialog
for (const d of document.querySelectorAll("dialog[data-modal]")) {
  d.removeAttribute("open");
  scrollTo(0, 0);
  d.showModal();
}
document.addEventListener("click", (e) => {
  for (const m of document.querySelectorAll("details.more[open]")) if (!m.contains(e.target)) m.open = false;
});
document.addEventListener("keydown", (e) => {
  const m = e.key === "Escape" && document.querySelector("details.more[open]");
  if (m) { m.open = false; m.querySelector("summary").focus(); }
  if (e.key === "/" && !e.target.closest("input, textarea, select")) {
    const s = document.querySelector("main input[type=search]");
    if (s) { e.preventDefault(); s.focus(); }
  }
});

// on a phone the navigation is a strip: bring the current entry into view
document.querySelectorAll(".nav, .tabs").forEach((n) => {
  const a = n.querySelector("[aria-current]");
  if (a) n.scrollLeft = a.offsetLeft - n.offsetLeft - 16;
});
