/** What a photo waits for, as text with a bar: its turn, its upload, the model. */

import { element } from "./elements.js";

export class Progress {
  #timer;

  /** Write into a paragraph, which is read aloud when its step changes. */
  constructor(state) {
    Object.assign(this, { state, step: element("span"), seconds: element("span", "muted"), bar: element("progress") });
    this.seconds.setAttribute("aria-hidden", true); // they would be read aloud every second
    this.bar.setAttribute("aria-label", "Progress");
  }

  wait(place) { this.#show(place ? `Waiting for ${place} other photo${place === 1 ? "" : "s"}` : "Sending", place ? null : 0); }

  /** Show the fraction that has been sent, and once it is all, what the server does with it. */
  send(sent, action) {
    if (sent < 1) {
      this.#show("Sending", sent);
    } else if (!this.#timer) {
      const start = Date.now();
      this.#show(action, null);
      this.#timer = setInterval(() => { this.seconds.textContent = ` ${Math.round((Date.now() - start) / 1000)} s`; }, 1000);
    }
  }

  end() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.state.hidden = true;
  }

  fail(text) {
    this.end();
    Object.assign(this.state, { hidden: false, className: "state error", textContent: text });
  }

  #show(text, value) {
    if (this.bar.parentElement !== this.state) this.state.replaceChildren(this.step, this.seconds, this.bar);
    Object.assign(this.state, { hidden: false, className: "state" });
    if (this.step.textContent !== text) this.step.textContent = text;
    this.seconds.textContent = "";
    if (value === null) this.bar.removeAttribute("value");
    else this.bar.value = value;
  }
}
