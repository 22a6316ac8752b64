// Notes made audible: a small synthesiser on WebAudio, and the notes that it is given.

// --- which measures, in which order -----------------------------------------------------------------

const STARTS = ["repeat-start", "repeat-both"], ENDS = ["repeat-end", "repeat-both"];

// Whether at least half of the parts that show something in a column say so.
function mostSay(column, says) {
  const read = (column ?? []).filter((measure) => !measure.isFiller);
  return read.length > 0 && 2 * read.filter(says).length >= read.length;
}

const closesWith = (texts) => ({ barline }) => barline !== null && texts.includes(barline.text);

// A barline before the first event, as at the left end of a staff.
const opensWith = (texts) => ({ items }) =>
  items.slice(0, items.findIndex((item) => isEvent(item.symbol))).some((item) => texts.includes(item.text));

// The columns of the score as they are played: what stands between repeat signs twice.
function playingOrder() {
  const { columns } = score, order = [];
  const starts = (at) => mostSay(columns[at], opensWith(STARTS)) || mostSay(columns[at - 1], closesWith(STARTS));
  const ends = (at) => mostSay(columns[at], closesWith(ENDS)) || mostSay(columns[at + 1], opensWith(ENDS));
  let from = 0, isAgain = false, at = 0;
  while (at < columns.length) {
    if (starts(at)) from = at;
    order.push(at);
    if (ends(at) && !isAgain) {
      [at, isAgain] = [from, true];
    } else {
      if (ends(at)) [from, isAgain] = [at + 1, false];
      at++;
    }
  }
  return order;
}

// --- the notes in them --------------------------------------------------------------------------------

// All sounding notes of some columns, one after the other: {start, length} in quarters, keys, tokens.
function makeTimeline(order) {
  const notes = [];
  const open = new Map(); // per part and key, a note whose tie waits for its end
  let start = 0;
  order.forEach((place, n) => {
    if (n > 0 && place !== order[n - 1] + 1) open.clear(); // no tie leads back to a repeat sign
    const column = score.columns[place];
    column.forEach((measure, part) => layMeasure(measure, start, part, notes, open));
    start += Math.max(0, ...column.map((measure) => measure.actual));
  });
  return { notes, length: start };
}

function layMeasure(measure, start, part, notes, open) {
  let at = start;
  let graces = measureGraces(measure.items);
  for (const item of measure.items) {
    const { symbol } = item;
    if (symbol.kind === "grace") {
      const length = 0.125;
      notes.push(makeNote(item, Math.max(start, at - length * graces.get(item)), length, symbol.pitches));
    } else {
      if (symbol.kind === "note") layNote(item, at, part, notes, open);
      at += quartersOf(symbol, measure.expected);
    }
  }
}

// How many grace notes are left, itself included, before the note that they lead to.
function measureGraces(items) {
  const counts = new Map();
  let count = 0;
  for (const item of [...items].reverse()) {
    count = item.symbol.kind === "grace" ? count + 1 : isEvent(item.symbol) ? 0 : count;
    counts.set(item, count);
  }
  return counts;
}

function layNote(item, at, part, notes, open) {
  const { symbol } = item;
  const fresh = [];
  for (const pitch of symbol.pitches) {
    const name = `${part}:${midiKey(pitch)}`;
    const tied = open.get(name);
    open.delete(name);
    if (tied && Math.abs(tied.start + tied.length - at) < NEAR) {
      tied.length += symbol.quarters;
      if (item.tied) open.set(name, tied);
      notes.push({ ...makeNote(item, at, symbol.quarters, []) });
      continue;
    }
    const note = makeNote(item, at, symbol.quarters, [pitch]);
    if (item.tied) open.set(name, note);
    fresh.push(note);
  }
  notes.push(...fresh);
}

const makeNote = (item, start, length, pitches) => (
  { start, length, keys: pitches.map(midiKey), staff: item.staff, place: item.place });

// --- sound ----------------------------------------------------------------------------------------

const player = { context: null, timer: null, follows: false, onNote: () => {}, onEnd: () => {} };
const isPlaying = () => player.timer !== null;

// Play notes of a timeline; only a little ahead is given to the synthesiser, so it can stop.
function playNotes(notes, quartersAMinute) {
  stopPlaying();
  player.context ??= new AudioContext();
  player.context.resume();
  player.output = player.context.createGain();
  player.output.connect(player.context.destination);
  const second = 60 / quartersAMinute;
  const waiting = [...notes].sort((one, two) => one.start - two.start);
  const origin = waiting[0]?.start ?? 0;
  const zero = player.context.currentTime + 0.12;
  const end = zero + second * Math.max(0, ...notes.map((n) => n.start + n.length - origin));
  const shown = [];
  player.timer = setInterval(() => {
    const now = player.context.currentTime;
    while (waiting.length && zero + (waiting[0].start - origin) * second < now + 0.5) {
      const note = waiting.shift();
      const at = zero + (note.start - origin) * second;
      for (const key of note.keys) sound(key, at, note.length * second);
      shown.push({ at, note });
    }
    while (shown.length && shown[0].at <= now) player.onNote(shown.shift().note);
    if (!waiting.length && now > end + 0.3) stopPlaying();
  }, 40);
}

function stopPlaying() {
  clearInterval(player.timer);
  player.timer = null;
  player.output?.disconnect();
  player.onEnd();
}

// Two slightly bright partials under an envelope that dies away like a string's.
function sound(key, at, length) {
  const { context, output } = player;
  const envelope = context.createGain();
  const level = 0.16;
  envelope.gain.setValueAtTime(0, at);
  envelope.gain.linearRampToValueAtTime(level, at + 0.012);
  envelope.gain.exponentialRampToValueAtTime(level * 0.35, at + Math.max(0.05, length * 0.9));
  envelope.gain.linearRampToValueAtTime(0, at + Math.max(0.09, length));
  envelope.connect(output);
  for (const [type, times, share] of [["triangle", 1, 1], ["sine", 2, 0.25]]) {
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.type = type;
    tone.frequency.value = times * 440 * 2 ** ((key - 69) / 12);
    gain.gain.value = share;
    tone.connect(gain).connect(envelope);
    tone.start(at);
    tone.stop(at + length + 0.12);
  }
}
