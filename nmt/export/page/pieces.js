/* SentencePiece's pieces: a text as their ids, and ids as a text, exactly as the library has them.

All is read from its .model file: byte-pair encoding (Sennrich et al., 2016) and unigram models (Kudo, 2018), the rule
that unifies text, symbols that are never split, and bytes for what has no piece. */

const NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, BYTE = 6; // types of pieces
const UNIGRAM = 1, BPE = 2; // types of models
const SPACE = "▁";
const UNKNOWN_PENALTY = 10, LARGEST_SUM = 100_000; // of unigram scores
const encoder = new TextEncoder(), decoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

export class Pieces {
  /** `bytes` is a .model file. */
  constructor(bytes) {
    const trainer = {}, rule = {};
    this.pieces = [];
    for (const [number, value] of fields(bytes)) {
      if (number === 1) this.pieces.push(pieceOf(value));
      else if (number === 2) Object.assign(trainer, Object.fromEntries(fields(value)));
      else if (number === 3) Object.assign(rule, Object.fromEntries(fields(value))); // the later one counts
    }
    const { 3: kind = UNIGRAM, 35: spellsBytes = 0, 24: endsWithSpace = 0 } = trainer;
    const { 2: table, 3: beginsWithSpace = 1, 4: fewerSpaces = 1, 5: marksSpaces = 1 } = rule;
    if (![UNIGRAM, BPE].includes(kind) || endsWithSpace || !marksSpaces || this.pieces.some(({ type }) => type === 5)) {
      throw new Error("This page does not know such a SentencePiece model.");
    }
    this.beginsWithSpace = beginsWithSpace;
    this.fewerSpaces = fewerSpaces;
    this.table = table?.length ? new Table(table) : null;
    this.split = kind === BPE ? this.merged : this.likeliest;
    const ids = (...types) => this.pieces.flatMap(({ text, type }, id) => (types.includes(type) ? [[text, id]] : []));
    this.ids = new Map(ids(NORMAL, USER_DEFINED));
    this.symbols = ids(USER_DEFINED).map(([text]) => text).sort((a, b) => b.length - a.length);
    this.unknown = this.pieces.findIndex(({ type }) => type === UNKNOWN);
    this.bytes = spellsBytes ? new Map(ids(BYTE).map(([text, id]) => [byteOf(text), id])) : null;
    this.longest = Math.max(...[...this.ids.keys()].map((text) => text.length));
    this.least = ids(NORMAL).reduce((least, [, id]) => Math.min(least, this.pieces[id].score), Infinity);
  }

  /** The ids of a text. */
  encode(text) {
    const found = [];
    for (const part of this.split(this.normalized(text.toWellFormed()))) {
      const id = this.ids.get(part);
      if (id !== undefined) found.push(id);
      else if (this.bytes) found.push(...Array.from(encoder.encode(part), (byte) => this.bytes.get(byte)));
      else if (found.at(-1) !== this.unknown) found.push(this.unknown);
    }
    return found;
  }

  /** The text of ids, but for blanks at its ends. */
  decode(ids) {
    let found = "", bytes = [];
    for (const id of [...ids, null]) {
      const { text, type } = this.pieces[id] ?? {};
      if (type === BYTE) bytes.push(byteOf(text));
      else {
        found += spelled(bytes);
        bytes = [];
        if (type === UNKNOWN) found += " \u2047 ";
        else if (id !== null && type !== CONTROL) found += text.replaceAll(SPACE, " ");
      }
    }
    return found;
  }

  /** The text as its pieces see it. */
  normalized(text) {
    let found = text && this.beginsWithSpace ? SPACE : "", afterSpace = this.fewerSpaces;
    for (let at = 0; at < text.length; ) {
      const symbol = this.symbols.find((one) => text.startsWith(one, at)), char = charAt(text, at);
      const [size, becomes] = (symbol && [symbol.length, symbol]) || this.table?.find(text, at) || [char.length, char];
      const rest = afterSpace ? becomes.replace(/^ +/, "") : becomes;
      if (rest) afterSpace = this.fewerSpaces && rest.endsWith(" ");
      found += rest.replaceAll(" ", SPACE);
      at += size;
    }
    return this.fewerSpaces ? found.replace(/▁+$/, "") : found;
  }

  /** A text in characters, and symbols. */
  chars(text) {
    const found = [];
    for (let at = 0; at < text.length; at += found.at(-1).length) {
      found.push(this.symbols.find((one) => text.startsWith(one, at)) ?? charAt(text, at));
    }
    return found;
  }

  /** Byte-pair encoding: of all neighbours the two that make the piece with the best score become one, and so on. */
  merged(text) {
    const parts = this.chars(text);
    const score = (i) => {
      const pair = parts.slice(i, i + 2), id = this.ids.get(pair.join(""));
      return pair[1] === undefined || id === undefined || pair.some((one) => this.symbols.includes(one))
        ? -Infinity : this.pieces[id].score;
    };
    const scores = parts.map((_, i) => score(i));
    for (;;) {
      let best = -1;
      for (let i = 0, most = -Infinity; i < scores.length; i++) if (scores[i] > most) most = scores[best = i];
      if (best < 0) return parts;
      parts.splice(best, 2, parts[best] + parts[best + 1]);
      scores.splice(best + 1, 1);
      scores[best] = score(best);
      if (best) scores[best - 1] = score(best - 1);
    }
  }

  /** Unigram model: the split whose pieces' scores have the largest sum (Viterbi), in float32 as in the library. */
  likeliest(text) {
    const ends = [{ total: 0 }]; // of the best split of the text up to here: its sum, and where its last piece starts
    for (let start = 0, char; start < text.length; start += char.length) {
      char = charAt(text, start);
      const { total } = ends[start];
      if (Math.abs(total) > LARGEST_SUM) {
        for (const one of ends.slice(start)) if (one) one.total = Math.fround(one.total - total);
      }
      const reach = (end, score) => {
        const sum = Math.fround(ends[start].total + score);
        if (!(sum <= ends[end]?.total)) ends[end] = { total: sum, start };
      };
      for (let end = start + 1; end <= Math.min(text.length, start + this.longest); end++) {
        const id = this.ids.get(text.slice(start, end));
        if (id !== undefined) reach(end, this.pieces[id].score);
      }
      if (!this.ids.has(char)) reach(start + char.length, Math.fround(this.least - UNKNOWN_PENALTY));
    }
    const parts = [];
    for (let end = text.length; end; end = ends[end].start) parts.unshift(text.slice(ends[end].start, end));
    return parts;
  }
}

/** What characters become: a double-array trie (darts-clone) of UTF-8, and the texts that it points to. */
class Table {
  constructor(bytes) {
    const copy = bytes.slice(), size = new DataView(copy.buffer).getUint32(0, true);
    this.units = new Uint32Array(copy.buffer, 4, size / 4);
    this.texts = copy.subarray(4 + size);
  }

  /** The longest entry with which the text goes on from a place: [its length, what it becomes]. */
  find(text, start) {
    const below = (unit) => (unit >>> 10) << ((unit & 512) >>> 6);
    let place = below(this.units[0]), unit, found;
    for (let at = start; at < text.length; ) {
      const char = charAt(text, at);
      for (const byte of encoder.encode(char)) {
        unit = this.units[place ^= byte];
        if ((unit & 0x800000ff) !== byte) return found && [found[0], this.textAt(found[1])];
        place ^= below(unit);
      }
      at += char.length;
      if (unit & 256) found = [at - start, this.units[place] & 0x7fffffff];
    }
    return found && [found[0], this.textAt(found[1])];
  }

  textAt(place) {
    return decoder.decode(this.texts.subarray(place, this.texts.indexOf(0, place)));
  }
}

/** The fields of a message of protocol buffers, in order: [number, a number or bytes]. */
function* fields(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    for (let value = 0, unit = 1; ; unit *= 128) {
      const byte = view.getUint8(at++);
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint(), number = Math.floor(tag / 8), kind = tag % 8;
    if (kind === 0) yield [number, varint()];
    else if (kind === 1) at += 8;
    else if (kind === 2) { const size = varint(); yield [number, bytes.subarray(at, at += size)]; }
    else if (kind === 5) { yield [number, view.getFloat32(at, true)]; at += 4; }
    else throw new Error("This is no SentencePiece model.");
  }
}

function pieceOf(message) {
  const { 1: bytes, 2: score = 0, 3: type = NORMAL } = Object.fromEntries(fields(message)), text = decoder.decode(bytes);
  return { text, type, score: type === USER_DEFINED ? Math.fround(0.1 * (bytes.length - 1)) : score };
}

const byteOf = (piece) => parseInt(piece.slice(3, 5), 16); // <0x0A>
const charAt = (text, at) => String.fromCodePoint(text.codePointAt(at));

/** UTF-8 as text, with U+FFFD for each byte that is of no character. */
function spelled(bytes) {
  let found = "";
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at], size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    try {
      found += decoder.decode(Uint8Array.from(bytes.slice(at, at + size)));
      at += size;
    } catch {
      found += "\ufffd";
      at += 1;
    }
  }
  return found;
}
