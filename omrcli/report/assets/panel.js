// What is known of the chosen token, and how to correct it.

const panel = document.getElementById("panel");
const tip = document.getElementById("tip");
const percent = (value) => `${Math.round(100 * value)} %`;

function showPanel() {
  panel.hidden = state.chosen === null;
  if (!panel.hidden) fillPanel();
  document.body.style.paddingBottom = panel.hidden ? "" : `${panel.offsetHeight + 8}px`; // the last staff is not under it
}

function fillPanel() {
  const { staff, place } = state.chosen, token = staff.tokens[place];
  panel.replaceChildren(describeChosen(staff, token, place), offerAlternatives(staff, token, place),
    makeTools(staff, token, place));
}

function describeChosen(staff, token, place) {
  const measure = measureAt(staff, place);
  const notes = [html("strong", { textContent: describeToken(token.text) }), html("code", { textContent: token.text })];
  if (isEdited(token)) {
    const was = token.was === null ? "inserted" : `was ${describeToken(token.was)}`;
    notes.push(html("span", { className: "edited", textContent: was }));
  } else {
    const words = token.right ? "marked as right" : `confidence ${percent(token.confidence)}`;
    notes.push(html("span", { className: isDoubtful(token) ? "doubtful" : "sure", textContent: words }));
  }
  if (measure?.problem) {
    notes.push(html("span", { className: "problem", textContent: `measure ${measure.number} has ${sayProblem(measure)}` }));
  }
  const before = html("button", { textContent: "‹", title: "Previous doubt (k)", className: "step" });
  const after = html("button", { textContent: "›", title: "Next doubt (j)", className: "step" });
  before.addEventListener("click", () => walk(-1));
  after.addEventListener("click", () => walk(1));
  const close = html("button", { className: "close", textContent: "×", title: "Choose nothing (Esc)", ariaLabel: "Close" });
  close.addEventListener("click", () => choose(null));
  return html("div", { className: "chosen-token" }, ...notes, before, after, close);
}

function offerAlternatives(staff, token, place) {
  const offers = [...token.alternatives];
  if (isEdited(token) && token.was !== null) offers.push([token.was, token.confidence]);
  const measure = measureAt(staff, place);
  const fixes = measure ? findFixes(staff, measure) : [];
  const fits = (text) => fixes.some(([at, other]) => at === place && other === text);
  const own = offers.filter(([text]) => text === "" || !stands(staff, place, text)).map(([text, probability]) => (
    { place, text, probability, fits: fits(text), said: describeToken(text) }));
  const others = fixes.filter(([at]) => at !== place).slice(0, 3).map(([at, text, probability]) => (
    { place: at, text, probability, fits: true, said: `${describeToken(staff.tokens[at].text)} → ${describeToken(text)}` }));
  const longer = measure ? fittingDurations(token, place, measure) : [];
  const known = new Set(own.map((offer) => offer.text));
  const buttons = [...own, ...others, ...longer.filter(({ text }) => !known.has(text))].map((offer, n) => {
    const button = html("button", { className: offer.fits ? "alternative fits" : "alternative",
      title: offer.text || "delete the token" }, html("kbd", { textContent: n + 1 }), " ", offer.said, " ",
      html("small", { textContent: [offer.probability === null ? "" : percent(offer.probability),
        offer.fits ? "the measure adds up" : ""].filter(Boolean).join(", ") }));
    button.addEventListener("click", () => correct(staff, offer.place, offer.text));
    return button;
  });
  if (!buttons.length) buttons.push(html("span", { className: "none", textContent: "no other reading is likely" }));
  return html("div", { className: "alternatives" }, ...buttons);
}

// Whether a text of one or more tokens is what stands there.
function stands(staff, place, text) {
  const texts = text.split(" ");
  return staff.tokens.slice(place, place + texts.length).map((token) => token.text).join(" ") === text;
}

// The note or rest as long as its measure needs it, where one value or a dotted one is.
function fittingDurations(token, place, { problem, missing }) {
  const { symbol } = token;
  if (!problem || missing === null || !["note", "rest"].includes(symbol?.kind) || symbol.tuplet) return [];
  for (const [base, quarters] of Object.entries(QUARTERS)) {
    for (const dots of ["", ".", ".."]) {
      const length = quarters * (2 - 1 / 2 ** dots.length);
      if (Math.abs(length - symbol.quarters - missing) > NEAR) continue;
      const text = symbol.pitches ? noteText({ ...symbol, durationText: base + dots })
        : `rest-${base}${dots}${symbol.fermata ? "_fermata" : ""}`;
      return [{ place, text, probability: null, fits: true, said: describeToken(text) }];
    }
  }
  return [];
}

function makeTools(staff, token, place) {
  const button = (text, title, act) => {
    const made = html("button", { textContent: text, title });
    made.addEventListener("click", act);
    return made;
  };
  const tools = [
    button("✓ Right", "It is right as it stands; go on (Enter)", () => confirmChosen()),
    ...(token.symbol?.pitches ? [button("↑", "A step higher (↑)", () => moveChosen(1)),
      button("↓", "A step lower (↓)", () => moveChosen(-1))] : []),
    button("Insert", "Insert a token behind (i)", () => startInserting()),
    button("Delete", "Delete the token (Delete)", () => correct(staff, place, "")),
    button("Undo", "Undo the last correction (u)", () => undoLast()),
  ];
  if (data.hasScore) tools.push(button("▶ Measure", "Play the measure (Space)", () => playChosen()));
  return html("div", { className: "correct" }, makeForm(staff, token, place), ...tools);
}

function makeForm(staff, token, place) {
  const input = html("input", { type: "text", value: token.text, spellcheck: false, autocapitalize: "off",
    autocomplete: "off", ariaLabel: "Token", list: "vocabulary", id: "token-text" });
  const problem = html("span", { className: "invalid", role: "alert" });
  const form = html("form", {}, input, html("button", { textContent: "Set" }), problem);
  const follows = html("input", { type: "checkbox", checked: true });
  if (token.symbol?.kind === "clef" || token.symbol?.kind === "key") {
    form.append(html("label", { className: "follow" }, follows, " its notes follow"));
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim().replace(/\s+/g, " ");
    const wrong = text.split(" ").find((each) => !isToken(each));
    problem.textContent = wrong === undefined ? "" : wrong === ""
      ? "Type a token such as note-B4_quarter, rest-half or barline."
      : `“${wrong}” is no token; write it like note-Bb4_eighth., rest-half or barline.`;
    if (wrong !== undefined) return;
    input.blur();
    if (inserting) insertBehind(staff, place, text);
    else correct(staff, place, text, follows.checked);
  });
  input.addEventListener("focus", fillVocabulary, { once: true });
  return form;
}

const isToken = (text) => data.hasScore ? parseToken(text) !== null : text !== "";

// Offer the tokens that the piece has, while typing.
function fillVocabulary() {
  const texts = [...new Set(staves.flatMap((staff) => staff.tokens.map((token) => token.text)))].sort();
  const list = document.getElementById("vocabulary") ?? document.body.appendChild(html("datalist", { id: "vocabulary" }));
  list.replaceChildren(...texts.map((text) => html("option", { value: text })));
}

// --- corrections ----------------------------------------------------------------------------------

let inserting = false;

function correct(staff, place, text, follow = true) {
  edit(staff, () => {
    const before = staff.tokens[place].symbol;
    replaceToken(staff, place, text);
    if (follow && text) followSign(staff, place, before, staff.tokens[place].symbol);
  });
  choose(staff, Math.min(place, staff.tokens.length - 1));
}

// Notes stand where they stood on the staff when their clef or key is corrected: so they change.
function followSign(staff, place, before, after) {
  if (before?.kind !== after?.kind || !["clef", "key"].includes(after?.kind)) return;
  let key = staff.key ? parseToken(staff.key).fifths : 0;
  staff.tokens.slice(0, place).forEach(({ symbol }) => { if (symbol?.kind === "key") key = symbol.fifths; });
  let [oldKey, newKey, steps] = after.kind === "key" ? [before.fifths, after.fifths, 0]
    : [key, key, after.bottom - before.bottom];
  for (const token of staff.tokens.slice(place + 1)) {
    if (token.symbol?.kind === after.kind) break;
    if (token.symbol?.kind === "key") oldKey = newKey = token.symbol.fifths;
    if (!token.symbol?.pitches) continue;
    const moved = token.symbol.pitches.map((pitch) => movePitch(pitch, steps, oldKey, newKey));
    setText(token, noteText(token.symbol, moved));
  }
}

// A pitch some steps away; what the key altered is altered as the new key does.
function movePitch(pitch, steps, oldKey, newKey) {
  const place = diatonic(pitch) + steps;
  if (place < 0 || place >= 70) return pitch;
  const step = STEPS[place % 7], plain = pitch.alter === keyAlter(oldKey, pitch.step);
  return { step, octave: Math.floor(place / 7), alter: plain ? keyAlter(newKey, step) : pitch.alter };
}

function moveChosen(steps) {
  changePitches((pitch, key) => movePitch(pitch, steps, key, key));
}

function alterChosen(by) {
  changePitches((pitch) => ({ ...pitch, alter: Math.max(-2, Math.min(2, pitch.alter + by)) }));
}

function changePitches(change) {
  if (!state.chosen) return;
  const { staff, place } = state.chosen, { symbol } = staff.tokens[place];
  if (!symbol?.pitches) return;
  const { key } = readContexts(staff)[place];
  correct(staff, place, noteText(symbol, symbol.pitches.map((pitch) => change(pitch, key))));
}

function confirmChosen() {
  if (!state.chosen) return;
  const { staff, place } = state.chosen;
  const measure = measureAt(staff, place);
  edit(staff, () => {
    staff.tokens[place].right = true;
    if (measure?.problem) staff.tokens[measure.first].right = true;
  });
  walk(1);
}

function startInserting() {
  inserting = true;
  const input = document.getElementById("token-text");
  input.value = "";
  input.placeholder = "token to insert behind";
  input.focus();
}

function insertBehind(staff, place, text) {
  inserting = false;
  edit(staff, () => {
    const made = text.split(" ").map((each, n) => {
      const token = insertedToken(staff, place, n + 1);
      setText(token, each);
      return token;
    });
    staff.tokens.splice(place + 1, 0, ...made);
  });
  choose(staff, place + 1);
}

function undoLast() {
  const staff = undo();
  if (staff) choose(staff, Math.min(state.chosen?.staff === staff ? state.chosen.place : 0, staff.tokens.length - 1));
}

// --- what the pointer is over ---------------------------------------------------------------------

function showTip(staff, token, event) {
  const others = token.alternatives.slice(0, 3).map(([text, p]) => `${describeToken(text)} ${percent(p)}`);
  tip.replaceChildren(html("strong", { textContent: describeToken(token.text) }),
    html("span", { textContent: isEdited(token) ? " corrected" : ` ${percent(token.confidence)}` }),
    ...others.map((text) => html("div", { textContent: `or ${text}` })));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 4))}px`;
  tip.style.top = `${event.clientY + 18 + height > innerHeight ? event.clientY - height - 12 : event.clientY + 18}px`;
}
