"""What became of each object, as two streams of events tell it, and whether they agree. Events are
coalesced by time: what was told depends on when somebody looked, so each recorded state of an
object has to come, in the recorded order, and the last one has to be the last; in between there may
be more, of values that were recorded."""

import re

from recording import FORMS, NAMES, NEVER, NUMBER, UUID, Comparison

DATE = r"\d{8}T\d\d:\d\d:\d\dZ"

# Members whose value is a matter of time, luck, or of what happened in a pool before, and the form
# of their text; the recorded monitor was a stand-in that measured memory once.
ACCIDENTAL = {
    **FORMS,
    "content_id": UUID,
    "virtual_allocation": NUMBER,
    "physical_utilisation": NUMBER,
    "memory_actual": NUMBER,
    "backtrace": r"\(.*\)",
    "date": DATE,
    "linux": ".+",
}


class History:
    """What was told of one object."""

    def __init__(self, kind, before):
        self.kind = kind
        self.before = before  # its record when the listening began; None: it did not exist
        self.operations = []
        self.states = []

    def add(self, event):
        self.operations.append(event["operation"])
        if "snapshot" in event:
            self.states.append(event["snapshot"])

    @property
    def last(self):
        return self.states[-1] if self.states else self.before or {}

    @property
    def all_states(self):
        return ([self.before] if self.before else []) + self.states

    @property
    def is_new(self):
        return self.operations[:1] == ["add"]

    @property
    def is_gone(self):
        return self.operations[-1:] == ["del"]

    @property
    def label(self):
        return self.last.get("name_label") or self.last.get("name") or ""

    @property
    def tells_something(self):
        """More than that somebody wrote what was there already, or that it ended."""
        return self.is_new or len(self.states) > 1 and any(
            state != self.states[0] for state in self.states)

    @property
    def is_passing(self):
        """Came and went: of such an object nobody need ever have heard."""
        return self.is_new and self.is_gone


def histories(events, before):
    """By reference: what existed before, then by the first event."""
    result = {event["ref"]: History(event["class"], event.get("snapshot")) for event in before}
    for event in events:
        result.setdefault(event["ref"], History(event["class"], None)).add(event)
    return result


class Judge:
    """Holds what happened in a pool against what was recorded of it.

    residue: references of the recording that belong to what was done before it began"""

    def __init__(self, names, recorded, seen, before, residue):
        self.names = names
        self.comparison = Comparison(names, ACCIDENTAL)
        self.recorded = {ref: history for ref, history in histories(recorded, []).items()
                         if ref[10:18] not in residue}
        self.seen = histories(seen, before)

    def recognise(self):
        self.pair(new=False)
        self.pair(new=True)
        self.pair_parts()

    def differences(self):
        self.recognise()
        for ref, theirs in self.recorded.items():
            if ref in self.names.seen and self.names.seen[ref] in self.seen:
                self.hold(ref, theirs, self.seen[self.names.seen[ref]])
            elif theirs.is_passing and theirs.kind == "task" or not theirs.tells_something:
                continue
            else:
                self.note(ref, theirs, "is missing")
        for ref, ours in self.seen.items():
            if (ref not in self.names.recorded and ours.is_new
                    and not (ours.is_gone and ours.kind == "task")):
                self.note(ref, ours, "is too much")
        return self.comparison.differences

    def note(self, ref, history, text):
        self.comparison.note(name_of(ref, history), text)

    # ---- who is who ----

    def pair(self, new):
        """What neither context nor answers name: of those that are alike, in their order, the one
        that differs least."""
        for ref, theirs in self.recorded.items():
            if ref in self.names.seen or theirs.is_new != new or not theirs.states:
                continue
            free = [other for other, ours in self.seen.items()
                    if other not in self.names.recorded and self.alike(theirs, ours)]
            if free:
                best = min(free, key=lambda other: self.distance(theirs, self.seen[other]))
                self.names.bind(ref, best)

    @staticmethod
    def alike(theirs, ours):
        return (theirs.kind == ours.kind and theirs.is_new == ours.is_new
                and not theirs.kind.endswith("metrics") and bool(ours.all_states)
                and (theirs.kind not in ("task", "message") or theirs.label == ours.label))

    def distance(self, theirs, ours):
        return (self.comparison.count(theirs.states[0], ours.all_states[0])
                + self.comparison.count(theirs.last, ours.last))

    def pair_parts(self):
        """Measurements belong to what they measure, one after the other."""
        for ref, theirs in self.recorded.items():
            ours = self.seen.get(self.names.seen.get(ref))
            for name in ("metrics", "guest_metrics") if ours else ():
                for recorded, seen in zip(self.distinct(name, theirs.states),
                                          self.distinct(name, ours.all_states)):
                    self.names.bind(recorded, seen)

    @staticmethod
    def distinct(name, states):
        values = [state[name] for state in states if name in state]
        return [value for number, value in enumerate(values)
                if value != "OpaqueRef:NULL" and value not in values[:number]]

    # ---- whether they agree ----

    def hold(self, ref, theirs, ours):
        if theirs.is_gone != ours.is_gone:
            self.note(ref, theirs, "is gone" if ours.is_gone else "is still there")
        if theirs.states and theirs.kind != "message":
            self.comparison.value(theirs.last["uuid"], ours.last.get("uuid"), name_of(ref, theirs))
        self.hold_states(ref, theirs, ours)

    def hold_states(self, ref, theirs, ours):
        """Each recorded state comes, in the recorded order, and the last one is the last."""
        recorded = self.distinct_states(theirs.states, self.names.seen)
        seen = self.distinct_states(ours.all_states, self.names.recorded)
        if recorded and seen:
            self.hold_values(ref, theirs, recorded, seen)
        rest = list(seen)
        for number, state in enumerate(recorded, 1):
            found = next((at for at, other in enumerate(rest) if self.same(state, other)), None)
            if found is None:
                self.note(ref, theirs, f"state {number} of {len(recorded)} does not come: "
                                       f"{self.nearest(state, seen)}")
            else:
                rest = rest[found:]
        if recorded and not theirs.is_gone and not self.same(recorded[-1], seen[-1]):
            self.note(ref, theirs, f"at last {self.nearest(recorded[-1], seen[-1:])}")

    def hold_values(self, ref, theirs, recorded, seen):
        """In between no member is what it never was in the recording, nor to begin with."""
        for name in recorded[0]:
            known = {plain(state.get(name)) for state in [*recorded, seen[0]]}
            for value in {plain(state.get(name)) for state in seen} - known:
                self.note(ref, theirs, f"{name} is {value!r} for a while")

    def nearest(self, state, seen):
        """What is different in the state that is most like the recorded one."""
        best = min(seen, key=lambda other: self.comparison.count(state, other))
        trial = Comparison(self.names, ACCIDENTAL)
        with self.names.trial():
            trial.value(state, best, "")
        return "; ".join(trial.differences) or "it has come before"

    def same(self, recorded, seen):
        return self.comparison.count(recorded, seen) == 0

    def distinct_states(self, states, known):
        """One after the other; what they say of others is left out, of luck the form is kept, and
        domains are numbered."""
        result, domains = [], []
        for state in states:
            told = {name: self.relevant(name, value, known) for name, value in state.items()}
            if state.get("domid", -1) >= 0:
                domains = domains if state["domid"] in domains else [*domains, state["domid"]]
                told["domid"] = f"domain {domains.index(state['domid'])}"
            if not result or result[-1] != told:
                result.append(told)
        return result

    def relevant(self, name, value, known):
        if name in ACCIDENTAL:
            return form_of(value, ACCIDENTAL[name])
        if isinstance(value, float):
            return round(value, 9)
        if isinstance(value, str):
            return "some time" if re.fullmatch(DATE, value) and value != NEVER else value
        if isinstance(value, list):
            members = [member for member in value if not is_other(member, known)]
            return members if any(not isinstance(member, str) for member in members) else sorted(
                members)
        if isinstance(value, dict):
            return {self.in_our_words(key): "" if name == "networks" else member
                    for key, member in value.items() if not is_other(key, known)}
        return value

    def in_our_words(self, key):
        """A key that names a host by its uuid."""
        return self.names.translate(key.encode()).decode() if key.startswith("read-") else key


def plain(value):
    """Of texts and truths what can be compared without names; nothing of all else."""
    if isinstance(value, bool):
        return value
    return NAMES.sub("", value) if isinstance(value, str) else None


def form_of(value, form):
    """The same for all that are alike."""
    if isinstance(value, str):
        return form if re.fullmatch(form, value) else value
    return -1 if value < 0 else 0


def is_other(text, known):
    """A reference to something that the recording does not tell of."""
    return isinstance(text, str) and text.startswith("OpaqueRef:") and text not in known


def name_of(ref, history):
    return f"{history.kind} {history.label} {ref[10:18]}"
