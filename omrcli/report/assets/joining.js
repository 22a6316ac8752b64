// Staves cut into segments and joined into parts, as omrcli/score/assembly.py and joining.py do.

const NEAR = 1e-6;
const same = (one, two) => one && two && one.text === two.text;

// The tokens of a staff cut at the barlines that end a measure; ties become marks of their notes. The
// system is the one in which a segment begins.
function cutStaff(staff, system) {
  const segments = [];
  let items = [];
  staff.tokens.forEach((token, place) => {
    const { symbol, text } = token;
    if (symbol === null) return;
    if (symbol.kind === "tie") {
      markTie(items, segments);
    } else if (symbol.kind === "barline" && items.some((item) => isEvent(item.symbol))) {
      segments.push({ items, barline: { text, staff, place }, system });
      items = [];
    } else {
      items.push({ text, symbol, staff, place, tied: false });
    }
  });
  return items.length ? [...segments, { items, barline: null, system }] : segments;
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

const plainBarline = () => ({ text: "barline", staff: null, place: -1 });

function takeSign(signs, item) {
  if (isSign(item.symbol)) signs[item.symbol.kind] = item;
}

// --- parts ------------------------------------------------------------------------------------------

// The segments of each part through all systems, without what line starts only restate.
function joinSystems() {
  const lines = parts.map(() => ({ segments: [], signs: {}, reached: -1 }));
  data.systems.forEach((system, number) => {
    const cut = new Map();
    system.forEach((place, part) => {
      if (place === null) return;
      cut.set(part, prepare(lines[part], cutStaff(staves[place], number), staves[place]));
    });
    const goesOn = vote(lines, cut);
    for (const [part, segments] of cut) extend(lines[part], segments, goesOn, number);
  });
  return lines.map((line) => line.segments);
}

// The segments of a new staff, without what they only restate.
function prepare({ segments, signs }, cut, staff) {
  if (!cut.length || !segments.length) return cut;
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
  return cut;
}

// The line at the left end of a staff closes the measure before, or is one with its barline.
function meetBarline(last, first) {
  const at = first.items.findIndex((item) => item.symbol.kind === "barline");
  if (at < 0) return;
  last.barline ??= plainBarline();
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

// Whether a new staff may go on with the measure that the staff before left open.
function continues(last, first, time) {
  const both = [...last.items, ...first.items];
  if (both.some((item) => item.symbol.kind === "multirest")) return false;
  if (!time) return true;
  if (first.items.some((item) => item.symbol.kind === "time")) return false;
  const length = sumQuarters(last.items);
  return length < time.symbol.quarters - NEAR &&
    length + sumQuarters(first.items) <= time.symbol.quarters + NEAR;
}

const fits = ({ segments, signs }, cut) => continues(segments.at(-1), cut[0], signs.time);

// Whether a measure goes on over the line break, by what most parts show.
function vote(lines, cut) {
  const told = [...cut].filter(([part, segments]) => segments.length && lines[part].segments.length);
  const opinions = told.map(([part, segments]) => ({ part, segments,
    says: lines[part].segments.at(-1).barline === null && fits(lines[part], segments) }));
  const against = opinions.filter(({ says }) => !says);
  const count = opinions.length - against.length;
  if (count !== against.length) return count > against.length;
  return count > 0 && against.every(({ part, segments }) => couldGoOn(lines[part], segments));
}

const couldGoOn = (line, cut) =>
  ["barline", undefined].includes(line.segments.at(-1).barline?.text) && fits(line, cut);

// Add prepared segments; if the measure goes on, the first is the rest of the last.
function extend(line, cut, goesOn, system) {
  if (cut.length && goesOn) {
    if (line.reached < system - 1 || !line.segments.length) {
      cut[0].system = system - 1; // the part was absent, or silent: others began this measure without it
    } else if (couldGoOn(line, cut)) {
      const last = line.segments.pop();
      cut[0].items.unshift(...last.items);
      cut[0].system = last.system;
    }
  }
  line.reached = system;
  line.segments.push(...cut);
  for (const segment of cut) segment.items.forEach((item) => takeSign(line.signs, item));
}
