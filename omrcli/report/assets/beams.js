// Notes grouped under beams and in tuplets, as omrcli/synth/beams.py groups them, and which notes of
// a staff are to be drawn anew after a correction: with a note those that share its beam.

const FLAGS = { eighth: 1, sixteenth: 2, thirty_second: 3, sixty_fourth: 4, hundred_twenty_eighth: 5 };
const isFlagged = (symbol) => symbol.base in FLAGS;
const isTimed = (symbol) => symbol.kind === "note" || symbol.kind === "rest";
const ratioOf = ({ symbol }) => isTimed(symbol) && symbol.tuplet ? symbol.tuplet : null;

// How long a beam lasts, in quarters; a beat of 6/8 is a dotted quarter.
function beamWindow(time) {
  if (!time) return 1;
  const isCompound = time.unit >= 8 && time.beats % 3 === 0;
  return Math.max(1, (4 / time.unit) * (isCompound ? 3 : 1));
}

// The beams and the tuplets of a staff, each as the places of its tokens.
function groupNotes(staff) {
  const found = { beams: [], tuplets: [] };
  let time = staff.time ? parseToken(staff.time) : null, items = [];
  const close = () => { groupMeasure(items, beamWindow(time), found); items = []; };
  staff.tokens.forEach(({ symbol }, place) => {
    if (symbol === null || symbol.kind === "tie") return;
    if (symbol.kind === "barline" || (symbol.kind === "multirest" && items.length)) close();
    if (symbol.kind === "time") time = symbol;
    if (symbol.kind !== "barline") items.push({ symbol, place });
  });
  close();
  return found;
}

function groupMeasure(items, window, found) {
  let at = 0;
  for (const run of splitTuplets(items)) {
    const length = sumQuarters(run), ratio = run.map(ratioOf).find(Boolean);
    beamRun(run, ratio && length <= window + NEAR ? 0 : at, window, found.beams);
    if (ratio) found.tuplets.push(run.filter(({ symbol }) => isTimed(symbol)).map(({ place }) => place));
    at += length;
  }
}

// Runs of items: each tuplet on its own, what lies between them together.
function splitTuplets(items) {
  const runs = [];
  let run = [], ratio = null;
  for (const item of items) {
    const own = ratioOf(item), timed = isTimed(item.symbol);
    if (run.length && timed && own !== ratio) {
      let kept = run.length; // grace notes belong to the note that follows them
      while (kept && run[kept - 1].symbol.kind === "grace") kept--;
      if (kept) runs.push(run.slice(0, kept));
      run = run.slice(kept);
    }
    if (timed) ratio = own;
    run.push(item);
    if (ratio && timed && isFullTuplet(run, ratio)) {
      runs.push(run);
      [run, ratio] = [[], null];
    }
  }
  return run.length ? [...runs, run] : runs;
}

function isFullTuplet(run, ratio) {
  const [many, few] = ratio.split(":").map(Number);
  const members = run.filter(({ symbol }) => isTimed(symbol));
  const share = sumQuarters(members) / few;
  const shortest = Math.min(...members.map(({ symbol }) => QUARTERS[symbol.base]));
  return many > 0 && share >= shortest - NEAR && Object.values(QUARTERS).some((value) => Math.abs(value - share) < NEAR);
}

function beamRun(run, start, window, beams) {
  let beam = [], graces = [], last = -1, at = start;
  const close = (group) => { if (group.length > 1) beams.push(group); };
  for (const { symbol, place } of run) {
    if (symbol.kind === "grace") {
      graces.push({ symbol, place });
      continue;
    }
    const beat = Math.floor(at / window + NEAR), isBeamed = symbol.kind === "note" && isFlagged(symbol);
    if (beam.length && !(isBeamed && beat === last)) {
      close(beam);
      beam = [];
    }
    if (isBeamed) beam.push(place);
    if (graces.every((grace) => isFlagged(grace.symbol))) close(graces.map((grace) => grace.place));
    [graces, last] = [[], beat];
    if (isTimed(symbol)) at += symbol.quarters;
  }
  close(beam);
  if (graces.every((grace) => isFlagged(grace.symbol))) close(graces.map((grace) => grace.place));
}

// --- what is drawn anew -------------------------------------------------------------------------------

// As it was read: each token's symbol, clef and accidentals, where its head is, and which tokens beams and
// tuplets join.
function asRead(staff) {
  return staff.asRead ??= readAsItWas(staff);
}

function readAsItWas(staff) {
  const tokens = data.staves[staff.number].tokens.map(([text]) => ({ symbol: parseToken(text) }));
  const heads = new Map(), joined = new Set();
  for (const mark of staff.marks ?? []) {
    if (Array.isArray(mark[0])) joined.add(mark[0].join());
    else if (mark.length === 5 && HEAD_CODES.has(mark[1]) && !heads.has(mark[0])) {
      heads.set(mark[0], mark[2] + HALF_HEAD * mark[4] * staff.interline);
    }
  }
  const contexts = readContexts({ ...staff, tokens });
  const joins = [...joined].map((text) => membersOf(tokens, ...text.split(",").map(Number)));
  return { tokens, contexts, heads, joins };
}

// The tokens that a beam, or a tuplet, from one to another joins: grace notes between are none of them.
function membersOf(tokens, first, last) {
  const isGrace = (index) => tokens[index].symbol.kind === "grace";
  return Array.from({ length: last - first + 1 }, (_, n) => first + n)
    .filter((index) => isEvent(tokens[index].symbol) && isGrace(index) === isGrace(first));
}

const sayContext = ({ clef, shown }) => `${clef.bottom} ${shown.map((p) => STEPS.indexOf(p.step) + 7 * p.octave)}`;

const isAsRead = (staff) => staff.tokens.length === data.staves[staff.number].tokens.length &&
  !staff.tokens.some(isEdited);

// The places of a staff that are not as they were engraved, and its beams and tuplets as they are now.
function findRedrawn(staff, contexts) {
  if (isAsRead(staff)) return { redrawn: new Set(), places: new Map(), beams: [], tuplets: [] };
  const was = asRead(staff), groups = groupNotes(staff), redrawn = new Set();
  const places = new Map(staff.tokens.map((token, place) => [token.index, place]));
  staff.tokens.forEach((token, place) => {
    const { symbol, index } = token;
    if (index < 0 || isEdited(token) || (symbol?.pitches && sayContext(contexts[place]) !== sayContext(was.contexts[index]))) {
      redrawn.add(place);
    }
  });
  const touched = touchedMeasures(staff, was, places, redrawn);
  const lines = countBarlines(staff), isTouched = (place) => touched.has(lines[place]);
  const old = was.joins.map((join) => join.map((index) => places.get(index)));
  const say = (join) => join.join(), known = new Set(old.map(say));
  const now = new Set([...groups.beams, ...groups.tuplets].map(say));
  const changed = [...old.filter((join) => !now.has(say(join))), ...groups.beams.filter((join) => !known.has(say(join)))];
  for (const join of changed) if (join.some(isTouched)) addAll(redrawn, join);
  for (let size = -1; size !== redrawn.size;) {
    size = redrawn.size;
    for (const join of [...old, ...groups.beams]) if (join.some((place) => redrawn.has(place))) addAll(redrawn, join);
  }
  return { redrawn, places, ...groups };
}

function addAll(places, join) {
  for (const place of join) if (place !== undefined) places.add(place);
}

// How many barlines stand before each token.
function countBarlines(staff) {
  let count = 0;
  return staff.tokens.map(({ symbol }) => symbol?.kind === "barline" ? count++ : count);
}

// Measures in which something was changed, put in or left out.
function touchedMeasures(staff, was, places, redrawn) {
  const lines = countBarlines(staff), touched = new Set();
  for (const place of redrawn) touched.add(lines[place]).add(lines[place + 1]);
  let before = 0;
  was.tokens.forEach((_, index) => {
    if (places.has(index)) before = places.get(index);
    else touched.add(lines[before]).add(lines[before + 1]);
  });
  return touched;
}

// --- beams as shapes ----------------------------------------------------------------------------------

const BEAM = 0.5, BEAM_STEP = 0.75, STEM = 3.2, STUB = 1.1; // interlines

// Lay a beam over notes {x, low, high, size, symbol}, x in px and places from the lowest line up:
// each gets `beam` {up, end}, the end of its stem; returned are the shapes of the beam.
function layBeam(notes, interline) {
  const isGrace = notes[0].symbol.kind === "grace", { size } = notes[0];
  const up = isGrace || Math.max(...notes.map((n) => n.high)) - 4 < 4 - Math.min(...notes.map((n) => n.low));
  const sign = up ? -1 : 1;
  const y = (place) => (8 - place) * interline / 2;
  const stems = notes.map((note) => ({ x: note.x - sign * (HALF_HEAD - 0.05) * size * interline,
    end: y(up ? note.high : note.low) + sign * STEM * size * interline, levels: FLAGS[note.symbol.base] }));
  const first = stems[0], last = stems.at(-1);
  const most = (notes.length > 2 ? 1 : 0.5) * interline;
  const slope = Math.max(-most, Math.min(most, last.end - first.end)) / Math.max(1, last.x - first.x);
  const levels = Math.max(...stems.map((stem) => stem.levels));
  const room = sign * Math.max(0, levels - 2) * BEAM_STEP * size * interline;
  const starts = stems.map((stem) => stem.end + room - slope * (stem.x - first.x));
  const rise = slope * (last.x - first.x);
  if (!isGrace) starts.push(2 * interline - (up ? Math.max(0, rise) : Math.min(0, rise))); // the middle line
  const start = up ? Math.min(...starts) : Math.max(...starts);
  const at = (x) => start + slope * (x - first.x);
  notes.forEach((note, n) => { note.beam = { up, end: at(stems[n].x) }; });
  const shapes = [];
  for (let level = 0; level < levels; level++) {
    for (const [from, to] of spansOf(stems, level, interline)) {
      const shift = (x) => at(x) - sign * level * BEAM_STEP * size * interline, thick = -sign * BEAM * size * interline;
      shapes.push(svg("path", { d: `M${from} ${shift(from)}L${to} ${shift(to)}L${to} ${shift(to) + thick}L${from} ${shift(from) + thick}Z` }));
    }
  }
  return shapes;
}

// From where to where the beam of a level goes; a note alone at its level has a stub.
function spansOf(stems, level, interline) {
  const spans = [], edge = 0.055 * interline;
  stems.forEach((stem, n) => {
    if (stem.levels <= level) return;
    if (n > 0 && stems[n - 1].levels > level) spans.at(-1)[1] = stem.x + edge;
    else if (stems[n + 1]?.levels > level) spans.push([stem.x - edge, stem.x + edge]);
    else if (n > 0) spans.push([stem.x - STUB * interline, stem.x + edge]);
    else spans.push([stem.x - edge, stem.x + STUB * interline]);
  });
  return spans;
}
