/* What the scripts of an exported folder answer to the JSON of stdin: node asked.mjs FOLDER */

import { readFileSync } from "node:fs";
import * as ort from "./stub.mjs";

const [folder] = process.argv.slice(2), read = async (name) => new Uint8Array(readFileSync(`${folder}/${name}`));
const { Translator } = await import(`${folder}/translate.js`);
const { Pieces } = await import(`${folder}/pieces.js`);
const { marked, unmarked } = await import(`${folder}/casing.js`);
const asked = JSON.parse(readFileSync(0, "utf-8"));
const answers = {};
if (asked.model) {
  const pieces = new Pieces(await read(asked.model));
  answers.encoded = asked.texts.map((text) => pieces.encode(text));
  answers.decoded = asked.ids.map((ids) => pieces.decode(ids));
  answers.marked = asked.texts.map(marked);
  answers.unmarked = asked.texts.map(unmarked);
} else {
  const translator = await Translator.load(ort, read);
  answers.found = [];
  for (const { settings, ...options } of asked.searches) {
    Object.assign(translator.about.search, settings);
    answers.found.push(await translator.translate(asked.texts, options));
  }
}
console.log(JSON.stringify(answers));
