// The page: a form that queues jobs, the jobs as they are painted, and what was painted before.

import { Refused, ask as askService, events as eventsOf } from "/page/service.js";
import { TEXTS } from "/page/texts.js";

const LOOK_MS = 3000;
const FIELDS = ["prompt", "negative_prompt", "model", "num_inference_steps", "guidance_scale", "width", "height", "seed", "num_images"];

const $ = (id) => document.getElementById(id);
const form = $("form");
let language = localStorage.getItem("easel-language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");
let models = [];
let older = null;

// Words

function say(key, values = {}) {
  return (TEXTS[language][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

function speak() {
  document.documentElement.lang = language;
  for (const each of document.querySelectorAll("[data-text]")) {
    each.textContent = say(each.dataset.text, JSON.parse(each.dataset.values ?? "{}"));
  }
  $("language").value = language;
  $("search").placeholder = say("search");
  describeModel();
}

function element(name, { text, values, classes, ...rest } = {}, ...children) {
  const made = Object.assign(document.createElement(name), rest);
  if (classes) made.className = classes;
  if (text) tell(made, text, values);
  made.append(...children);
  return made;
}

function tell(target, text, values = {}) {
  target.dataset.text = text;
  target.dataset.values = JSON.stringify(values);
  target.textContent = say(text, values);
}

// The service

let waitingForKey = null;

function askForKey() {
  waitingForKey ??= new Promise((found) => {
    $("key-form").onsubmit = () => {
      waitingForKey = null;
      found($("key-form").elements.key.value.trim());
    };
    $("key-dialog").showModal();
  });
  return waitingForKey;
}

const ask = (path, options) => askService(path, { askForKey, ...options });
const events = (path, options) => eventsOf(path, { askForKey, ...options });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Models

async function lookAtModels() {
  const chosen = form.elements.model.value;
  models = (await ask("/api/models")).data;
  const select = form.elements.model;
  select.replaceChildren(...models.map((model) => element("option", { value: model.key, textContent: model.key })));
  select.value = chosen || models.find((model) => model.default).key;
  if (!chosen) takeDefaults();
  describeModel();
  form.querySelector("[type=submit]").disabled = false;
}

const model = () => models.find((each) => each.key === form.elements.model.value);

function describeModel() {
  const chosen = model();
  if (!chosen) return;
  const state = say(`state_${chosen.state}`, chosen);
  $("about-model").textContent = `${chosen.best_for ? `${chosen.best_for}. ` : ""}${chosen.key}: ${state}.`;
  $("load").disabled = chosen.state === "loaded" || chosen.state === "loading";
  $("unload").disabled = chosen.state !== "loaded";
}

function takeDefaults() {
  const { defaults, ranges } = model();
  const bounds = {
    num_inference_steps: ranges.num_inference_steps, guidance_scale: ranges.guidance_scale,
    width: ranges.size, height: ranges.size,
  };
  for (const [name, [low, high]] of Object.entries(bounds)) {
    Object.assign(form.elements[name], { min: low, max: high, value: defaults[name] });
  }
  form.elements.width.step = form.elements.height.step = ranges.size_multiple;
}

async function load() {
  const key = model().key;
  $("load").disabled = true;
  try {
    for await (const [name, data] of events(`/api/models/${key}/load`, { method: "POST" })) {
      if (name === "loading") {
        const part = data.fraction === null ? "" : ` ${Math.round(data.fraction * 100)} %`;
        $("about-model").textContent = `${data.text}${part}`;
      }
      if (name === "error") throw new Refused(data.error.message);
    }
    await lookAtModels();
  } catch (error) {
    await lookAtModels().catch(() => {});
    refuse(error);
  }
}

// Jobs

async function submit(event) {
  event.preventDefault();
  $("refused").textContent = "";
  const values = Object.fromEntries(FIELDS.map((name) => {
    const field = form.elements[name];
    return [name, field.type === "number" ? field.valueAsNumber : field.value];
  }));
  try {
    follow(await ask("/api/generations", { method: "POST", body: values }));
  } catch (error) {
    refuse(error);
  }
}

function refuse(error) {
  if (!(error instanceof Refused || error instanceof TypeError)) throw error;
  $("refused").textContent = error instanceof Refused ? error.message : say("away");
}

// A card that follows its job to the end, also when the connection is lost in between.
async function follow(job) {
  const state = element("p", { classes: "state", text: "accepted" });
  const bar = element("progress");
  const preview = element("div", { classes: "preview" });
  const cancel = element("button", { type: "button", text: "cancel" });
  cancel.onclick = () => ask(`/api/generations/${job.id}/cancel`, { method: "POST" }).catch(refuse);
  const card = element("article", {}, element("h3", { textContent: job.request.prompt }), state, bar, preview, element("div", { classes: "buttons" }, cancel));
  $("nothing-yet").hidden = true;
  $("jobs").prepend(card);

  let done = null;
  while (!done) {
    try {
      for await (const [name, data] of events(`/api/generations/${job.id}/events`)) {
        if (name === "queued" && data.position) {
          const seconds = data.position.seconds;
          tell(state, seconds === null ? "queued" : "queued_for", { ahead: data.position.ahead, seconds: Math.ceil(seconds) });
        } else if (name === "running") {
          tell(state, "running");
        } else if (name === "loading") {
          tell(state, "loading", data);
          data.fraction === null ? bar.removeAttribute("value") : (bar.value = data.fraction);
        } else if (name === "progress") {
          tell(state, "progress", data);
          bar.value = data.step / data.of;
          if (data.preview) preview.replaceChildren(element("img", { alt: "", src: `data:image/webp;base64,${data.preview}` }));
        } else if (name === "done") {
          done = data.generation;
        }
      }
    } catch (error) {
      if (error instanceof Refused) return refuse(error);
      tell(state, "away");
    }
    if (!done) await pause(1000);
  }
  card.replaceWith(cardOf(done));
  if (done.status === "stored") await Promise.all([showHistory(), lookAtModels()]);
}

// What became of a job: its pictures and its facts, and what can be done with them.
function cardOf(job) {
  const prompt = job.request.prompt;
  const card = element("article", {}, element("h3", { textContent: prompt }));
  if (job.status !== "stored") {
    card.classList.add(job.status === "cancelled" ? "cancelled" : "failed");
    const state = element("p", { classes: "state" });
    if (job.status === "cancelled") tell(state, "cancelled");
    else state.textContent = job.error?.message ?? job.status;
    card.append(state, element("div", { classes: "buttons" }, reuseButton(job)));
    return card;
  }
  const kept = job.pictures.filter((picture) => picture.url);
  const pictures = kept.map((picture) => element("a", { href: picture.url, target: "_blank" }, element("img", {
    src: picture.url, alt: prompt, width: picture.width, height: picture.height,
  })));
  const buttons = element("div", { classes: "buttons" }, reuseButton(job));
  for (const picture of kept) {
    const link = element("a", { href: picture.url, download: `${picture.id}.png` });
    const button = element("button", { type: "button", text: "download" });
    button.onclick = () => link.click();
    buttons.append(button);
  }
  if (kept.length) {
    const remove = element("button", { type: "button", text: "remove" });
    remove.onclick = async () => {
      if (!confirm(say("confirm_remove"))) return;
      const left = await ask(`/api/generations/${job.id}`, { method: "DELETE" });
      card.replaceWith(cardOf(left));
      await showHistory();
    };
    buttons.append(remove);
  } else {
    card.append(element("p", { classes: "state", text: "deleted" }));
  }
  card.append(element("div", { classes: "pictures" }, ...pictures), factsOf(job), buttons);
  return card;
}

function reuseButton(job) {
  const button = element("button", { type: "button", text: "reuse" });
  button.onclick = () => {
    form.elements.model.value = job.request.model;
    if (model()) takeDefaults();
    for (const name of FIELDS) form.elements[name].value = job.request[name];
    describeModel();
    $("shown").close();
    form.elements.prompt.focus();
  };
  return button;
}

function factsOf(job) {
  const asked = job.request;
  const facts = [
    ["model", asked.model], ["sampler", asked.sampler], ["num_inference_steps", asked.num_inference_steps],
    ["guidance_scale", asked.guidance_scale], ["size", `${asked.width}×${asked.height}`], ["seed", asked.seed],
  ];
  if (asked.negative_prompt) facts.push(["negative_prompt", asked.negative_prompt]);
  const shown = facts.map(([name, value]) => element("div", {}, element("dt", { text: name }), element("dd", { textContent: value })));
  if (job.seconds_running !== null) {
    const seconds = job.seconds_running.toFixed(1);
    shown.push(element("div", {}, element("dt", { text: "took" }), element("dd", { text: "seconds", values: { seconds } })));
  }
  return element("dl", {}, ...shown);
}

// History

async function showHistory({ more = false } = {}) {
  const query = new URLSearchParams({ limit: 24 });
  if ($("search").value.trim()) query.set("search", $("search").value.trim());
  if (more && older) query.set("before", older);
  const page = await ask(`/api/generations?${query}`);
  older = page.next;
  const tiles = page.data.flatMap((job) => job.pictures.filter((picture) => picture.url).map((picture) => tileOf(job, picture)));
  more ? $("gallery").append(...tiles) : $("gallery").replaceChildren(...tiles);
  $("older").hidden = !older;
  $("no-history").hidden = $("gallery").children.length > 0;
}

function tileOf(job, picture) {
  const button = element("button", { type: "button" },
    element("img", { src: picture.url, alt: job.request.prompt, loading: "lazy" }),
    element("span", { textContent: job.request.prompt }));
  button.onclick = () => {
    $("shown-body").replaceChildren(cardOf(job));
    $("shown").showModal();
  };
  return element("li", {}, button);
}

// The engine's line, for as long as the page is open

async function lookAtEngine() {
  while (true) {
    try {
      tell($("engine"), "engine", await ask("/api/engine"));
      if (!models.length) await begin();
    } catch {
      tell($("engine"), "away");
    }
    await pause(LOOK_MS);
  }
}

async function begin() {
  await lookAtModels();
  for (const status of ["running", "queued"]) {
    for (const job of (await ask(`/api/generations?status=${status}`)).data.reverse()) follow(job);
  }
  await showHistory();
}

form.onsubmit = submit;
form.elements.model.onchange = () => {
  takeDefaults();
  describeModel();
};
$("load").onclick = load;
$("unload").onclick = () => ask(`/api/models/${model().key}/unload`, { method: "POST" }).then(lookAtModels).catch(refuse);
$("refresh").onclick = () => showHistory().catch(refuse);
$("older").onclick = () => showHistory({ more: true }).catch(refuse);
$("search").onchange = () => showHistory().catch(refuse);
$("shown").querySelector(".close").onclick = () => $("shown").close();
$("language").onchange = () => {
  language = $("language").value;
  localStorage.setItem("easel-language", language);
  speak();
};

speak();
lookAtEngine();
