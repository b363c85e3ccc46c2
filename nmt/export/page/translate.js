/* Translates with the model beside this file, which nmt-export has written, as translate.py does:

    import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs";
    const read = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
    const translator = await Translator.load(ort, read);
    await translator.translate(["Ein Hund rennt."]); */

import { marked, unmarked } from "./casing.js";
import { Pieces } from "./pieces.js";

const BATCH = 16; // sentences
const TURN = 30; // ms, after which whatever else waits has its turn
const BLANK = "[\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]"; // of Python's strip
const ENDS = new RegExp(`^${BLANK}+|${BLANK}+$`, "g"), LINE_END = /[\n-\r\x1c-\x1e\x85\u2028\u2029]/;

export class Translator {
  /** `ort` is onnxruntime-web, and `read` gives a file of the folder, a Uint8Array. */
  static async load(ort, read) {
    const about = JSON.parse(new TextDecoder().decode(await read("model.json")));
    const names = [about.pieces.src, about.pieces.tgt, "encoder.onnx", "decoder.onnx"];
    const [src, tgt, ...graphs] = await Promise.all(names.map(read));
    const made = Object.assign(new Translator(), { ort, about, src: new Pieces(src), tgt: new Pieces(tgt) });
    made.encoder = await ort.InferenceSession.create(graphs[0], { executionProviders: ["wasm"] });
    made.decoder = await ort.InferenceSession.create(graphs[1], { executionProviders: ["wasm"] });
    return made;
  }

  /** One translation a text; `leading` are the ids of a direction, and `found` gets what is translated so far. */
  async translate(texts, { beamSize = this.about.search.beam_size, leading = [], found = () => {}, signal } = {}) {
    const sources = texts.map((text) => this.source(text, leading));
    const translations = sources.map(({ copy = "" }) => copy);
    const order = [...sources.keys()].filter((number) => sources[number].ids.length);
    order.sort((one, other) => sources[other].ids.length - sources[one].ids.length);
    for (let start = 0; start < order.length; start += BATCH) {
      const batch = order.slice(start, start + BATCH);
      const best = await this.search(batch.map((number) => sources[number].ids), beamSize, signal);
      batch.forEach((number, place) => { translations[number] = this.written(best[place]); });
      found(translations, start + batch.length, order.length);
    }
    return translations;
  }

  /** What the encoder reads of a text: its ids, none where there is nothing to translate; whether its end is cut off;
   * and its copy, if it stays as it is. */
  source(given, leading = []) {
    const { nfc, casing, copy_letterless: copies, max_chars: chars, max_pieces: most } = this.about.text;
    const whole = [...(nfc ? given.normalize("NFC") : given)], text = whole.slice(0, chars).join("");
    const pieces = this.src.encode(casing === "marked" ? marked(text) : text), cut = pieces.length >= most;
    if (copies && isLetterless(given)) return { ids: [], copy: given };
    const ids = [...leading, ...pieces.slice(0, most - 1), this.about.ids.eos];
    return { ids: pieces.length ? ids : [], isCut: cut || whole.length > chars };
  }

  /** The text of a target's ids, on one line. */
  written(ids) {
    const text = this.tgt.decode(ids);
    const plain = this.about.text.casing === "marked" ? unmarked(stripped(text)) : text;
    return stripped(plain.replace(/[\r\n]+/g, " "));
  }

  /** The best hypothesis of each source by beam search, of 1 greedily. A hypothesis is given up whose mean could not
   * be the best even if it got `patience` more tokens for nothing. */
  async search(sources, size, signal) {
    const { search: settings, ids: { pad, bos, eos }, memory, states } = this.about;
    const lengths = sources.map((source) => source.length), longest = Math.max(...lengths);
    const src = sources.flatMap((source) => [...source, ...Array(longest - source.length).fill(pad)]);
    const shape = [sources.length, longest];
    const inputs = await this.encoder.run({ src: this.ints(src, shape), src_len: this.ints(lengths, [lengths.length]) });
    const limits = lengths.map((length) => Math.trunc(length * settings.max_ratio) + settings.max_extra);
    const live = sources.map(() => [{ parent: 0, ids: [], total: 0 }]), ended = sources.map(() => []);
    const best = sources.map(() => -Infinity), free = sources.map(() => size);
    let searched = [...sources.keys()], began = performance.now();
    inputs.ids = this.ints(sources.map(() => bos), [sources.length, 1]);
    while (searched.length) {
      if (performance.now() - began > TURN) {
        await new Promise((done) => setTimeout(done));
        signal?.throwIfAborted();
        began = performance.now();
      }
      const outputs = await this.decoder.run(inputs), [, width, vocabulary] = outputs.log_probs.dims;
      for (const [row, i] of searched.entries()) {
        const before = live[i], length = before[0].ids.length + 1, now = [];
        const logProbs = outputs.log_probs.data.subarray(row * width * vocabulary, (row + 1) * width * vocabulary);
        for (const { total, parent, token } of largest(logProbs, vocabulary, before, free[i])) {
          const extended = token === eos ? before[parent].ids : [...before[parent].ids, token];
          if (token === eos || length >= limits[i]) {
            ended[i].push({ score: total / penalty(length, settings), ids: extended });
            best[i] = Math.max(best[i], total / length);
            free[i] -= 1;
          } else now.push({ parent, ids: extended, total });
        }
        const least = ended[i].length ? best[i] * (length + settings.patience) : -Infinity;
        live[i] = now.filter(({ total }) => total >= least);
        if (!live[i].length && !ended[i].length) { // numbers of the model overflow
          ended[i].push({ score: -Infinity, ids: before[0].ids });
        }
      }
      const stay = [...searched.keys()].filter((row) => live[searched[row]].length);
      const kept = stay.map((row) => Array.from({ length: size }, (_, k) => live[searched[row]][k]));
      const parents = stay.flatMap((row, place) => kept[place].map((one) => row * width + (one?.parent ?? 0)));
      for (const name of memory) inputs[name] = this.rows(inputs[name], stay, [stay.length], 1);
      for (const name of states) inputs[name] = this.rows(outputs[`next_${name}`], parents, [stay.length, size], 2);
      inputs.ids = this.ints(kept.flat().map((one) => one?.ids.at(-1) ?? eos), [stay.length, size]);
      searched = stay.map((row) => searched[row]);
    }
    return ended.map((of) => of.reduce((one, other) => (other.score > one.score ? other : one)).ids);
  }

  ints(numbers, shape) {
    return new this.ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), shape);
  }

  /** These rows of a tensor, of which the first `axes` dimensions count as one, in a new shape. */
  rows(tensor, places, shape, axes) {
    const rest = tensor.dims.slice(axes), size = rest.reduce((product, dim) => product * dim, 1);
    const data = new tensor.data.constructor(places.length * size);
    places.forEach((from, to) => data.set(tensor.data.subarray(from * size, (from + 1) * size), to * size));
    return new this.ort.Tensor(tensor.type, data, [...shape, ...rest]);
  }
}

/** Of the tokens after hypotheses, whose log-probabilities stand one after the other, the most likely, best first. */
function largest(logProbs, vocabulary, hypotheses, count) {
  const found = [];
  hypotheses.forEach((hypothesis, parent) => {
    for (let token = 0, place = parent * vocabulary, least = -Infinity; token < vocabulary; token++, place++) {
      if (found.length === count) least = found[count - 1].total;
      const total = Math.fround(hypothesis.total + logProbs[place]);
      if (!(total > least)) continue;
      const better = found.findIndex((one) => one.total < total);
      found.splice(better < 0 ? found.length : better, 0, { total, parent, token });
      found.length = Math.min(found.length, count);
    }
  });
  return found;
}

/** What the log-probability of so many tokens, the end included, is divided by. */
function penalty(length, { normalisation, alpha }) {
  return { none: 1, average: length, gnmt: (5 + length) / 6 }[normalisation] ** alpha;
}

const stripped = (text) => text.replace(ENDS, "");

function isLetterless(text) {
  return !/\p{L}/u.test(text) && stripped(text) !== "" && !LINE_END.test(text);
}
