// The marks of a staff as SVG, and corrected tokens drawn in place of what was engraved.

const SVG = "http://www.w3.org/2000/svg";
const EM = 250; // units of the music font per interline

function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function html(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in element && key !== "list") element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

// The outlines of all glyphs, once for the page.
function defineGlyphs() {
  const drawn = Object.entries(data.glyphs).map(([code, d]) => svg("path", { id: `g-${code}`, d }));
  document.body.append(svg("svg", { width: 0, height: 0, class: "defs", "aria-hidden": "true" },
    svg("defs", {}, ...drawn)));
}

function glyph(code, x, y, size, interline) {
  const scale = size * interline / EM;
  return svg("use", { href: `#g-${code}`, transform: `translate(${x} ${y}) scale(${scale} ${-scale})` });
}

// One mark as it came: [token, code, x, y, size] or [token, path, width].
function drawMark(mark, interline) {
  if (mark.length === 5) return glyph(mark[1], mark[2], mark[3], mark[4], interline);
  const [, d, width] = mark;
  return width ? svg("path", { d, "stroke-width": width, class: "stroke" }) : svg("path", { d });
}

// --- corrected tokens -----------------------------------------------------------------------------

const HEADS = { quadruple_whole: "E0A0", double_whole: "E0A0", whole: "E0A2", half: "E0A3" };
const RESTS = { quadruple_whole: "E4E1", double_whole: "E4E2", whole: "E4E3", half: "E4E4", quarter: "E4E5",
  eighth: "E4E6", sixteenth: "E4E7", thirty_second: "E4E8", sixty_fourth: "E4E9", hundred_twenty_eighth: "E4EA" };
const HEAD_CODES = new Set(["E0A0", "E0A2", "E0A3", "E0A4"]);
const HALF_HEAD = 0.63; // interlines
const GRACE = 0.7; // size
const SIGNS = { "-2": "E264", "-1": "E260", "0": "E261", "1": "E262", "2": "E263" };
const CLEFS = { G: "E050", F: "E062", C: "E05C" };
const SHARP_PLACES = [8, 5, 9, 6, 3, 7, 4], FLAT_PLACES = [4, 7, 3, 6, 2, 5, 1];

// What stands before each token: the clef, the key, and which accidentals a note shows.
function readContexts(staff) {
  let clef = parseToken(staff.clef ?? "clef-G2"), key = staff.key ? parseToken(staff.key).fifths : 0;
  let measure = new Map(), tied = new Map(), last = new Map();
  return staff.tokens.map(({ symbol }) => {
    const context = { clef, key, shown: [] };
    if (symbol?.kind === "clef") context.clef = clef = symbol;
    else if (symbol?.kind === "key") [key, measure] = [symbol.fifths, new Map()];
    else if (symbol?.kind === "barline") measure = new Map();
    else if (symbol?.kind === "tie") tied = last;
    else if (symbol?.kind === "rest") tied = new Map();
    else if (symbol?.pitches) {
      last = new Map(symbol.pitches.map((pitch) => [diatonic(pitch), pitch.alter]));
      context.shown = symbol.pitches.filter((pitch) => {
        const place = diatonic(pitch);
        return (tied.get(place) ?? measure.get(place) ?? keyAlter(key, pitch.step)) !== pitch.alter;
      });
      for (const pitch of context.shown) measure.set(diatonic(pitch), pitch.alter);
      if (symbol.kind === "note") tied = new Map();
    }
    return context;
  });
}

// Where a token is drawn: its head is left where it was.
const drawnX = (staff, token) => asRead(staff).heads.get(token.index) ?? (token.box[0] + token.box[2]) / 2;

// The tokens of a staff that are to be drawn anew: a group for each, and beams and numbers of tuplets.
function drawAnew(staff, contexts, { redrawn, beams, tuplets }) {
  const { interline } = staff, joins = svg("g", {});
  const laid = new Map(), notes = new Map();
  const layOut = (place) => {
    const { symbol } = staff.tokens[place], steps = symbol.pitches.map((p) => diatonic(p) - contexts[place].clef.bottom);
    return { x: drawnX(staff, staff.tokens[place]), low: Math.min(...steps), high: Math.max(...steps),
      size: symbol.kind === "grace" ? GRACE : 1, symbol };
  };
  for (const beam of beams.filter((each) => redrawn.has(each[0]))) {
    beam.forEach((place) => notes.set(place, layOut(place)));
    joins.append(...layBeam(beam.map((place) => notes.get(place)), interline));
    beam.forEach((place) => laid.set(place, notes.get(place).beam));
  }
  for (const tuplet of tuplets.filter((each) => each.some((place) => redrawn.has(place)))) {
    joins.append(drawTupletNumber(staff, tuplet, contexts, laid));
  }
  const drawn = [...redrawn].map((place) => [place,
    drawToken(staff.tokens[place], contexts[place], interline, drawnX(staff, staff.tokens[place]), laid.get(place))]);
  return { joins, drawn };
}

function drawTupletNumber(staff, tuplet, contexts, laid) {
  const { interline } = staff, tokens = tuplet.map((place) => staff.tokens[place]);
  const isDown = tuplet.some((place) => laid.get(place)?.up === false);
  const tops = tuplet.flatMap((place) => headRows(staff.tokens[place], contexts[place], interline))
    .map((y) => y - (isDown ? 1 : 3.7) * interline);
  const beams = tuplet.map((place) => laid.get(place)).filter((beam) => beam?.up).map((beam) => beam.end);
  const y = Math.min(-0.6 * interline, ...(beams.length ? beams : tops)) - 0.4 * interline;
  const x = tokens.reduce((sum, token) => sum + drawnX(staff, token), 0) / tokens.length;
  const text = svg("text", { x, y, class: "tuplet", "font-size": 1.3 * interline });
  text.textContent = tokens[0].symbol.tuplet.split(":")[0];
  return text;
}

// A token by itself, its head or its middle at x; y counts from the top line down. Under a `beam` its
// stem has the direction and the end of that.
function drawToken(token, context, interline, x, beam) {
  const { symbol } = token;
  const pen = { x, interline, put: (code, dx, y, size = 1) => glyph(code, x + dx * interline, y, size, interline) };
  if (symbol === null) return [];
  const draw = { note: drawNote, grace: drawNote, rest: drawRest, multirest: drawMultirest, clef: drawClef,
    key: drawKey, time: drawTime, barline: drawBarline, tie: drawTie }[symbol.kind];
  return draw(pen, symbol, context, beam);
}

// The y of a note's heads.
const headRows = ({ symbol }, { clef }, interline) =>
  (symbol?.pitches ?? []).map((pitch) => (8 - diatonic(pitch) + clef.bottom) * interline / 2);

const placeY = (pen, steps) => (8 - steps) * pen.interline / 2;

function line(pen, x1, y1, x2, y2, width) {
  return svg("path", { d: `M${x1} ${y1}L${x2} ${y2}`, "stroke-width": width * pen.interline, class: "stroke" });
}

function drawNote(pen, symbol, context, beam) {
  const { x, interline } = pen, size = symbol.kind === "grace" ? GRACE : 1, half = HALF_HEAD * size;
  const places = symbol.pitches.map((pitch) => diatonic(pitch) - context.clef.bottom);
  const low = Math.min(...places), high = Math.max(...places);
  const marks = places.map((place) => pen.put(HEADS[symbol.base] ?? "E0A4", -half, placeY(pen, place), size));
  for (const pitch of context.shown) {
    marks.push(pen.put(SIGNS[pitch.alter], -half - 1.15 * size, placeY(pen, diatonic(pitch) - context.clef.bottom), size));
  }
  for (let place = -2; place >= low; place -= 2) marks.push(ledger(pen, place, size));
  for (let place = 10; place <= high; place += 2) marks.push(ledger(pen, place, size));
  for (let dot = 0; dot < symbol.dots; dot++) {
    const y = placeY(pen, high % 2 === 0 ? high + 1 : high);
    marks.push(svg("circle", { cx: x + (half + 0.45 + 0.5 * dot) * interline, cy: y, r: 0.2 * interline }));
  }
  if (symbol.quarters < 4 && !symbol.base.includes("whole")) {
    const up = beam ? beam.up : symbol.kind === "grace" || low + high < 8;
    const stem = x + (up ? half - 0.05 : 0.05 - half) * interline;
    const end = beam?.end ?? placeY(pen, up ? high : low) + (up ? -3.5 : 3.5) * size * interline;
    marks.push(line(pen, stem, placeY(pen, up ? low : high), stem, end, 0.11));
    if (isFlagged(symbol) && !beam) {
      const code = `E24${2 * FLAGS[symbol.base] - (up ? 2 : 1)}`;
      marks.push(glyph(code, stem, end, size, interline));
    }
  }
  return [...marks, ...drawFermata(pen, symbol, Math.min(placeY(pen, high), 0) - 1.6 * interline)];
}

function ledger(pen, place, size) {
  const y = placeY(pen, place), reach = 0.9 * size * pen.interline;
  return line(pen, pen.x - reach, y, pen.x + reach, y, 0.13);
}

const drawFermata = (pen, symbol, y) => symbol.fermata ? [pen.put("E4C0", -1.2, y)] : [];

function drawRest(pen, symbol) {
  const y = symbol.base === "whole" ? pen.interline : 2 * pen.interline;
  const dots = Array.from({ length: symbol.dots }, (_, n) => svg("circle",
    { cx: pen.x + (0.9 + 0.5 * n) * pen.interline, cy: 1.5 * pen.interline, r: 0.2 * pen.interline }));
  return [pen.put(RESTS[symbol.base], -0.5, y), ...dots, ...drawFermata(pen, symbol, -pen.interline)];
}

function drawDigits(pen, text, y) {
  const wide = 1.65;
  return [...text].map((digit, n) => pen.put(`E08${digit}`, (n - text.length / 2) * wide, y));
}

function drawMultirest(pen, symbol) {
  const { x, interline } = pen, y = 2 * interline;
  return [line(pen, x - 2 * interline, y, x + 2 * interline, y, 0.9),
    ...drawDigits(pen, String(symbol.count), -1.6 * interline)];
}

function drawClef(pen, symbol) {
  return [pen.put(CLEFS[symbol.sign], -1.3, (5 - symbol.line) * pen.interline)];
}

function drawTime(pen, symbol) {
  if (symbol.text.startsWith("C")) return [pen.put(symbol.text === "C" ? "E08A" : "E08B", -0.85, 2 * pen.interline)];
  const [over, under] = symbol.text.split("/");
  return [...drawDigits(pen, over, pen.interline), ...drawDigits(pen, under, 3 * pen.interline)];
}

function drawKey(pen, symbol, context) {
  const { fifths } = symbol, count = Math.abs(fifths);
  const shift = ((32 - 2 - context.clef.bottom + 3) % 7 + 7) % 7 - 3;
  const places = (fifths > 0 ? SHARP_PLACES : FLAT_PLACES).slice(0, count).map((place) => {
    const moved = place + shift, highest = fifths > 0 && shift > 0 ? 8 : 9;
    return moved > highest ? moved - 7 : moved < -1 ? moved + 7 : moved;
  });
  if (fifths === 0) return [pen.put("E261", -0.4, placeY(pen, 4))];
  return places.map((place, n) => pen.put(SIGNS[Math.sign(fifths)], n - count / 2, placeY(pen, place)));
}

function drawBarline(pen, symbol) {
  const { x, interline } = pen, height = 4 * interline;
  const bar = (dx, width) => line(pen, x + dx * interline, 0, x + dx * interline, height, width);
  const dots = (dx) => [1.5, 2.5].map((y) => svg("circle", { cx: x + dx * interline, cy: y * interline, r: 0.2 * interline }));
  switch (symbol.bar) {
    case "double": return [bar(-0.25, 0.16), bar(0.25, 0.16)];
    case "final": return [bar(-0.4, 0.16), bar(0.2, 0.5)];
    case "repeat-start": return [bar(-0.4, 0.5), bar(0.2, 0.16), ...dots(0.8)];
    case "repeat-end": return [...dots(-0.9), bar(-0.35, 0.16), bar(0.25, 0.5)];
    case "repeat-both": return [...dots(-1), bar(0, 0.5), bar(-0.5, 0.16), bar(0.5, 0.16), ...dots(1)];
    default: return [bar(0, 0.16)];
  }
}

function drawTie(pen) {
  const { x, interline } = pen, reach = interline, y = 4.6 * interline;
  const d = `M${x - reach} ${y}C${x - reach / 2} ${y + 8} ${x + reach / 2} ${y + 8} ${x + reach} ${y}` +
    `C${x + reach / 2} ${y + 11} ${x - reach / 2} ${y + 11} ${x - reach} ${y}Z`;
  return [svg("path", { d })];
}
