// One staff on the page: its image, the reading under it, and what is doubtful in both.

const LABELS = 1.9; // interlines between image and reading, for the numbers of the measures
const VERY = 0.3; // the doubt from which a token is marked in red
const NEARBY = "1200px"; // staves so far from the window are drawn

const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const staff = staves[Number(target.dataset.staff)];
    if (isIntersecting) drawStaff(staff);
    else if (!printing) clearStaff(staff);
  }
}, { rootMargin: NEARBY });
let printing = false;

const sayPlace = (staff) => `page ${staff.page}, system ${staff.system}` +
  (parts.length > 1 ? `, part ${parts.indexOf(partOf(staff)) + 1}` : "");

// The card of a staff, with room for what is drawn when it comes near the window.
function makeCard(staff) {
  staff.strip = html("div", { className: "strip" });
  staff.count = html("span", { className: "count" });
  staff.tick = html("button", { className: "tick", textContent: "Mark as right", title: "Mark this staff as right (r)" });
  staff.tick.addEventListener("click", () => toggleRight(staff));
  const where = sayPlace(staff).replace("page", "Page");
  const head = html("div", { className: "head" },
    html("h2", { textContent: where }), staff.count, staff.tick);
  if (new Set(staves.map((each) => each.source)).size > 1) {
    head.firstChild.after(html("span", { className: "file", textContent: staff.source }));
  }
  staff.scroller = html("div", { className: "scroller" }, staff.strip);
  staff.card = html("article", { className: "staff", id: `staff-${staff.number}` }, head, staff.scroller);
  staff.card.dataset.staff = staff.number;
  staff.strip.style.setProperty("--spaces", staff.width / staff.interline);
  measureView(staff);
  observer.observe(staff.card);
  return staff.card;
}

// Which rows of the image are shown, and how high the reading is, in px of the image.
function measureView(staff) {
  const space = staff.interline;
  const lines = staff.tokens.map((token) => token.line);
  const tops = staff.tokens.map((token) => token.line + token.box[1]);
  const feet = staff.tokens.map((token) => token.line + token.box[3]);
  const middle = staff.height / 2 - 2 * space;
  const top = Math.max(0, Math.min(...tops, Math.min(middle, ...lines) - 2.5 * space) - space);
  const bottom = Math.min(staff.height, Math.max(...feet, Math.max(middle, ...lines) + 6.5 * space) + space);
  const [highest, lowest] = reachOfEdits(staff);
  const above = Math.max(1.5 * space, -highest, ...staff.tokens.map((token) => -token.box[1]));
  const below = Math.max(5.5 * space, lowest, ...staff.tokens.map((token) => token.box[3])) + 0.4 * space;
  const reading = data.hasScore ? above + below : 2.2 * space;
  const high = bottom - top, start = high + LABELS * space;
  staff.view = { top, high, lines: start + above, start, height: start + reading };
  staff.strip.style.aspectRatio = `${staff.width} / ${staff.view.height}`;
}

// How far corrected notes reach up and down, their stems and beams included.
function reachOfEdits(staff) {
  if (!data.hasScore || !staff.tokens.some(isEdited)) return [0, 0];
  const contexts = readContexts(staff), room = 4.2 * staff.interline;
  const heads = staff.tokens.flatMap((token, place) => isEdited(token) ? headRows(token, contexts[place], staff.interline) : []);
  return [Math.min(0, ...heads.map((y) => y - room)), Math.max(0, ...heads.map((y) => y + room))];
}

// Give a staff the room that its corrections take.
function fitView(staff) {
  const before = staff.view.height;
  measureView(staff);
  if (staff.view.height === before || !staff.built) return;
  staff.built = false;
  drawStaff(staff);
}

function clearStaff(staff) {
  staff.built = false;
  staff.strip.replaceChildren();
}

function drawStaff(staff) {
  if (staff.built) return;
  staff.built = true;
  const { view } = staff, share = (value) => `${100 * value / view.height}%`;
  const image = html("img", { src: staff.image, alt: "", decoding: "async", draggable: false });
  image.style.top = `${-100 * view.top / view.high}%`;
  const source = html("div", { className: "source" }, image);
  source.style.height = share(view.high);
  staff.overlay = svg("svg", { viewBox: `0 0 ${staff.width} ${view.height}`, role: "img",
    "aria-label": "What was read, engraved" });
  staff.labels = html("div", { className: "labels" });
  staff.labels.style.top = share(view.high);
  staff.labels.style.height = share(view.start - view.high);
  staff.strip.replaceChildren(source, staff.overlay, staff.labels);
  refreshStaff(staff);
}

// Draw what changes with edits, the threshold and the choice.
function refreshStaff(staff) {
  const stops = staff.stops?.length ?? 0, bad = staff.measures?.filter((m) => m.problem).length ?? 0;
  const doubts = staff.tokens.filter(isDoubtful).length;
  staff.count.textContent = staff.right ? "" : [
    doubts ? `${doubts} doubtful` : "", bad ? `${bad} measure${bad > 1 ? "s do" : " does"} not add up` : "",
  ].filter(Boolean).join(" · ");
  staff.card.classList.toggle("is-right", staff.right);
  staff.card.classList.toggle("has-stops", stops > 0);
  staff.tick.textContent = staff.right ? "✓ Right" : "Mark as right";
  staff.tick.setAttribute("aria-pressed", staff.right);
  if (!staff.built) return;
  const layers = data.hasScore ? [drawLines(staff), drawReading(staff)] : [drawTexts(staff)];
  staff.overlay.replaceChildren(drawProblems(staff), drawSpots(staff), ...layers, drawHits(staff));
  drawLabels(staff);
}

function drawLines(staff) {
  const [left, right] = staff.edges, { lines } = staff.view;
  const d = [0, 1, 2, 3, 4].map((n) => `M${left} ${lines + n * staff.interline}H${right}`).join("");
  return svg("path", { d, class: "ruling", "stroke-width": staff.interline / 14 });
}

// The engraved marks; corrected tokens, and what shares a beam with them, are drawn anew.
function drawReading(staff) {
  const group = svg("g", { class: "reading", transform: `translate(0 ${staff.view.lines})` });
  const contexts = readContexts(staff), anew = findRedrawn(staff, contexts);
  const byToken = new Map();
  staff.tokens.forEach((token, place) => {
    if (!anew.redrawn.has(place)) byToken.set(token.index, svg("g", { class: tokenClass(staff, token, place) }));
  });
  for (const mark of staff.marks ?? []) {
    const [token] = mark;
    const home = token === -1 || isJoinKept(staff, token, anew) ? group : byToken.get(token);
    home?.append(drawMark(mark, staff.interline));
  }
  const { joins, drawn } = drawAnew(staff, contexts, anew);
  const fresh = drawn.map(([place, marks]) => svg("g", { class: tokenClass(staff, staff.tokens[place], place) }, ...marks));
  group.append(...byToken.values(), joins, ...fresh);
  return group;
}

// Whether the beam, or the number of the tuplet, of several tokens stands as it was engraved.
function isJoinKept(staff, joins, { redrawn, places }) {
  if (!Array.isArray(joins)) return false;
  if (isAsRead(staff)) return true;
  const members = membersOf(asRead(staff).tokens, ...joins).map((index) => places.get(index));
  return !members.some((place) => place === undefined || redrawn.has(place));
}

// Without a score, the texts of the tokens themselves.
function drawTexts(staff) {
  const group = svg("g", { class: "texts", transform: `translate(0 ${staff.view.start})` });
  staff.tokens.forEach((token, place) => {
    const text = svg("text", { x: (token.box[0] + token.box[2]) / 2, y: (0.5 + place % 2) * staff.interline,
      "font-size": 0.6 * staff.interline, class: tokenClass(staff, token, place) });
    text.textContent = token.text;
    group.append(text);
  });
  return group;
}

function tokenClass(staff, token, place) {
  const chosen = state.chosen?.staff === staff && state.chosen.place === place;
  const doubt = !staff.right && isDoubtful(token);
  return ["token", doubt && "doubtful", doubt && token.doubt >= VERY && "very",
    isEdited(token) && "edited", chosen && "chosen"].filter(Boolean).join(" ");
}

// A tint over the measures that do not add up, in image and reading.
function drawProblems(staff) {
  const group = svg("g", { class: "problems" });
  for (const measure of (staff.right ? [] : staff.measures ?? []).filter((each) => each.problem)) {
    const [left, right] = measureEdges(staff, measure);
    group.append(svg("rect", { x: left, y: 0, width: right - left, height: staff.view.height }));
  }
  return group;
}

function measureEdges(staff, { first, last }) {
  const boxes = staff.tokens.slice(first, last + 1).map((token) => token.box);
  return [Math.min(...boxes.map((box) => box[0])), Math.max(...boxes.map((box) => box[2]))];
}

// Marks behind doubtful, edited and chosen tokens: one in the image, one in the reading.
function drawSpots(staff) {
  const group = svg("g", { class: "spots" });
  const contexts = data.hasScore ? readContexts(staff) : [];
  staff.tokens.forEach((token, place) => {
    const name = tokenClass(staff, token, place);
    if (name === "token") return;
    const [left, top, right, bottom] = token.box;
    const spot = (y, from, to, kind) => svg("rect", { x: left, y: y + from, width: right - left, height: to - from,
      rx: staff.interline / 3, class: kind });
    const heads = isEdited(token) && contexts[place] ? headRows(token, contexts[place], staff.interline) : [];
    const reach = [Math.min(top, ...heads.map((y) => y - staff.interline)), Math.max(bottom, ...heads.map((y) => y + staff.interline))];
    const marks = [spot(token.line - staff.view.top, top, bottom, "in-source"),
      spot(staff.view.lines, ...reach, "in-reading")];
    if (name.includes("chosen")) {
      const from = token.line - staff.view.top + bottom, to = staff.view.lines + top;
      marks.unshift(svg("rect", { x: left, y: from, width: right - left, height: Math.max(0, to - from), class: "link" }));
    }
    const group2 = svg("g", { class: name }, ...marks);
    group2.dataset.place = place;
    group.append(group2);
  });
  return group;
}

// Where the pointer finds each token: up to the middle between it and its neighbours.
function drawHits(staff) {
  const group = svg("g", { class: "hits" });
  const middles = staff.tokens.map((token) => (token.box[0] + token.box[2]) / 2);
  staff.tokens.forEach((token, place) => {
    const reach = 0.8 * staff.interline, before = middles[place - 1] ?? -1e9, after = middles[place + 1] ?? 1e9;
    const left = Math.max(token.box[0] - reach, Math.min((before + middles[place]) / 2, middles[place] - 4));
    const right = Math.min(token.box[2] + reach, Math.max((after + middles[place]) / 2, middles[place] + 4));
    const hit = svg("rect", { x: left, y: 0, width: right - left, height: staff.view.height });
    hit.dataset.place = place;
    group.append(hit);
  });
  return group;
}

const sayProblem = ({ problem, isPadded }) => `${problem} quarters` + (isPadded ? " that other parts have" : "");

// The numbers of the measures: buttons that play them.
function drawLabels(staff) {
  const buttons = (staff.measures ?? []).map((measure, n, all) => {
    const [left] = measureEdges(staff, measure);
    const problem = staff.right ? null : measure.problem;
    const text = problem ? `▶ ${measure.number}: ${problem}` : `▶ ${measure.number}`;
    const button = html("button", { className: problem ? "measure problem" : "measure", textContent: text,
      title: problem ? `Play this measure: it has ${sayProblem(measure)}` : "Play this measure", tabIndex: -1 });
    button.style.left = `${100 * left / staff.width}%`;
    if (problem && all[n + 1]?.problem) { // two long labels side by side would cover each other
      button.style.maxWidth = `${100 * (measureEdges(staff, all[n + 1])[0] - left) / staff.width}%`;
    }
    button.addEventListener("click", () => playMeasure(staff, measure));
    return button;
  });
  staff.labels.replaceChildren(...buttons);
}
