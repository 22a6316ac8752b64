// Staves joined into parts, as omrcli/joining.py does, and measures checked against their meter.

const NEAR = 1e-6;
const same = (one, two) => one && two && one.text === two.text;

// The tokens of a staff cut at the barlines that end a measure; ties become marks of their notes.
function cutStaff(staff) {
  const segments = [];
  let items = [];
  staff.tokens.forEach((token, place) => {
    const { symbol, text } = token;
    if (symbol === null) return;
    if (symbol.kind === "tie") {
      markTie(items, segments);
    } else if (symbol.kind === "barline" && items.some((item) => isEvent(item.symbol))) {
      segments.push({ items, barline: { text, symbol, staff, place } });
      items = [];
    } else {
      items.push({ text, symbol, staff, place, tied: false });
    }
  });
  return items.length ? [...segments, { items, barline: null }] : segments;
}

function markTie(items, segments) {
  const last = items.findLast((item) => isEvent(item.symbol));
  if (last) {
    last.tied = last.symbol.kind === "note" || last.symbol.kind === "grace";
  } else if (segments.length) {
    tieLast(segments.at(-1));
  }
}

function tieLast(segment) {
  const item = segment.items.at(-1);
  if (item?.symbol.kind === "note" || item?.symbol.kind === "grace") item.tied = true;
}

const hasEvents = (segment) => segment.items.some((item) => isEvent(item.symbol));

// The measures of a part through all its staves, without what line starts only restate.
function joinPart(part) {
  const segments = [];
  const signs = {};
  for (const staff of part) {
    const cut = cutStaff(staff);
    if (segments.length && cut.length) prepare(segments, cut, signs, staff);
    if (segments.length && cut.length && goesOn(segments.at(-1), cut[0], signs.time)) {
      cut[0].items.unshift(...segments.pop().items);
    }
    segments.push(...cut);
    for (const segment of cut) segment.items.forEach((item) => takeSign(signs, item));
  }
  return segments;
}

function takeSign(signs, item) {
  if (isSign(item.symbol)) signs[item.symbol.kind] = item;
}

function prepare(segments, cut, signs, staff) {
  if (leadingTie(staff)) tieLast(segments.at(-1));
  const first = cut[0];
  const opening = openingSigns(staff);
  if (opening.clef && opening.time && !opening.key && signs.key && signs.key.symbol.fifths !== 0) {
    const at = first.items.findIndex((item) => item.symbol.kind === "clef");
    const text = "keySignature-CM";
    first.items.splice(at + 1, 0, { ...first.items[at], text, symbol: parseToken(text) });
  }
  const start = first.items.findIndex((item) => isEvent(item.symbol));
  const count = start < 0 ? first.items.length : start;
  first.items = first.items.filter((item, n) => n >= count || !same(signs[item.symbol.kind], item));
  if (!hasEvents(segments.at(-1))) first.items.unshift(...segments.pop().items);
  if (segments.length) meetBarline(segments.at(-1), first);
}

// The line at the left end of a staff closes the measure before, or is one with its barline.
function meetBarline(last, first) {
  const at = first.items.findIndex((item) => item.symbol.kind === "barline");
  if (at < 0) return;
  last.barline ??= { text: "barline", symbol: parseToken("barline"), staff: null, place: -1 };
  if (first.items[at].text === "barline") first.items.splice(at, 1);
}

function leadingTie(staff) {
  const first = staff.tokens.find((t) => isEvent(t.symbol) || t.symbol?.kind === "tie");
  return first?.symbol.kind === "tie";
}

function openingSigns(staff) {
  const signs = {};
  for (const { symbol } of staff.tokens) {
    if (isEvent(symbol)) break;
    if (isSign(symbol)) signs[symbol.kind] = symbol;
  }
  return signs;
}

const sumQuarters = (items) => items.reduce(
  (sum, { symbol }) => sum + (symbol.kind === "note" || symbol.kind === "rest" ? symbol.quarters : 0), 0);

// Whether a new staff goes on with the measure that the staff before left without a barline.
function goesOn(last, first, time) {
  if (last.barline) return false;
  const both = [...last.items, ...first.items];
  if (both.some((item) => item.symbol.kind === "multirest")) return false;
  if (!time) return true;
  if (first.items.some((item) => item.symbol.kind === "time")) return false;
  const length = sumQuarters(last.items);
  return length < time.symbol.quarters - NEAR &&
    length + sumQuarters(first.items) <= time.symbol.quarters + NEAR;
}

// The tokens of a part as one line: what `omr convert` reads.
function partTexts(part) {
  return joinPart(part).flatMap(({ items, barline }) => [
    ...items.flatMap((item) => item.tied ? [item.text, "tie"] : [item.text]),
    ...(barline ? [barline.text] : [])]);
}

function semanticText() {
  if (!data.hasScore || staves.length === 1) {
    return staves.map((staff) => staff.tokens.map((token) => token.text).join("\t")).join("\t") + "\n";
  }
  return parts.map((part) => partTexts(part).join("\t") + "\n").join("");
}

// --- measures -------------------------------------------------------------------------------------

// Measures of a part with their lengths in quarter notes, and whether that is their meter's.
function measurePart(part) {
  const signs = {};
  const measures = [];
  for (const segment of joinPart(part).filter(hasEvents)) {
    const first = segment.items.findIndex((item) => isEvent(item.symbol));
    segment.items.slice(0, first).forEach((item) => takeSign(signs, item));
    measures.push(makeMeasure(segment, signs.time?.symbol));
    segment.items.slice(first).forEach((item) => takeSign(signs, item));
  }
  measures.forEach((measure, index) => { measure.problem = findProblem(measures, index); });
  return measures;
}

function makeMeasure({ items, barline }, time) {
  const events = items.filter((item) => isEvent(item.symbol));
  const expected = time?.quarters ?? null;
  const alone = events.length === 1 && events[0].text === "rest-whole";
  const actual = alone && expected !== null ? expected : sumQuarters(events);
  const rests = events.every((item) => item.symbol.kind === "multirest");
  const counted = rests || expected === null || Math.abs(actual - expected) < NEAR;
  const length = rests ? sumMultirests(events) * (expected ?? 4) : actual;
  return { items, events, barline, expected, actual: length, status: counted ? "full" : actual < expected ? "short" : "over" };
}

const sumMultirests = (events) => events.reduce((sum, { symbol }) => sum + (symbol.count ?? 0), 0);
const divides = (measure) => measure.barline !== null && measure.barline.text !== "barline";

function findProblem(measures, index) {
  const measure = measures[index];
  if (measure.status === "full") return null;
  if (measure.status === "short") {
    if (index === 0 && measures.length > 1) return null; // a pickup
    if (isLegitimatelyShort(measures, index)) return null;
  }
  return `${showQuarters(measure.actual)} of ${showQuarters(measure.expected)}`;
}

function isLegitimatelyShort(measures, index) {
  const measure = measures[index], isLast = index === measures.length - 1;
  if (isLast && measure.barline === null) return true;
  const missing = measure.expected - measure.actual;
  const completes = (other) => other !== undefined && Math.abs(other.actual - missing) < NEAR;
  const pickup = measures[0].status === "short" ? measures[0] : undefined;
  if ((isLast || divides(measure)) && completes(pickup)) return true;
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

// --- what to say of each measure --------------------------------------------------------------------

// A measure is judged as omr did while it is as omr read it, and by the rules above afterwards.
const signature = (measure) => measure.expected + "|" + measure.items.map(
  (item) => `${item.staff.number}:${item.staff.tokens[item.place].index}:${item.text}:${item.tied}`).join(" ") +
  "|" + (measure.barline?.text ?? "");
const judged = new Map();

function noteVerdicts() {
  for (const part of parts) {
    for (const measure of measurePart(part)) {
      const flag = measure.items.map((item) => item.staff.flags.find(
        (each) => each.tokens.includes(item.place))).find(Boolean);
      judged.set(signature(measure), flag ? sayFlag(flag.text) : null);
    }
  }
}

// "measure 57: 15/4 of 4 quarters" as it is shown here.
function sayFlag(text) {
  const found = /: (\S+) of (\S+) quarters/.exec(text);
  const [actual, expected] = (found ?? ["", "0", "0"]).slice(1).map((part) => {
    const [over, under] = part.split("/").map(Number);
    return showQuarters(over / (under || 1));
  });
  return `${actual} of ${expected}`;
}

// For each staff the measures on it: {first, last, number, problem}, tokens by place.
function checkPart(part) {
  for (const staff of part) staff.measures = [];
  let number = 0;
  for (const measure of measurePart(part)) {
    const read = measure.events.map((item) => item.staff.tokens[item.place].measure).find((n) => n !== null);
    number = read ?? number + 1;
    const key = signature(measure);
    const problem = judged.has(key) ? judged.get(key) : measure.problem;
    for (const staff of new Set(measure.items.map((item) => item.staff))) {
      const places = measure.items.filter((item) => item.staff === staff).map((item) => item.place);
      const last = measure.barline?.staff === staff ? measure.barline.place : Math.max(...places);
      const missing = measure.expected === null ? null : measure.expected - measure.actual;
      staff.measures.push({ first: Math.min(...places), last, number, problem, missing });
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
