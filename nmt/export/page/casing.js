/* Case as signs beside lower-case words, and back: what casing.py does, which says how. */

const TITLE = "⇧", WORD = "⇪", BEGIN = "⇈", END = "⇊";
const LETTERS = "\\p{L}\\p{No}\\p{Nl}"; // what a word is made of
const WORDS = new RegExp(`[${LETTERS}]+`, "gu"), OWN = /[⇧⇪⇈⇊]/g;
const MARKED = new RegExp(
  `(?<own>[⇧⇪⇈⇊])\\k<own>|(?<sign>[⇧⇪])(?<blank> ?)(?<word>[${LETTERS}]*)|⇈(?<before> ?)(?<span>[^⇊]*)⇊?|⇊`, "gu");

/** The text in lower case, with signs that `unmarked` understands; what it would not give back is left. */
export function marked(text) {
  const words = [...text.matchAll(WORDS)].map((found) => ({
    text: found[0], start: found.index, end: found.index + found[0].length, kind: kindOf(found[0]),
  }));
  const doubled = (part) => part.replace(OWN, "$&$&");
  if (!words.some(({ kind }) => kind)) return doubled(text);
  let found = "", place = 0;
  for (let number = 0; number < words.length; ) {
    let last = number;
    while (words[number].kind === WORD && words[last + 1]?.kind === WORD) last++;
    const long = words.slice(number, last + 1).filter((word) => [...word.text].length > 1).length;
    if (long < 2) last = number;
    const start = words[number].start, end = words[last].end, own = text.slice(start, end);
    let kind = long > 1 ? BEGIN : words[number].kind;
    if (kind === WORD && [...own].length === 1) kind = TITLE;
    let between = doubled(text.slice(place, start)), blank = start ? "" : " ";
    if (!kind) found += between + own;
    else {
      if (between.endsWith(" ")) [between, blank] = [between.slice(0, -1), " "];
      found += between + kind + blank + own.toLowerCase() + (kind === BEGIN ? END : "");
    }
    [place, number] = [end, last + 1];
  }
  found += doubled(text.slice(place));
  return unmarked(found) === text ? found : doubled(text);
}

/** The text that signs stand for; those that stand for nothing go. */
export function unmarked(text) {
  return text.replace(MARKED, (...found) => {
    const { own, sign, blank, word = "", before, span } = found.at(-1), start = found.at(-3);
    if (own) return own;
    const gap = start ? blank || before || "" : "";
    if (span !== undefined) return gap + span.replace(OWN, "").toUpperCase();
    return gap + (sign === WORD ? word.toUpperCase() : titled(word));
  });
}

/** The sign of a word that it brings back, or nothing. A single capital counts as one of a word of capitals. */
function kindOf(word) {
  const lower = word.toLowerCase();
  if (lower === word) return "";
  if (lower.toUpperCase() === word) return WORD;
  return titled(lower) === word ? TITLE : "";
}

function titled(word) {
  const [first = "", ...rest] = word;
  return first.toUpperCase() + rest.join("");
}
