// Measures of all parts in step, and what is amiss in them, as omrcli/score/measures.py,
// alignment.py and checks.py judge them.

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
  const judged = judgeColumns(columns);
  numberColumns(columns, judged);
  judged.forEach(({ measures }, index) => measures.forEach((measure) => {
    [measure.problem, measure.missing] = findProblem(judged, index, measure);
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

// Number the measures; first ones that are short in all parts may be a pickup.
function numberColumns(columns, judged) {
  let number = 1;
  columns.forEach((column, place) => {
    const isShort = (m) => m.expected !== null && m.status !== "multirest" && m.actual < m.expected - NEAR;
    const isUpbeat = place === 0 && column.every(isShort) && isPickup(judged);
    for (const measure of column) {
      measure.number = isUpbeat ? 0 : number;
      if (isUpbeat) measure.status = "pickup";
    }
    if (!isUpbeat) number += spanOf(column[0]);
  });
}

function spanOf({ events }) {
  const rests = events.filter(isRestOfMany);
  return rests.reduce((sum, { symbol }) => sum + symbol.count, 0) + (rests.length < events.length ? 1 : 0);
}

// --- what measures are judged by -----------------------------------------------------------------------

const isNear = (one, two) => one !== null && two !== null && Math.abs(one - two) < NEAR;
const readLength = (measure) => measure.actual - measure.padding;
const isJudged = (measure) => !(measure.isFiller || measure.isRest || measure.status === "multirest");

// The columns with the length that the parts agree on, and that of the meter or of most measures.
function judgeColumns(columns) {
  const judged = columns.map((measures) => {
    const meter = measures.find(({ expected }) => expected !== null)?.expected ?? null;
    return { measures, expected: meter, length: agreeOn(measures, meter),
      divides: measures.some(({ barline }) => barline !== null && barline.text !== "barline"),
      isOpen: measures.every(({ barline }) => barline === null) };
  });
  const usual = findUsual(judged.filter(({ expected, length }) => expected === null && length !== null)
    .map(({ length }) => length));
  for (const column of judged) {
    column.expected ??= usual;
    column.missing = (column.expected ?? 0) - (column.length ?? 0);
  }
  return judged;
}

function mostCommon(lengths) {
  const counts = lengths.map((length) => lengths.filter((other) => isNear(length, other)).length);
  const count = Math.max(...counts);
  return [lengths[counts.indexOf(count)], count];
}

function agreeOn(measures, meter) {
  const lengths = measures.filter(isJudged).map(readLength);
  if (!lengths.length) return null;
  const [common, count] = mostCommon(lengths);
  if (2 * count > lengths.length) return common;
  return lengths.some((length) => isNear(length, meter)) ? meter : Math.max(...lengths);
}

function findUsual(lengths) {
  if (lengths.length < 4) return null;
  const [usual, count] = mostCommon(lengths);
  return 3 * count >= 2 * lengths.length ? usual : null;
}

// Whether the first measure is one of an upbeat, and not one that was misread.
function isPickup(columns) {
  const [first] = columns, last = columns.at(-1);
  if (columns.length < 2 || first.length === null || first.expected === null || first.missing < NEAR) return false;
  if (2 * first.length <= first.expected + NEAR) return true;
  const closing = columns.slice(1).filter((column) => column.divides || column === last);
  if (closing.some((column) => column.length && isNear(column.missing, first.length))) return true;
  const isOver = last.divides && (last.length === null || Math.abs(last.missing) < NEAR);
  return !isOver && 4 * first.length <= 3 * first.expected + NEAR;
}

// What is amiss in a measure, in words, and the quarters that it lacks; null where nothing is.
function findProblem(columns, index, measure) {
  const column = columns[index], read = readLength(measure), meter = measure.expected ?? column.expected;
  if (!isJudged(measure) || isNear(read, meter)) return [null, null];
  const isFree = meter === null || (read < meter && isLegitimatelyShort(columns, index));
  const expected = isFree ? column.length : meter;
  if (expected === null || isNear(read, expected)) return [null, null];
  const wanted = measure.padding > 0 && read < expected ? column.length ?? expected : expected;
  return [`${showQuarters(read)} of ${showQuarters(wanted)}`, wanted - read];
}

function isLegitimatelyShort(columns, index) {
  const column = columns[index], before = columns[index - 1], after = columns[index + 1];
  if (!after && column.isOpen) return true;
  if (index === 0 && isPickup(columns)) return true;
  const completes = (other) => isNear(other.length, column.missing);
  if ((!after || column.divides) && before && completes(columns[0]) && isPickup(columns)) return true;
  if (after && column.divides && completes(after)) return true;
  return Boolean(before?.divides) && completes(before);
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
