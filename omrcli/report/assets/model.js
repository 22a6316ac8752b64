// What was read and what has become of it: staves of tokens, edits, undo, and what is kept.

const data = JSON.parse(document.getElementById("data").textContent);

// A token: `was` is the text as read, null where it was inserted, and `x` where it was read. Its doubt is its own, while its
// confidence is also that of the clef and key that it rests on.
function makeToken([text, confidence, box, line, alternatives, x, doubt], index) {
  return { text, confidence, doubt, box, line, alternatives, x, index, was: text, right: false,
    symbol: data.hasScore ? parseToken(text) : null };
}

const staves = data.staves.map((staff, number) => (
  { ...staff, number, tokens: staff.tokens.map(makeToken), right: false, built: false }));
const parts = Array.from({ length: Math.max(1, ...data.systems.map((s) => s.length)) }, (_, part) =>
  data.systems.map((system) => system[part] ?? null).filter((n) => n !== null).map((n) => staves[n]));
const partOf = (staff) => parts.find((part) => part.includes(staff)) ?? [staff];

const state = { threshold: data.threshold, chosen: null, undo: [], listeners: [], unsaved: false };
const isEdited = (token) => token.was !== token.text;
const isDoubtful = (token) => token.doubt >= state.threshold && !token.right && !isEdited(token);

function setText(token, text) {
  token.text = text;
  token.symbol = data.hasScore ? parseToken(text) : null;
}

// Do something to the tokens of a staff, so that it can be undone.
function edit(staff, change) {
  const before = { staff, right: staff.right, tokens: staff.tokens.map((token) => ({ ...token })) };
  state.undo.push(before);
  change(staff);
  settle(staff);
}

function undo() {
  const before = state.undo.pop();
  if (!before) return null;
  before.staff.tokens = before.tokens;
  before.staff.right = before.right;
  settle(before.staff);
  return before.staff;
}

function settle(staff) {
  keep();
  for (const listener of state.listeners) listener(staff);
}

// A text of several tokens replaces one by all of them, the empty one deletes it.
function replaceToken(staff, place, text) {
  const texts = text.split(/\s+/).filter(Boolean);
  const old = staff.tokens[place];
  const made = texts.map((each, n) => n === 0 ? { ...old } : insertedToken(staff, place, n));
  texts.forEach((each, n) => setText(made[n], each));
  if (made.length) made[0].right = true; // it may be what it was, with others behind, and is no doubt anymore
  staff.tokens.splice(place, 1, ...made);
}

// A token that was not read, a little to the right of the one at `place`.
function insertedToken(staff, place, nth = 1) {
  const left = staff.tokens[place], right = staff.tokens[place + 1];
  const size = 1.9 * staff.interline;
  const start = left ? left.box[2] : staff.edges[0];
  const end = right ? right.box[0] : staff.edges[1];
  const middle = Math.min(start + (nth - 0.5) * size, Math.max((start + end) / 2, start));
  const box = [middle - size / 2, 0, middle + size / 2, 4 * staff.interline];
  return { text: "", confidence: 1, doubt: 0, box, line: (left ?? right)?.line ?? staff.interline * 6,
    alternatives: [], x: middle, index: -1, was: null, right: true, symbol: null };
}

// --- kept in the browser, so that an evening's work outlives the tab --------------------------------

const STORE = `omr-proof:${data.stem}:${data.sha256}:${fingerprint()}`;

function fingerprint() {
  let hash = 0;
  for (const staff of data.staves) {
    for (const [text] of staff.tokens) for (const sign of text) hash = (hash * 31 + sign.codePointAt(0)) | 0;
  }
  return (hash >>> 0).toString(36);
}

const isTouched = (staff) => staff.right || staff.tokens.length !== data.staves[staff.number].tokens.length ||
  staff.tokens.some((token) => token.right || isEdited(token));

function keep() {
  const kept = staves.filter(isTouched).map((staff) => (
    [staff.number, staff.right, staff.tokens.map(({ text, index, box, line, right, x }) => (
      index < 0 ? [text, index, right, box, line, x] : [text, index, right]))]));
  try {
    localStorage.setItem(STORE, JSON.stringify(kept));
  } catch {
    state.unsaved = true; // a browser may keep nothing for files: the page then asks before it closes
  }
}

function restore() {
  let kept = [];
  try {
    kept = JSON.parse(localStorage.getItem(STORE) ?? "[]");
  } catch { return; }
  for (const [number, right, tokens] of kept) {
    const staff = staves[number];
    const made = staff?.tokens;
    if (!made) continue;
    staff.right = right;
    staff.tokens = tokens.map(([text, index, isRight, box, line, x]) => {
      const token = index < 0 ? { ...insertedToken(staff, -1), box, line, x } : made[index];
      token.right = isRight;
      setText(token, text);
      return token;
    });
  }
}
