// Measures of all parts in step, and what is amiss in them, as omrcli/score/measures.py,
// alignment.py and score.py judge them.

// The score as it stands: for each part its measures, and the segments behind its last barline.
let score = { parts: [], columns: [] };

function buildScore() {
  const aligned = alignParts(joinSystems());
  const made = aligned.map((segments) => {
    const signs = {};
    return { measures: segments.filter(hasEvents).map((segment) => makeMeasure(segment, signs)),
      trailing: segments.filter((segment) => !hasEvents(segment)) };
  });
  const columns = Array.from({ length: Math.max(0, ...made.map(({ measures }) => measures.length)) },
    (_, place) => made.map(({ measures }) => measures[place]).filter(Boolean));
  if (made.length > 1) columns.forEach(levelColumn);
  numberColumns(columns);
  made.forEach(({ measures }) => measures.forEach((measure, index) => {
    [measure.problem, measure.missing] = findProblem(measures, index);
  }));
  return { parts: made, columns };
}

function makeMeasure({ items, barline, system }, signs) {
  const first = items.findIndex((item) => isEvent(item.symbol));
  items.slice(0, first).forEach((item) => takeSign(signs, item));
  const expected = signs.time?.symbol.quarters ?? null;
  const events = items.filter((item) => isEvent(item.symbol));
  const isRest = events.length === 1 && isWholeRest(events[0].symbol);
  const sum = events.reduce((length, { symbol }) => length + quartersOf(symbol, expected), 0);
  const actual = isRest && expected !== null ? expected : sum;
  items.slice(first).forEach((item) => takeSign(signs, item));
  return { items, events, barline, system, expected, actual, padding: 0, isRest, number: 0,
    isFiller: events.every((item) => item.filler), status: statusOf(events, expected, actual) };
}

const isWholeRest = (symbol) => symbol.kind === "rest" && symbol.base === "whole" && !symbol.dots && !symbol.tuplet;

function quartersOf(symbol, expected) {
  if (symbol.kind === "multirest") return symbol.count * (expected ?? 4);
  return symbol.kind === "note" || symbol.kind === "rest" ? symbol.quarters : 0;
}

function statusOf(events, expected, actual) {
  if (events.every(isRestOfMany)) return "multirest";
  if (events.every((item) => item.filler)) return "filler";
  if (expected === null) return "unmetered";
  if (Math.abs(actual - expected) < NEAR) return "full";
  return actual < expected ? "short" : "over";
}

// Pad the measures of a column with rests up to the longest.
function levelColumn(column) {
  const read = column.filter((measure) => !measure.isFiller && !measure.isRest);
  const length = Math.max(...(read.length ? read : column).map((measure) => measure.actual));
  for (const measure of column) {
    const missing = length - measure.actual;
    if (measure.status === "multirest" || Math.abs(missing) < NEAR) continue;
    if (measure.isFiller || (measure.isRest && measure.expected !== null)) {
      measure.actual = length;
    } else if (missing > 0) {
      measure.padding = missing;
      measure.actual = length;
    }
  }
}

// Number the measures; first ones that are short, and not all there is, are a pickup.
function numberColumns(columns) {
  let number = 1;
  columns.forEach((column, place) => {
    const isShort = (m) => m.expected !== null && m.status !== "multirest" && m.actual < m.expected - NEAR;
    const isPickup = place === 0 && columns.length > 1 && column.every(isShort);
    for (const measure of column) {
      measure.number = isPickup ? 0 : number;
      if (isPickup) measure.status = "pickup";
    }
    if (!isPickup) number += spanOf(column[0]);
  });
}

function spanOf({ events }) {
  const rests = events.filter(isRestOfMany);
  return rests.reduce((sum, { symbol }) => sum + symbol.count, 0) + (rests.length < events.length ? 1 : 0);
}

// What is amiss in a measure, in words, and the quarters that it lacks; null where nothing is.
function findProblem(measures, index) {
  const measure = measures[index];
  const say = (actual, expected) => [`${showQuarters(actual)} of ${showQuarters(expected)}`, expected - actual];
  if (measure.isFiller || (measure.padding && measure.status === "full")) return [null, null];
  if (measure.padding) return say(measure.actual - measure.padding, measure.actual);
  const isWrong = measure.status === "over" ||
    (measure.status === "short" && !isLegitimatelyShort(measures, index));
  return measure.expected !== null && isWrong ? say(measure.actual, measure.expected) : [null, null];
}

const divides = (measure) => measure.barline !== null && measure.barline.text !== "barline";

function isLegitimatelyShort(measures, index) {
  const measure = measures[index], isLast = index === measures.length - 1;
  if (isLast && measure.barline === null) return true;
  const missing = measure.expected - measure.actual;
  const completes = (other) => Math.abs(other.actual - missing) < NEAR;
  if ((isLast || divides(measure)) && measures[0].status === "pickup" && completes(measures[0])) return true;
  if (!isLast && divides(measure) && completes(measures[index + 1])) return true;
  return index > 0 && divides(measures[index - 1]) && completes(measures[index - 1]);
}

// Quarters as one writes them: 3½, 2⅓, 1/16.
function showQuarters(value) {
  const whole = Math.floor(value + NEAR), rest = value - whole;
  if (rest < NEAR * 10) return String(whole);
  const known = { "½": 1 / 2, "¼": 1 / 4, "¾": 3 / 4, "⅓": 1 / 3, "⅔": 2 / 3, "⅛": 1 / 8, "⅜": 3 / 8,
    "⅝": 5 / 8, "⅞": 7 / 8, "⅙": 1 / 6, "⅚": 5 / 6 };
  const sign = Object.keys(known).find((name) => Math.abs(known[name] - rest) < 1e-4);
  return sign ? `${whole || ""}${sign}` : value.toFixed(3);
}

// --- the score as text --------------------------------------------------------------------------------

// The tokens of a part as one line, as omr writes it; what was read in other parts only is left out.
function partTexts({ measures, trailing }) {
  const say = (items) => items.filter((item) => !item.filler).flatMap(
    (item) => item.tied ? [item.text, "tie"] : [item.text]);
  return [...measures.filter((measure) => !measure.isFiller), ...trailing].flatMap(
    ({ items, barline }) => [...say(items), ...(barline ? [barline.text] : [])]);
}

function semanticText() {
  if (!data.hasScore || staves.length === 1) {
    return staves.map((staff) => staff.tokens.map((token) => token.text).join("\t")).join("\t") + "\n";
  }
  return score.parts.map((part) => partTexts(part).join("\t") + "\n").join("");
}

// --- what to show of each measure -----------------------------------------------------------------------

// For each staff the measures on it: {first, last, number, problem, missing, column}, tokens by place.
function checkScore() {
  score = buildScore();
  for (const staff of staves) staff.measures = [];
  score.columns.forEach((column, place) => column.forEach((measure) => placeMeasure(measure, place)));
}

function placeMeasure({ items, barline, number, problem, missing, padding }, column) {
  const read = items.filter((item) => item.staff !== null);
  for (const staff of new Set(read.map((item) => item.staff))) {
    const places = read.filter((item) => item.staff === staff).map((item) => item.place);
    const first = Math.min(...places);
    const last = barline?.staff === staff ? barline.place : Math.max(...places);
    const before = staff.measures.at(-1);
    if (before && first <= before.last) { // one of the measures that a sign of many stands for
      before.last = Math.max(before.last, last);
    } else {
      staff.measures.push({ first, last, number, problem, missing, column, isPadded: padding > 0 });
    }
  }
}

const measureAt = (staff, place) => staff.measures?.find((each) => each.first <= place && place <= each.last);

function textQuarters(text) {
  const symbols = text.split(" ").filter(Boolean).map(parseToken).filter(Boolean);
  return sumQuarters(symbols.map((symbol) => ({ symbol })));
}

// Alternatives of single tokens with which a measure would add up: [place, text, probability].
function findFixes(staff, { first, last, problem, missing }) {
  if (!problem || missing === null) return [];
  const fixes = [];
  for (let place = first; place <= last; place++) {
    const { text, alternatives } = staff.tokens[place];
    for (const [other, probability] of alternatives) {
      const change = textQuarters(other) - textQuarters(text);
      if (Math.abs(change - missing) < NEAR) fixes.push([place, other, probability]);
    }
  }
  return fixes.sort((one, two) => two[2] - one[2]);
}
