// The semantic encoding: token texts to symbols and back, by the grammar of omrcli/tokens.py.

const STEPS = "CDEFGAB";
const SHARP_ORDER = "FCGDAEB";
const QUARTERS = {
  quadruple_whole: 16, double_whole: 8, whole: 4, half: 2, quarter: 1, eighth: 1 / 2,
  sixteenth: 1 / 4, thirty_second: 1 / 8, sixty_fourth: 1 / 16, hundred_twenty_eighth: 1 / 32,
};
const KEYS = ["CbM", "GbM", "DbM", "AbM", "EbM", "BbM", "FM", "CM",
  "GM", "DM", "AM", "EM", "BM", "F#M", "C#M"];
const BARLINES = {
  "barline": "single", "barline-double": "double", "barline-final": "final",
  "repeat-start": "repeat-start", "repeat-end": "repeat-end", "repeat-both": "repeat-both",
};
const ALTERS = { "bb": -2, "b": -1, "": 0, "#": 1, "##": 2 };
const ALTER_TEXT = { "-2": "bb", "-1": "b", "0": "", "1": "#", "2": "##" };
const CLEF_SHIFTS = { "": 0, "_8va": 1, "_8vb": -1, "_15ma": 2, "_15mb": -2 };
const CLEF_LINES = { G: 32, F: 24, C: 28 };

const DURATION = `(?<base>${Object.keys(QUARTERS).join("|")})(?<dots>\\.{0,3})` +
  "(?:_(?<n>[1-9]\\d?):(?<m>[1-9]\\d?))?";
const NOTE = new RegExp("^(?<grace>grace)?note-(?<step>[A-G])(?<alter>##|bb|#|b|)(?<octave>\\d)_" +
  `(?<duration>${DURATION})(?<fermata>_fermata)?$`);
const REST = new RegExp(`^rest-(?<duration>${DURATION})(?<fermata>_fermata)?$`);
const CLEF = /^clef-(?<sign>[GFC])(?<line>[1-5])(?<shift>_8va|_8vb|_15ma|_15mb|)$/;
const TIME = /^timeSignature-(?<text>C\/?|[1-9]\d{0,2}\/[1-9]\d{0,2})$/;
const MULTIREST = /^multirest-(?<count>[1-9]\d{0,3})$/;

// The symbol that a text stands for, or null where it is no token.
function parseToken(text) {
  if (text === "tie") return { kind: "tie" };
  if (Object.hasOwn(BARLINES, text)) return { kind: "barline", bar: BARLINES[text] };
  let found;
  if (/^(grace)?note-/.test(text)) return parseNote(text);
  if ((found = REST.exec(text))) return { kind: "rest", ...parseDuration(found.groups) };
  if ((found = MULTIREST.exec(text))) return { kind: "multirest", count: Number(found.groups.count) };
  if ((found = CLEF.exec(text))) {
    const { sign, line, shift } = found.groups;
    const bottom = CLEF_LINES[sign] - 2 * (line - 1) + 7 * CLEF_SHIFTS[shift];
    return { kind: "clef", sign, line: Number(line), shift: CLEF_SHIFTS[shift], bottom };
  }
  if ((found = TIME.exec(text))) return parseTime(found.groups.text);
  if (text.startsWith("keySignature-") && KEYS.includes(text.slice(13))) {
    return { kind: "key", fifths: KEYS.indexOf(text.slice(13)) - 7 };
  }
  return null;
}

function parseDuration(groups) {
  const dots = groups.dots.length;
  const plain = QUARTERS[groups.base] * (2 - 1 / 2 ** dots);
  const quarters = groups.n ? plain * groups.m / groups.n : plain;
  const tuplet = groups.n ? `${groups.n}:${groups.m}` : "";
  return { base: groups.base, dots, tuplet, quarters, fermata: Boolean(groups.fermata) };
}

// A note or a chord, whose members last alike.
function parseNote(text) {
  const members = text.split("|").map((part) => NOTE.exec(part)?.groups);
  if (members.some((member) => !member)) return null;
  const first = members[0];
  const alike = (member) => member.duration === first.duration && member.grace === first.grace &&
    member.fermata === first.fermata;
  if (!members.every(alike)) return null;
  const pitches = members.map(({ step, alter, octave }) => (
    { step, alter: ALTERS[alter], octave: Number(octave) }));
  const kind = first.grace ? "grace" : "note";
  return { kind, pitches, durationText: first.duration, ...parseDuration(first) };
}

function parseTime(text) {
  const [beats, unit] = { "C": [4, 4], "C/": [2, 2] }[text] ?? text.split("/").map(Number);
  return { kind: "time", text, beats, unit, quarters: 4 * beats / unit };
}

function noteText(symbol, pitches = symbol.pitches) {
  const kind = symbol.kind === "grace" ? "gracenote" : "note";
  const end = `_${symbol.durationText}${symbol.fermata ? "_fermata" : ""}`;
  return pitches.map((p) => `${kind}-${p.step}${ALTER_TEXT[p.alter]}${p.octave}${end}`).join("|");
}

const diatonic = (pitch) => pitch.octave * 7 + STEPS.indexOf(pitch.step);
const midiKey = (pitch) =>
  12 * (pitch.octave + 1) + [0, 2, 4, 5, 7, 9, 11][STEPS.indexOf(pitch.step)] + pitch.alter;

// How a key signature alters a step.
function keyAlter(fifths, step) {
  if (fifths >= 0) return SHARP_ORDER.slice(0, fifths).includes(step) ? 1 : 0;
  return SHARP_ORDER.slice(fifths).includes(step) ? -1 : 0;
}

const isEvent = (symbol) =>
  symbol !== null && ["note", "grace", "rest", "multirest"].includes(symbol.kind);
const isSign = (symbol) => symbol !== null && ["clef", "key", "time"].includes(symbol.kind);

const SIGN_NAMES = { "-2": "𝄫", "-1": "♭", "0": "", "1": "♯", "2": "𝄪" };

// A token as one says it: "B♭4, dotted eighth".
function describeToken(text) {
  const symbol = parseToken(text);
  if (text === "") return "nothing there";
  if (symbol === null) return text.includes(" ") ? text.split(" ").map(describeToken).join(" + ") : text;
  if (symbol.kind === "note" || symbol.kind === "grace") {
    const names = symbol.pitches.map((p) => `${p.step}${SIGN_NAMES[p.alter]}${p.octave}`).join(" ");
    return `${names} ${symbol.kind === "grace" ? "grace " : ""}${describeDuration(symbol)}`;
  }
  if (symbol.kind === "rest") return `${describeDuration(symbol)} rest`;
  if (symbol.kind === "multirest") return `rest of ${symbol.count} measures`;
  if (symbol.kind === "clef") return `${symbol.sign} clef on line ${symbol.line}` +
    (symbol.shift ? ` (${text.split("_")[1]})` : "");
  if (symbol.kind === "time") return `meter ${symbol.text}`;
  if (symbol.kind === "key") return describeKey(symbol.fifths);
  return symbol.kind === "barline" && symbol.bar !== "single" ? `${symbol.bar.replace("-", " ")} barline` : symbol.kind;
}

function describeDuration(symbol) {
  const dotted = ["", "dotted ", "double dotted ", "triple dotted "][symbol.dots];
  const tuplet = symbol.tuplet ? ` (${symbol.tuplet})` : "";
  return `${dotted}${symbol.base.replaceAll("_", " ")}${tuplet}${symbol.fermata ? ", fermata" : ""}`;
}

function describeKey(fifths) {
  if (fifths === 0) return "key signature cancelled";
  return `key of ${Math.abs(fifths)} ${fifths > 0 ? "sharp" : "flat"}${Math.abs(fifths) > 1 ? "s" : ""}`;
}
