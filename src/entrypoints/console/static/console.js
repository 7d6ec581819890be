// Keeps the live parts of a page up to date. Everything works without it; it only saves reloading.
// A part is an element with `data-live` (its URL) and `data-every` (milliseconds). It is asked for
// while the tab is visible, and replaced if it changed. Where nothing runs, it is asked for less.
"use strict";

const QUIET_FACTOR = 5;
const FAILED_FACTOR = 5;

class LivePart {
  constructor(element) {
    this.element = element;
    this.every = Number(element.dataset.every) || 2000;
    this.html = null;
    this.failed = false;
    this.timer = 0;
    this.schedule();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.refresh();
    });
  }

  schedule() {
    clearTimeout(this.timer);
    const isJob = this.element.querySelector("[data-announce]") !== null;
    const running = this.element.querySelector("[data-running]") !== null;
    // A job that has ended changes only by a redrive; other parts may always change.
    const factor = this.failed ? FAILED_FACTOR : isJob && !running ? QUIET_FACTOR : 1;
    this.timer = setTimeout(() => this.refresh(), this.every * factor);
  }

  async refresh() {
    clearTimeout(this.timer);
    if (document.hidden) return; // continues when the tab is visible
    try {
      const response = await fetch(this.element.dataset.live, { headers: { Accept: "text/html" } });
      const html = await response.text();
      if (response.status === 401 || response.status === 403) {
        announce("The console was restarted. Load the page again.");
        return;
      }
      this.failed = !response.ok;
      this.show(html);
    } catch {
      this.failed = true;
      announce("The console does not answer. Is its command still running?");
      this.element.setAttribute("data-stale", "");
    }
    this.schedule();
  }

  show(html) {
    this.element.removeAttribute("data-stale");
    if (html === this.html || this.isInUse()) return;
    this.html = html;
    const open = [...this.element.querySelectorAll("details")].map((each) => each.open);
    const scrolled = [...this.element.querySelectorAll(".scroll")].map((each) => each.scrollLeft);
    const focused = this.element.contains(document.activeElement)
      ? [...this.element.querySelectorAll("a, button, summary, [tabindex]")].indexOf(document.activeElement)
      : -1;
    // From our own server, which escapes what it shows; the policy allows no inline script.
    this.element.innerHTML = html;
    this.element.querySelectorAll("details").forEach((each, i) => { each.open = open[i] ?? each.open; });
    this.element.querySelectorAll(".scroll").forEach((each, i) => { each.scrollLeft = scrolled[i] ?? 0; });
    if (focused >= 0) {
      this.element.querySelectorAll("a, button, summary, [tabindex]")[focused]?.focus({ preventScroll: true });
    }
    const said = this.element.querySelector("[data-announce]");
    if (said) announce(said.dataset.announce);
  }

  // Text that is being selected is not replaced.
  isInUse() {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && this.element.contains(selection.anchorNode);
  }
}

function announce(text) {
  const announcer = document.getElementById("announcer");
  if (announcer && announcer.textContent !== text) announcer.textContent = text;
}

document.querySelectorAll("[data-live]").forEach((element) => new LivePart(element));

// A form is sent once: a second click while the server works would only repeat it.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; form.removeAttribute("aria-busy"); });
});
