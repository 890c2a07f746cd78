"""What the replays stand on: recorded answers as values, the names by which the recording and the
simulator call the same thing, and the comparison of the two. Standard library only."""

import contextlib
import json
import re
import xml.etree.ElementTree

NULL = "OpaqueRef:NULL"
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# What a text may hold that has another name in each pool, and what such a thing is called here.
NAMES = re.compile(
    f"(?P<ref>OpaqueRef:{UUID})|(?P<uuid>{UUID})|(?P<track>trackid=[0-9a-f]{{32}})"
    r"|(?P<token>\b\d{20},\d{20}\b)|(?P<date>\b\d{8}T\d\d:\d\d:\d\dZ)"
    r"|(?P<url>https?://127\.0\.1\.\d+(?::\d+)?)")
NEVER = "19700101T00:00:00Z"
REFERENCE = re.compile("(?:OpaqueRef|DummyRef):")


class Date(str):
    """A date in XML-RPC; in JSON it is a text like any other."""


class Names:
    """What the recording calls something, and what the simulator calls it: one to one."""

    def __init__(self):
        self.seen = {NULL: NULL}  # recorded -> the simulator's
        self.recorded = {NULL: NULL}
        self.log = []

    def bind(self, recorded, seen):
        """Whether the two can be the same thing; from now on they are."""
        if recorded in self.seen or seen in self.recorded:
            return self.seen.get(recorded) == seen
        self.seen[recorded] = seen
        self.recorded[seen] = recorded
        self.log.append((recorded, seen))
        return True

    @contextlib.contextmanager
    def trial(self):
        """What is bound inside is forgotten."""
        length = len(self.log)
        yield
        for recorded, seen in self.log[length:]:
            del self.seen[recorded]
            del self.recorded[seen]
        del self.log[length:]

    def translate(self, data):
        """A recorded request as the simulator has to get it."""
        text = data.decode("latin-1")
        return NAMES.sub(lambda match: self.seen.get(match[0], match[0]), text).encode("latin-1")


# ---- answers as values ----

def read_xml(value):
    """A <value> of XML-RPC."""
    inner = list(value)
    if not inner:
        return value.text or ""
    kind = inner[0]
    text = kind.text or ""
    if kind.tag == "array":
        return [read_xml(member) for member in kind.find("data")]
    if kind.tag == "struct":
        return {member.find("name").text or "": read_xml(member.find("value")) for member in kind}
    return {"string": str, "boolean": lambda text: {"0": False, "1": True}[text], "i4": int,
            "int": int, "double": float, "dateTime.iso8601": Date,
            "nil": lambda text: None}[kind.tag](text)


def read_body(content_type, body):
    """The body of an answer: a value for RPC and RRD, else the text itself."""
    text = body.decode()
    if content_type == "application/json":
        return json.loads(text)
    if content_type == "text/xml" and "<methodResponse>" in text:
        return read_xml(xml.etree.ElementTree.fromstring(text).find("params/param/value"))
    if content_type == "text/xml":
        return read_tree(xml.etree.ElementTree.fromstring(text))
    return text


def read_tree(element):
    """Any XML: the name of the element, and either its text or what it contains."""
    inner = [read_tree(member) for member in element]
    return [element.tag, inner or (element.text or "").strip()]


def read_request(data):
    """The parameters of a recorded call."""
    body = data.partition(b"\r\n\r\n")[2]
    if body.startswith(b"{"):
        return json.loads(body)["params"]
    call = xml.etree.ElementTree.fromstring(body.strip())
    return [read_xml(value) for value in call.findall("params/param/value")]


class Response:
    """One HTTP answer; `complete` is false where bytes are missing."""

    def __init__(self, data):
        head, separator, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = lines[0]
        self.headers = [tuple(re.fullmatch("([^:]*)(: ?)(.*)", line).groups())
                        for line in lines[1:]] if separator else []
        length = self.header("content-length")
        self.length = None if length is None else int(length)
        self.body = rest if self.length is None else rest[:self.length]
        self.complete = bool(separator) and self.length in (None, len(self.body))
        self.closes = self.length is None or self.header("connection") != "keep-alive"

    def header(self, name):
        return next((value for key, _, value in self.headers if key.lower() == name), None)

    def read(self):
        """The body: a value for RPC and measurements, else the text itself."""
        return read_body(self.header("content-type"), self.body)

    def result(self):
        """What a call returned, of the three encodings; None: an error, or no call at all."""
        answer = self.read()
        if not isinstance(answer, dict):
            return None
        return answer.get("Value", answer.get("result"))


# ---- the comparison ----

class Comparison:
    """Holds a value against the recorded one, and binds names on the way. What differs is in
    `differences`, each with the place where it was found.

    accidental: members whose value is a matter of time, luck or equipment; only their type and
    the form of their text are held."""

    def __init__(self, names, accidental):
        self.names = names
        self.accidental = accidental
        self.differences = []

    def note(self, where, text):
        self.differences.append(f"{where or 'value'}: {text}")

    def count(self, recorded, seen):
        """How much two values differ, without consequences."""
        trial = Comparison(self.names, self.accidental)
        with self.names.trial():
            trial.value(recorded, seen, "")
        return len(trial.differences)

    def value(self, recorded, seen, where, accidental=False):
        if type(recorded) is not type(seen):
            self.note(where, f"{seen!r:.200} is of another type than {recorded!r:.200}")
        elif isinstance(recorded, dict):
            self.map(recorded, seen, where)
        elif isinstance(recorded, list):
            self.list(recorded, seen, where, accidental)
        elif isinstance(recorded, str):
            self.text(recorded, seen, where, accidental)
        elif recorded != seen and not accidental:
            self.note(where, f"{seen!r} instead of {recorded!r}")

    def text(self, recorded, seen, where, accidental=False):
        """Texts agree where all agrees that is no name, and the names are of the same things."""
        theirs, ours = NAMES.split(recorded)[::7], NAMES.split(seen)[::7]
        if theirs != ours and not accidental:
            self.note(where, f"{seen!r:.300} instead of {recorded!r:.300}")
            return
        for match, other in zip(NAMES.finditer(recorded), NAMES.finditer(seen)):
            if match.lastgroup != other.lastgroup:
                self.note(where, f"{other[0]} instead of {match[0]}")
            elif match.lastgroup == "date":
                if (match[0] == NEVER) != (other[0] == NEVER):
                    self.note(where, f"{other[0]} instead of {match[0]}")
            elif not accidental and not self.names.bind(match[0], other[0]):
                self.note(where, f"{other[0]} instead of {match[0]}, which is "
                                 f"{self.names.seen.get(match[0], 'nothing yet')}")

    def map(self, recorded, seen, where):
        if any(REFERENCE.match(key) for key in [*recorded, *seen]):
            self.references(recorded, seen, where)
            return
        for key in recorded.keys() - seen.keys():
            self.note(where, f"{key} is missing")
        for key in seen.keys() - recorded.keys():
            self.note(where, f"{key} is too much")
        for key in recorded:
            if key in seen:
                self.value(recorded[key], seen[key], f"{where}.{key}" if where else key,
                           key in self.accidental)

    def pair(self, recorded, seen, known, like=lambda theirs, ours: True):
        """Pairs the members of two lists: those that @known recognises, then of those that are
        @like the one that fits best. Returns the pairs, and what is left over of either list."""
        pairs, left = [], []
        seen = list(seen)
        for theirs in recorded:
            ours = next((ours for ours in seen if known(theirs, ours)), None)
            if ours is None:
                left.append(theirs)
            else:
                seen.remove(ours)
                pairs.append((theirs, ours))
        missing = []
        for theirs in left:
            free = [ours for ours in seen if like(theirs, ours) and not self.is_known(ours)]
            if not free or self.is_known(theirs, of_recording=True):
                missing.append(theirs)
                continue
            ours = min(free, key=lambda ours: self.count(theirs, ours))
            seen.remove(ours)
            pairs.append((theirs, ours))
        return pairs, missing, seen

    def is_known(self, member, of_recording=False):
        """Whether the thing that a member is about has a name on the other side."""
        ref = member["ref"] if isinstance(member, dict) else member[0]
        return ref in (self.names.seen if of_recording else self.names.recorded)

    def references(self, recorded, seen, where):
        """Maps from references to whatever."""
        pairs, missing, surplus = self.pair(
            [list(item) for item in recorded.items()], [list(item) for item in seen.items()],
            lambda theirs, ours: self.names.seen.get(theirs[0]) == ours[0])
        for ref, value in missing:
            self.note(where, f"{ref} is missing: {describe(value)}")
        for ref, value in surplus:
            self.note(where, f"{ref} is too much: {describe(value)}")
        for theirs, ours in pairs:
            place = f"{where}[{describe(theirs[1]) or theirs[0]}]"
            self.key(theirs[0], ours[0], place)
            self.value(theirs[1], ours[1], place)

    def key(self, recorded, seen, where):
        """The key of an operation that has no task is made up each time."""
        if recorded.startswith("DummyRef:"):
            self.text(NAMES.sub("", recorded), NAMES.sub("", seen), where)
        else:
            self.text(recorded, seen, where)

    def list(self, recorded, seen, where, accidental=False):
        if all(isinstance(member, str) for member in [*recorded, *seen]):
            if not accidental:
                self.set(recorded, seen, where)
            return
        if all(isinstance(member, dict) and "operation" in member
               for member in [*recorded, *seen]):
            self.events(recorded, seen, where)
            return
        if len(recorded) != len(seen):
            self.note(where, f"{len(seen)} members instead of {len(recorded)}: "
                             f"{unlike(recorded, seen)}")
        for number, (theirs, ours) in enumerate(zip(recorded, seen)):
            self.value(theirs, ours, f"{where}[{number}]", accidental)

    def set(self, recorded, seen, where):
        """Texts in no order. Of references that are new on both sides the only one is bound; of
        several nobody knows yet which is which."""
        seen = list(seen)
        missing = []
        for theirs in recorded:
            ours = NAMES.sub(lambda match: self.names.seen.get(match[0], match[0]), theirs)
            if ours in seen:
                seen.remove(ours)
            else:
                missing.append(theirs)
        if len(missing) == 1 and len(seen) == 1:
            self.text(missing[0], seen[0], where)
            return
        new = [text for text in missing if not self.is_new(text, self.names.seen)]
        surplus = [text for text in seen if not self.is_new(text, self.names.recorded)]
        if new or surplus or len(missing) != len(seen):
            self.note(where, f"{missing!r:.300} is missing, {seen!r:.300} is too much")

    @staticmethod
    def is_new(text, names):
        match = NAMES.fullmatch(text)
        return match is not None and match[0] not in names

    def events(self, recorded, seen, where):
        """A batch: the same events of the same objects, and the same order of kinds."""
        def kinds(events):
            return [(event["operation"], event["class"]) for event in events]

        def like(theirs, ours):
            return kinds([theirs]) == kinds([ours])

        pairs, missing, surplus = self.pair(
            recorded, seen, lambda theirs, ours: like(theirs, ours)
            and self.names.seen.get(theirs["ref"]) == ours["ref"], like)
        for event in missing:
            self.note(where, f"{name_event(event)} is missing")
        for event in surplus:
            self.note(where, f"{name_event(event)} is too much")
        for theirs, ours in pairs:
            self.value(theirs, ours, f"{where}[{name_event(theirs)}]")
        if not missing and not surplus and kinds(recorded) != kinds(seen):
            self.note(where, f"{kinds(seen)} instead of {kinds(recorded)}")


def unlike(recorded, seen):
    """What one list of records has and the other has not, by name."""
    theirs, ours = ({describe(member) for member in side} for side in (recorded, seen))
    return f"{sorted(theirs - ours)} is missing, {sorted(ours - theirs)} is too much"


def describe(record):
    """A word by which a reader knows a record."""
    if not isinstance(record, dict):
        return ""
    return record.get("name_label") or record.get("name") or record.get("uuid", "")


def name_event(event):
    return f"{event['operation']} {event['class']} {describe(event.get('snapshot')) or event['ref']}"
