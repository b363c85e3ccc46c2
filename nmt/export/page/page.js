/* The page around translate.js: two boxes, the direction, and in words how things stand. */

import { Translator } from "./translate.js";

const RUNTIME = "./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs";
const RTL = /^(ar|arc|ckb|dv|fa|he|ps|sd|ug|ur|yi)\b/;
const WAIT = 200; // ms after the last key
const $ = (id) => document.getElementById(id);
const names = new Intl.DisplayNames(["en"], { type: "language" });
let translator, running = new AbortController(), timer;

function say(text, isTrouble = false) {
  $("status").textContent = text;
  $("status").classList.toggle("trouble", isTrouble);
}

function nameOf(code) {
  try { return names.of(code.replaceAll("_", "-")); } catch { return code; }
}

/** A file of the folder; while it comes, the page says how much of all is there. */
const loaded = { bytes: 0, of: 0, hasFailed: false };
async function read(name) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name} is not beside this page (${response.status}).`);
  const parts = [], mega = (bytes) => (bytes / 1e6).toFixed(1);
  loaded.of += Number(response.headers.get("content-length"));
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    loaded.bytes += value.length;
    if (!loaded.hasFailed) say(`Loading the model: ${mega(loaded.bytes)} of ${mega(Math.max(loaded.of, loaded.bytes))} MB`);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function load() {
  say("Loading onnxruntime-web …");
  const ort = await import(RUNTIME).catch(() => {
    throw new Error("onnxruntime-web is not beside this page: npm install --prefix . onnxruntime-web");
  });
  ort.env.wasm.numThreads = 1; // more of them need a server that isolates the page
  translator = await Translator.load(ort, read);
  const { directions } = translator.about;
  $("direction").replaceChildren(...directions.map(({ src, tgt }, number) =>
    new Option(`${nameOf(src)} into ${nameOf(tgt)}`, number)));
  $("choice").hidden = directions.length < 2;
  if (directions.length < 2) $("title").textContent = document.title = $("direction").textContent;
  directed();
  $("text").addEventListener("input", () => {
    say("");
    clearTimeout(timer);
    timer = setTimeout(translate, WAIT);
  });
  $("direction").addEventListener("change", () => { directed(); translate(); });
  await translate();
}

function directed() {
  const { src, tgt } = translator.about.directions[$("direction").value];
  for (const [id, code] of [["text", src], ["translation", tgt]]) {
    $(id).lang = code.replaceAll("_", "-");
    $(id).dir = RTL.test(code) ? "rtl" : "ltr";
  }
}

async function translate() {
  running.abort();
  running = new AbortController();
  const { signal } = running, lines = $("text").value.split("\n"), began = performance.now();
  const { src, tgt, leading } = translator.about.directions[$("direction").value];
  const found = (translations, done, of) => {
    if (signal.aborted) return;
    $("translation").textContent = translations.join("\n");
    say(done < of ? `Translating: ${done} of ${of} lines` : "");
  };
  try {
    say("Translating …");
    found(await translator.translate(lines, { leading, found, signal }));
    const long = lines.findIndex((line) => translator.source(line).isCut);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    if (signal.aborted) return;
    if (long >= 0) say(`Line ${long + 1} is too long: its beginning alone was translated.`, true);
    else if ($("text").value.trim()) say(`Translated in ${seconds} s`);
    else say(`Ready: ${nameOf(src)} into ${nameOf(tgt)}`);
  } catch (error) {
    if (!signal.aborted) say(`It could not be translated: ${error.message}`, true);
  }
}

load().catch((error) => {
  loaded.hasFailed = true; // other files may still come
  say(`This page does not work: ${error.message}`, true);
});
