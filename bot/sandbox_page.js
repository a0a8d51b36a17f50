// Served before simcord's own page script: lets every press on a bot's button count.
//
// The page draws a message anew whenever it changes, and drops what is pressed while it waits for an answer. Messages
// change all the time while something is painted: without this, about one press in twenty would do nothing.
import "./simcord.js";

const STILL_PX = 4; // a pointer that went farther has changed its mind
const LOOK_MS = 50;
const PATIENCE_MS = 20_000;

/** What was pressed, by words that outlive the element: {message, label, at: [x, y]} */
let pressed = null;

const buttonAt = (element) => element.closest?.("article.channel-message button.component-button");
const waits = (button) => button.getAttribute("aria-disabled") === "true";

function describe(button, event) {
  return {
    message: button.closest("article").dataset.messageId,
    label: button.textContent,
    at: [event.clientX, event.clientY],
  };
}

function find({ message, label }) {
  const buttons = document.querySelectorAll(`article[data-message-id="${message}"] button.component-button`);
  return [...buttons].find((button) => button.textContent === label);
}

/** Presses the button as soon as the page takes presses; one that is gone by then needs none. */
function pressSoon(what, until = performance.now() + PATIENCE_MS) {
  const button = find(what);
  if (!button || button.disabled || performance.now() > until) return;
  if (waits(button)) setTimeout(() => pressSoon(what, until), LOOK_MS);
  else button.click();
}

document.addEventListener(
  "pointerdown",
  (event) => {
    const button = event.isPrimary && event.button === 0 && buttonAt(event.target);
    pressed = button ? describe(button, event) : null;
  },
  true,
);

document.addEventListener(
  "pointerup",
  (event) => {
    const what = pressed;
    if (!what || Math.hypot(event.clientX - what.at[0], event.clientY - what.at[1]) > STILL_PX) return;
    // Where the page moved under the pointer, no click reaches the button.
    setTimeout(() => {
      if (pressed !== what) return;
      pressed = null;
      pressSoon(what);
    });
  },
  true,
);

document.addEventListener(
  "click",
  (event) => {
    const button = buttonAt(event.target);
    if (!button) return;
    pressed = null;
    if (!waits(button)) return;
    event.stopPropagation();
    pressSoon(describe(button, event));
  },
  true,
);
