/** Corrects the label of a photo: one button for each class. */

import { paintPhoto } from "./colors.js";
import { makeButton } from "./correct_mask.js";
import { displaySize, element, makeCanvas, percent } from "./elements.js";
import { model } from "./model.js";

export class LabelEditor {
  /** `onChange` is called after each change. */
  constructor(bitmap, prediction, onChange) {
    Object.assign(this, { value: model.classes.indexOf(prediction.label), onChange });
    const canvas = makeCanvas(...displaySize(bitmap.width, bitmap.height));
    Object.assign(canvas, { role: "img", ariaLabel: "The photo" });
    paintPhoto(canvas, bitmap);
    const picture = element("div", "correct-stage still");
    picture.append(canvas);
    this.stage = { element: picture };
    this.controls = element("div", "correct-controls");
    const list = element("div", "correct-classes");
    Object.assign(list, { role: "group", ariaLabel: "The photo's class" });
    this.buttons = model.classes.map((name, index) => {
      const button = makeButton("", () => this.choose(index));
      button.append(element("span", "", name), element("small", "", percent(prediction.probabilities[name])), ...(index < 9 ? [element("kbd", "", `${index + 1}`)] : []));
      return button;
    });
    list.append(...this.buttons);
    const help = element("p", "correct-help small muted", "Choose the photo's class, also with the keys 1 to 9, and save. Beside each class is its predicted probability.");
    this.controls.append(list, help);
    this.#show();
  }

  /** What is corrected: the number of the class. */
  get content() { return this.value; }

  restore(content) {
    this.value = content;
    this.#show();
  }

  async form() { return { label: model.classes[this.value] }; }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key) || event.key > model.classes.length) return false;
    this.choose(event.key - 1);
    this.buttons[this.value].focus();
    return true;
  }

  choose(index) {
    this.value = index;
    this.#show();
    this.onChange();
  }

  #show() { this.buttons.forEach((button, i) => { button.ariaPressed = i === this.value; }); }
}
