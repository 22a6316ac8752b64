// The page: walking from doubt to doubt, filter, keys, playing and saving.

const byId = (id) => document.getElementById(id);
const NOTES = data.hasScore ? data.warnings : [...data.warnings,
  "This model reads the agnostic encoding, which has no pitches: nothing is engraved, no measure is checked, and nothing can be played."];
const main = byId("staves");

// --- doubts, in reading order ---------------------------------------------------------------------

// Doubtful tokens, and of measures that do not add up without one the token that would mend them,
// or the first.
function findStops(staff) {
  if (staff.right) return [];
  const places = new Set();
  staff.tokens.forEach((token, place) => { if (isDoubtful(token)) places.add(place); });
  for (const measure of staff.measures ?? []) {
    const { first, last, problem } = measure;
    if (!problem || staff.tokens[first].right) continue;
    const covered = [...places].some((place) => first <= place && place <= last);
    if (!covered) places.add(findFixes(staff, measure)[0]?.[0] ?? worstOf(staff, measure));
  }
  return [...places].sort((one, two) => one - two);
}

const allStops = () => staves.flatMap((staff) => staff.stops.map((place) => ({ staff, place })));
const isBefore = (one, two) => one.staff.number < two.staff.number ||
  (one.staff === two.staff && one.place < two.place);

function walk(direction) {
  const stops = allStops();
  if (!stops.length) return;
  const here = state.chosen ?? { staff: staves[direction > 0 ? 0 : staves.length - 1], place: direction > 0 ? -1 : 1e9 };
  const next = direction > 0 ? stops.find((stop) => isBefore(here, stop)) ?? stops[0]
    : stops.findLast((stop) => isBefore(stop, here)) ?? stops.at(-1);
  choose(next.staff, next.place, true);
}

// --- choosing -------------------------------------------------------------------------------------

function choose(staff, place = 0, scroll = false) {
  const before = state.chosen?.staff;
  inserting = false;
  state.chosen = staff && staff.tokens.length ? { staff, place } : null;
  if (before && before !== staff) refreshStaff(before);
  showPanel(); // first, as it takes room
  if (staff) {
    if (scroll) bringIntoView(staff, place);
    refreshStaff(staff);
  }
  showPlace();
}

function bringIntoView(staff, place) {
  drawStaff(staff);
  const room = byId("bar").getBoundingClientRect().height, foot = panel.getBoundingClientRect().height;
  const box = staff.card.getBoundingClientRect();
  if (box.top < room + 4 || box.bottom > innerHeight - foot - 4) {
    scrollBy(0, box.top - room - Math.max(8, (innerHeight - room - foot - box.height) / 3));
  }
  const [left, , right] = staff.tokens[place].box;
  const scale = staff.strip.getBoundingClientRect().width / staff.width;
  staff.scroller.scrollLeft = (left + right) / 2 * scale - staff.scroller.clientWidth / 2;
}

function showPlace() {
  const stops = allStops(), { chosen } = state;
  const at = chosen ? stops.findIndex((stop) => stop.staff === chosen.staff && stop.place === chosen.place) : -1;
  byId("place").textContent = !stops.length ? "no doubts left"
    : at < 0 ? `${stops.length} doubt${stops.length > 1 ? "s" : ""}` : `${at + 1} of ${stops.length}`;
}

// --- keeping all in step --------------------------------------------------------------------------

// One edit can number all measures anew, and change how long they are in other parts.
function recheck(changed = null) {
  const say = (staff) => JSON.stringify([staff.measures, staff.stops]);
  const before = changed && staves.map(say);
  if (data.hasScore) checkScore();
  for (const staff of staves) staff.stops = findStops(staff);
  showAll(changed && ((staff) => staff === changed || say(staff) !== before[staff.number]));
}

// Only staves that `isOther` are drawn anew, or all.
function showAll(isOther = null) {
  const filtered = byId("filter").getAttribute("aria-pressed") === "true";
  for (const staff of staves) {
    staff.card.hidden = filtered && !staff.stops.length && state.chosen?.staff !== staff;
    staff.cell.className = staff.right ? "right" : staff.measures?.some((m) => m.problem) && staff.stops.length
      ? "problem" : staff.stops.length ? "doubtful" : "";
    if (!isOther || isOther(staff)) refreshStaff(staff);
  }
  byId("nothing").hidden = !filtered || staves.some((staff) => staff.stops.length);
  showSummary();
  showNotes();
  showPlace();
}

// What is said of the reading as a whole, and the measures that do not add up as they are now.
function showNotes() {
  const seen = new Set(), items = NOTES.map((textContent) => html("li", { textContent }));
  for (const staff of staves.filter((each) => !each.right)) {
    for (const measure of (staff.measures ?? []).filter((each) => each.problem && !staff.tokens[each.first].right)) {
      const name = `${parts.indexOf(partOf(staff))}:${measure.number}`;
      if (!seen.has(name)) items.push(html("li", {}, offerMeasure(staff, measure)));
      seen.add(name); // one that goes on over the line break is on two staves
    }
  }
  byId("notes").hidden = !items.length;
  byId("notes-count").textContent = `${items.length} note${items.length > 1 ? "s" : ""} on this reading`;
  byId("notes-list").replaceChildren(...items);
}

function offerMeasure(staff, measure) {
  const textContent = `Measure ${measure.number} (${sayPlace(staff)}): ${sayProblem(measure)}`;
  const button = html("button", { textContent, title: "Go to this measure" });
  button.addEventListener("click", () => choose(staff, findFixes(staff, measure)[0]?.[0] ?? worstOf(staff, measure), true));
  return button;
}

// The place of the token in a measure that is most likely misread.
function worstOf(staff, { first, last }) {
  const doubts = staff.tokens.slice(first, last + 1).map((token) => isEdited(token) ? 0 : token.doubt);
  return first + doubts.indexOf(Math.max(...doubts));
}

function showSummary() {
  const tokens = staves.reduce((sum, staff) => sum + staff.tokens.length, 0);
  const edits = staves.reduce((sum, staff) => sum + staff.tokens.filter(isEdited).length, 0);
  const right = staves.filter((staff) => staff.right).length;
  byId("summary").textContent = byId("summary").title = [edits ? `${edits} corrected` : "",
    right ? `${right} marked as right` : "", `${staves.length} staves, ${tokens} tokens, read by ${data.model}`,
  ].filter(Boolean).join(" · ");
}

function toggleRight(staff) {
  edit(staff, () => { staff.right = !staff.right; });
}

state.listeners.push((staff) => {
  fitView(staff);
  recheck(staff);
  if (state.chosen?.staff.tokens[state.chosen.place]) showPanel(); // the last token may be gone
});

// --- playing --------------------------------------------------------------------------------------

const sounding = new Map(); // by staff, the token that is lit

function start(notes, follows = false) {
  if (!notes.length) return;
  player.follows = follows;
  playNotes(notes, Number(byId("tempo").value) || 96);
  byId("play").textContent = "■ Stop";
}

player.onNote = ({ staff, place }) => {
  if (player.follows && !sounding.has(staff)) follow(staff);
  sounding.get(staff)?.classList.remove("sounding");
  const hit = staff.overlay?.querySelector(`.hits [data-place="${place}"]`) ?? null;
  hit?.classList.add("sounding");
  sounding.set(staff, hit);
  if (player.follows) followAlong(staff, place);
};
player.onEnd = () => {
  darken();
  if (data.hasScore) byId("play").textContent = "▶ Play";
};

function darken() {
  for (const hit of sounding.values()) hit?.classList.remove("sounding");
  sounding.clear();
}

// A new system sounds: show it where none of it can be seen.
function follow(staff) {
  const system = data.systems.find((each) => each.includes(staff.number)) ?? [];
  if (![...sounding.keys()].every((each) => system.includes(each.number))) darken();
  const { top, bottom } = staff.card.getBoundingClientRect();
  const room = byId("bar").getBoundingClientRect().bottom, foot = panel.getBoundingClientRect().height;
  if (sounding.size === 0 && (top < room || bottom > innerHeight - foot)) {
    scrollBy({ top: top - Math.max(0, room) - 8, behavior: "smooth" });
  }
}

// Where a staff is wider than the window, keep what sounds in it.
function followAlong({ scroller, strip, tokens, width }, place) {
  const x = tokens[place].box[0] * strip.getBoundingClientRect().width / width - scroller.scrollLeft;
  if (x < 0 || x > 0.85 * scroller.clientWidth) {
    scroller.scrollBy({ left: x - 0.15 * scroller.clientWidth, behavior: "smooth" });
  }
}

function playMeasure(staff, { column }) {
  start(makeTimeline([column]).notes);
}

function playChosen() {
  if (!state.chosen) return;
  const { staff, place } = state.chosen;
  const measure = measureAt(staff, place);
  if (measure) playMeasure(staff, measure);
}

function playPiece() {
  const { staff, place } = state.chosen ?? { staff: null };
  const from = staff?.measures.find((measure) => place <= measure.last)?.column ?? 0;
  const order = playingOrder();
  start(makeTimeline(order.slice(Math.max(0, order.indexOf(from)))).notes, true);
}

function togglePlaying(play) {
  if (isPlaying()) stopPlaying();
  else play();
}

// --- controls -------------------------------------------------------------------------------------

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem("omr-proof-theme", theme); } catch { /* nothing is kept */ }
}

function toggleTheme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(dark ? "light" : "dark");
}

function toggleFilter() {
  const button = byId("filter");
  button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
  showAll();
}

function saveTraining(chosen) {
  saveFile(`${data.stem}-training.zip`, makeZip(corpusFiles(chosen)), "application/zip");
}

function save(action) {
  action();
  state.unsaved = false;
  byId("downloads").open = false;
}

const CLICKS = {
  previous: () => walk(-1),
  next: () => walk(1),
  filter: toggleFilter,
  theme: toggleTheme,
  "help-button": () => byId("help").showModal(),
  play: () => togglePlaying(playPiece),
  "save-semantic": () => save(() => saveFile(`${data.stem}.${data.hasScore ? "semantic" : "agnostic"}`, [semanticText()], "text/plain")),
  "save-training": () => save(() => saveTraining(staves)),
  "save-checked": () => save(() => saveTraining(staves.filter((staff) => staff.right))),
};

const KEYS_DOWN = {
  j: () => walk(1), n: () => walk(1), k: () => walk(-1), p: () => walk(-1),
  Enter: confirmChosen, e: () => byId("token-text")?.select(), i: () => state.chosen && startInserting(),
  Delete: deleteChosen, Backspace: deleteChosen, u: undoLast, r: () => state.chosen && toggleRight(state.chosen.staff),
  ArrowLeft: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => moveChosen(1), ArrowDown: () => moveChosen(-1),
  "+": () => alterChosen(1), "-": () => alterChosen(-1), f: toggleFilter, t: toggleTheme,
  "?": () => byId("help").showModal(), Escape: () => choose(null), " ": (event) => togglePlaying(
    event.shiftKey || !state.chosen ? playPiece : playChosen),
};

function deleteChosen() {
  if (state.chosen) correct(state.chosen.staff, state.chosen.place, "");
}

function step(by) {
  if (!state.chosen) return;
  const { staff, place } = state.chosen;
  const next = Math.max(0, Math.min(staff.tokens.length - 1, place + by));
  choose(staff, next, true);
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, dialog");
  if (typing && event.key === "Escape") event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("button, summary") && (event.key === "Enter" || event.key === " ")) return;
  const offered = /^[1-9]$/.test(event.key) && panel.querySelectorAll(".alternative")[Number(event.key) - 1];
  const act = offered ? () => offered.click() : Object.hasOwn(KEYS_DOWN, event.key) && KEYS_DOWN[event.key];
  const needsChoice = event.key.startsWith("Arrow") || event.key === "Backspace";
  if (!act || (event.key === " " && !data.hasScore) || (needsChoice && !state.chosen)) return;
  event.preventDefault();
  act(event);
});

function tokenAt(event) {
  const hit = event.target.closest(".hits [data-place]");
  if (!hit) return null;
  const staff = staves[Number(hit.closest("article").dataset.staff)];
  return { staff, place: Number(hit.dataset.place) };
}

main.addEventListener("click", (event) => {
  const found = tokenAt(event);
  if (found) choose(found.staff, found.place);
});
main.addEventListener("pointermove", (event) => {
  const found = event.pointerType === "mouse" ? tokenAt(event) : null;
  if (found) showTip(found.staff, found.staff.tokens[found.place], event);
  else tip.hidden = true;
});
main.addEventListener("pointerleave", () => { tip.hidden = true; });
addEventListener("beforeprint", () => { printing = true; staves.forEach(drawStaff); });
addEventListener("afterprint", () => { printing = false; });
addEventListener("beforeunload", (event) => { if (state.unsaved) event.preventDefault(); });

function setThreshold(value) {
  state.threshold = value / 100;
  byId("threshold-text").textContent = `${value} %`;
}

// --- beginning ------------------------------------------------------------------------------------

function begin() {
  try {
    const theme = localStorage.getItem("omr-proof-theme");
    if (theme) document.documentElement.dataset.theme = theme;
  } catch { /* nothing is kept */ }
  for (const [id, act] of Object.entries(CLICKS)) byId(id)?.addEventListener("click", act);
  byId("threshold").value = Math.round(100 * data.threshold);
  setThreshold(Number(byId("threshold").value));
  byId("threshold").addEventListener("input", (event) => { setThreshold(Number(event.target.value)); recheck(); });
  defineGlyphs();
  for (const staff of staves) {
    staff.cell = html("span", {});
    staff.cell.addEventListener("click", () => staff.card.scrollIntoView({ block: "center" }));
  }
  byId("map").append(...staves.map((staff) => staff.cell));
  restore();
  main.append(...staves.map(makeCard));
  recheck();
  byId("notes-list").parentElement.open = byId("notes-list").children.length < 2;
}

begin();
