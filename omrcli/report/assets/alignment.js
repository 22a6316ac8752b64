// Parts side by side, measure by measure, as omrcli/score/alignment.py and barlines.py do: what one
// part lacks is filled with rests. Here columns hold a segment for each part, null where one has none.

const TOLERANCE = 2; // interlines between the tokens of one barline on different staves

const wholeRest = { text: "rest-whole", symbol: parseToken("rest-whole") };
const multirest = (count) => ({ text: `multirest-${count}`, symbol: parseToken(`multirest-${count}`) });
const isRestOfMany = (item) => item.symbol.kind === "multirest";
const countRests = (segment) => segment.items.reduce((sum, { symbol }) => sum + (symbol.count ?? 0), 0);
const isRead = (segment) => segment !== null;

// How often each value occurs, the first of the most frequent first.
function tally(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((one, two) => two[1] - one[1]);
}

// As many measures in each system for all parts; signs behind the last barline stay behind.
function alignParts(joined) {
  if (joined.length < 2) return joined;
  const aligned = joined.map(() => []);
  const times = joined.map(() => null);
  data.systems.forEach((system, number) => {
    const rows = joined.map((part) => measuresOf(part, number));
    for (const column of alignSystem(rows)) {
      shareTime(column, times);
      shareBarline(column);
      fillColumn(column, system, number).forEach((segment, part) => aligned[part].push(segment));
    }
  });
  joined.forEach((part, n) => aligned[n].push(...part.slice(-1).filter((last) => !hasEvents(last))));
  return aligned;
}

const measuresOf = (part, system) =>
  part.filter((segment) => segment.system === system && hasEvents(segment)).flatMap(partMultirests);

// A segment, or several if it has both a multirest and other events with no barline between.
function partMultirests(segment) {
  const pieces = [[]];
  for (const item of segment.items) {
    const begun = pieces.at(-1).filter((other) => isEvent(other.symbol));
    const apart = isRestOfMany(item) || begun.some(isRestOfMany);
    if (isEvent(item.symbol) && begun.length && apart) pieces.push([]);
    pieces.at(-1).push(item);
  }
  const last = { ...segment, items: pieces.pop() };
  return [...pieces.map((items) => ({ items, barline: null, system: segment.system })), last];
}

// --- columns ------------------------------------------------------------------------------------------

function alignSystem(rows) {
  const present = rows.filter((row) => row.length);
  const shapes = new Set(present.map((row) => row.map(countRests).join()));
  if (shapes.size <= 1) return makeColumns(rows);
  const expanded = rows.map((row) => row.flatMap(expandRests));
  if (new Set(expanded.map((row) => row.length).filter(Boolean)).size <= 1) return makeColumns(expanded);
  const isEven = new Set(present.map((row) => row.length)).size === 1;
  const isMixed = (_, place) => new Set(present.map((row) => countRests(row[place]) > 0)).size > 1;
  const columns = isEven && !present[0].some(isMixed) ? makeColumns(rows) : matchByBarlines(rows);
  return columns.map(settleMultirests);
}

function makeColumns(rows) {
  const width = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: width }, (_, place) => rows.map((row) => row[place] ?? null));
}

// A multirest as that many measures of rest, any other segment as it is.
function expandRests(segment) {
  const count = countRests(segment);
  if (!count) return [segment];
  const place = segment.items.findIndex((item) => isEvent(item.symbol));
  const before = segment.items.slice(0, place), after = segment.items.slice(place + 1);
  const rest = { ...segment.items[place], ...wholeRest };
  return Array.from({ length: count }, (_, n) => ({
    items: [...(n === 0 ? before : []), rest, ...(n === count - 1 ? after : [])],
    barline: n === count - 1 ? segment.barline : plainBarline(), system: segment.system }));
}

// The column with its multirests as measures of rest, unless it is one in all parts.
function settleMultirests(column) {
  const counts = tally(column.filter(isRead).map(countRests));
  const votes = counts.filter(([, number]) => number === counts[0][1]).map(([count]) => count);
  const made = counts.some(([count]) => count === 0) ? wholeRest : multirest(Math.max(...votes));
  return column.map((segment) => segment && { ...segment,
    items: segment.items.map((item) => isRestOfMany(item) ? { ...item, ...made } : item) });
}

// The column with measures of rest where a part has none.
function fillColumn(column, system, number) {
  const read = column.filter(isRead);
  const text = tally(read.map(({ barline }) => barline?.text))[0][0];
  const count = Math.min(...read.map(countRests));
  const rest = { ...(count ? multirest(count) : wholeRest), staff: null, place: -1, tied: false, filler: true };
  const barline = text === undefined ? null : { ...plainBarline(), text };
  return column.map((segment) => segment ?? { items: [...sharedTimes(read), rest], barline, system: number });
}

function openingTime(segment) {
  const first = segment.items.findIndex((item) => isEvent(item.symbol));
  return segment.items.slice(0, first).findLast((item) => item.symbol.kind === "time") ?? null;
}

// The time signature with which at least half of the measures of a column begin, if one.
function sharedTimes(read) {
  const found = read.map(openingTime).filter(Boolean);
  if (!found.length) return [];
  const [text, count] = tally(found.map((item) => item.text))[0];
  if (2 * count < read.length) return [];
  return [{ text, symbol: parseToken(text), staff: null, place: -1, tied: false, filler: true }];
}

// Give a new meter to the parts that do not show it; times are in force before the column.
function shareTime(column, times) {
  const shared = sharedTimes(column.filter(isRead));
  column.forEach((segment, part) => {
    if (segment === null) {
      times[part] = shared[0]?.text ?? times[part];
      return;
    }
    if (shared.length && !openingTime(segment) && times[part] !== shared[0].text) {
      segment = column[part] = { ...segment, items: [...shared, ...segment.items] };
    }
    for (const { symbol, text } of segment.items) if (symbol.kind === "time") times[part] = text;
  });
}

// Give the barline at the end of a measure to all parts as most of them show it; where as many show a
// plain one, it was the other that was overlooked.
function shareBarline(column) {
  const kinds = tally(column.map((segment) => segment?.barline?.text).filter(Boolean));
  if (kinds.length < 2) return;
  const most = kinds.filter(([, count]) => count === kinds[0][1]).map(([text]) => text);
  const text = most.find((each) => each !== "barline") ?? most[0];
  column.forEach((segment, part) => {
    if (segment?.barline) column[part] = { ...segment, barline: { ...segment.barline, text } };
  });
}

// --- barlines -----------------------------------------------------------------------------------------

// Where a token lies on its page, in px of the page.
const pageX = (staff, place) => staff.left + staff.tokens[place].x / staff.scale;
const tolerance = (staff) => TOLERANCE * staff.space;

// The x of the barline at the end; null without one, or where it stands on a later staff.
const endX = ({ items, barline }) => barline && barline.staff !== null && items[0].staff === barline.staff
  ? pageX(barline.staff, barline.place) : null;

// The columns of a system by the barlines that at least half of its staves show.
function matchByBarlines(rows) {
  const edges = findEdges(rows.filter((row) => row.length));
  return makeColumns(rows.map((row) => row.length ? cutRow(row, edges) : [])).filter((column) => column.some(isRead));
}

// The barlines that at least half of the rows show, from left to right: where they lie in each.
function findEdges(rows) {
  const apart = tolerance(rows[0][0].items[0].staff);
  const xs = rows.flatMap((row) => row.map(endX)).filter((x) => x !== null).sort((one, two) => one - two);
  const groups = [];
  for (const x of xs) {
    if (groups.length && x - groups.at(-1)[0] <= apart) groups.at(-1).push(x);
    else groups.push([x]);
  }
  return groups.filter((group) => 2 * group.length >= rows.length);
}

// The row with one segment for each column; one more may follow the last barline.
function cutRow(row, edges) {
  const middles = edges.map((xs) => xs.reduce((sum, x) => sum + x, 0) / xs.length);
  const columnOf = (item) => middles.filter((x) => x < pageX(item.staff, item.place)).length;
  const cells = Array.from({ length: edges.length + 1 }, () => []);
  const ends = new Map();
  let column = 0;
  for (const segment of row) {
    const own = edges.findIndex((xs) => xs.includes(endX(segment)));
    const last = own < 0 ? edges.length : own;
    for (const item of segment.items) {
      column = Math.max(column, Math.min(columnOf(item), last));
      cells[column].push(item);
    }
    if (own >= 0) {
      ends.set(own, segment);
      column = own + 1;
    } else if (segment === row.at(-1) || !segment.barline?.staff) {
      ends.set(column, segment);
    }
  }
  return closeCells(cells, ends, row[0].system);
}

// The segments of the cells; null for a measure without events, whose signs go to the next.
function closeCells(cells, ends, system) {
  const made = [];
  let signs = [];
  cells.forEach((cell, place) => {
    const items = [...signs, ...cell], isLast = place === cells.length - 1;
    if (hasEvents({ items })) {
      const barline = ends.has(place) ? ends.get(place).barline : isLast ? null : plainBarline();
      made.push({ items, barline, system });
      signs = [];
    } else {
      signs = items.filter((item) => item.text !== "barline");
      if (!isLast) made.push(null);
    }
  });
  return made;
}
