"""What the replays stand on: recorded answers as values, the names by which the recording and the
simulator call the same thing, and the comparison of the two. Standard library only."""

import collections
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
# What is a matter of time or luck, and the form that it has: what was recorded in another form than
# that has to be equal. Numbers may differ, but a negative one means that there is none.
NUMBER = r"NaN|-?(?:inf|\d+(?:\.\d*)?(?:e[+-]?\d+)?)"
FORMS = {
    "session": r"\d+",
    "domid": r"\d+",
    "MAC": "(?:[0-9a-f]{2}:){5}[0-9a-f]{2}",
    "mac_seed": UUID,
    "agent_start_time": r"\d+\.",
    "boot_time": r"\d+\.",
    "timestamp": r"\d+\.",  # of event.next alone
    "generation_id": r"-?\d+:-?\d+",
    "last_booted_record": r"\{.*\}",
}
IN_ORDER = {"ErrorDescription", "error", "data", "error_info"}  # other lists of texts are sets


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
    if content_type == "application/octet-stream":
        return [len(body)]
    text = body.decode()
    if content_type == "application/json":
        return json.loads(text)
    if content_type == "text/xml" and "<methodResponse>" in text:
        return read_xml(xml.etree.ElementTree.fromstring(text).find("params/param/value"))
    if content_type == "text/xml":
        return read_measurements(xml.etree.ElementTree.fromstring(text))
    return text


def read_measurements(root):
    """RRD in XML. Updates are written as JSON would have them."""
    if root.tag == "xport":
        meta = {member.tag: member.text for member in root.find("meta")}
        meta["legend"] = [entry.text for entry in root.iter("entry")]
        return {"meta": meta, "data": [
            {"t": row.findtext("t"), "values": [value.text for value in row.findall("v")]}
            for row in root.iter("row")]}
    return read_tree(root)


def read_tree(element):
    """Any XML: texts, and what elements contain, by name; what repeats is a list."""
    if len(element) == 0:
        return element.text or ""
    tree = {}
    for member in element:
        tree.setdefault(member.tag, []).append(read_tree(member))
    return tree


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
        self.headers = lines[1:]
        length = self.header("content-length")
        self.length = None if length is None else int(length)
        self.body = rest if self.length is None else rest[:self.length]
        self.complete = bool(separator) and self.length in (None, len(self.body))
        self.closes = self.length is None or self.header("connection") != "keep-alive"

    def header(self, name):
        lines = (line.partition(":") for line in self.headers)
        return next((value.strip() for key, _, value in lines if key.lower() == name), None)

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

    accidental: members whose value is a matter of time, luck or equipment, and the form of their
    text; that, their type, and how many there are is held."""

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

    def value(self, recorded, seen, where, form=None):
        if type(recorded) is not type(seen):
            self.note(where, f"{seen!r:.200} is of another type than {recorded!r:.200}")
        elif form is not None and is_alike(recorded, seen, form):
            return
        elif isinstance(recorded, dict):
            self.map(recorded, seen, where)
        elif isinstance(recorded, list):
            self.list(recorded, seen, where)
        elif isinstance(recorded, str):
            self.text(recorded, seen, where)
        elif recorded != seen:
            self.note(where, f"{seen!r} instead of {recorded!r}")

    def text(self, recorded, seen, where):
        """Texts agree where all agrees that is no name, and the names are of the same things."""
        theirs, ours = NAMES.split(recorded)[::7], NAMES.split(seen)[::7]
        if theirs != ours:
            self.note(where, f"{seen!r:.300} instead of {recorded!r:.300}")
            return
        for match, other in zip(NAMES.finditer(recorded), NAMES.finditer(seen)):
            if match.lastgroup != other.lastgroup:
                self.note(where, f"{other[0]} instead of {match[0]}")
            elif match.lastgroup == "date":
                if (match[0] == NEVER) != (other[0] == NEVER):
                    self.note(where, f"{other[0]} instead of {match[0]}")
            elif not self.names.bind(match[0], other[0]):
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
            place = f"{where}.{key}" if where else key
            if key in IN_ORDER and are_texts(recorded[key]) and are_texts(seen.get(key)):
                self.sequence(recorded[key], seen[key], place)
            elif key in seen:
                self.value(recorded[key], seen[key], place, self.accidental.get(key))

    def sequence(self, recorded, seen, where):
        """An error is its code and then its parameters."""
        if len(recorded) != len(seen):
            self.note(where, f"{seen!r:.300} instead of {recorded!r:.300}")
        for theirs, ours in zip(recorded, seen):
            self.text(theirs, ours, where)

    def match(self, recorded, seen, known, like, compare):
        """Compares the members of two lists pairwise: those that @known recognises, then of those
        that are @like each with the one that fits best. Where several fit equally well the others
        go first, for each comparison binds names. Returns what is left over of either list."""
        recorded, seen, missing = list(recorded), list(seen), []
        certain = True
        while recorded:
            before = len(recorded)
            for theirs in list(recorded):
                found = self.find(theirs, seen, known, like, certain)
                if found is None:
                    continue
                recorded.remove(theirs)
                if not found:
                    missing.append(theirs)
                    continue
                seen.remove(found[0])
                compare(theirs, found[0])
                if not certain:
                    break
            certain = len(recorded) < before
        return missing, seen

    def find(self, theirs, seen, known, like, certain):
        """[the one that belongs to @theirs], []: there is none, None: nobody can tell yet."""
        found = [ours for ours in seen if known(theirs, ours)]
        if found or self.is_known(theirs, of_recording=True):
            return found
        found = [ours for ours in seen if like(theirs, ours) and not self.is_known(ours)]
        if len(found) < 2:
            return found
        scores = [self.count(theirs, ours) for ours in found]
        if certain and scores.count(min(scores)) > 1:
            return None
        return [found[scores.index(min(scores))]]

    def is_known(self, member, of_recording=False):
        """Whether the thing that a member is about has a name on the other side."""
        ref = member["ref"] if isinstance(member, dict) else member[0]
        return ref in (self.names.seen if of_recording else self.names.recorded)

    def references(self, recorded, seen, where):
        """Maps from references to whatever."""
        def compare(theirs, ours):
            place = f"{where}[{describe(theirs[1]) or theirs[0]}]"
            self.key(theirs[0], ours[0], place)
            self.value(theirs[1], ours[1], place)

        missing, surplus = self.match(
            map(list, recorded.items()), map(list, seen.items()),
            lambda theirs, ours: self.names.seen.get(theirs[0]) == ours[0],
            lambda theirs, ours: True, compare)
        for ref, value in missing:
            self.note(where, f"{ref} is missing: {describe(value)}")
        for ref, value in surplus:
            self.note(where, f"{ref} is too much: {describe(value)}")

    def key(self, recorded, seen, where):
        """The key of an operation that has no task is made up each time."""
        if recorded.startswith("DummyRef:"):
            self.text(NAMES.sub("", recorded), NAMES.sub("", seen), where)
        else:
            self.text(recorded, seen, where)

    def list(self, recorded, seen, where):
        if are_texts([*recorded, *seen]):
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
            self.value(theirs, ours, f"{where}[{number}]")

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

    def event(self, recorded, seen, where):
        """Ids count the changes of a database, and no two count alike."""
        if not recorded["id"].isdigit() or not seen["id"].isdigit():
            self.note(where, f"{seen['id']!r} instead of {recorded['id']!r}")
        self.value({**recorded, "id": ""}, {**seen, "id": ""}, where)

    def heard_of(self, events, names):
        """Of what came and went between two looks only the end is told, and not always."""
        return [event for event in events if event["operation"] != "del" or event["ref"] in names]

    def events(self, recorded, seen, where):
        """A batch: the same events of the same objects, and the same order of kinds."""
        recorded = self.heard_of(recorded, self.names.seen)
        seen = self.heard_of(seen, self.names.recorded)

        def kinds(events):
            return [(event["operation"], event["class"]) for event in events]

        def like(theirs, ours):
            return kinds([theirs]) == kinds([ours])

        if repeated(seen) > repeated(recorded):
            self.note(where, "too many objects have the same id")
        missing, surplus = self.match(
            recorded, seen, lambda theirs, ours: like(theirs, ours)
            and self.names.seen.get(theirs["ref"]) == ours["ref"], like,
            lambda theirs, ours: self.event(theirs, ours, f"{where}[{name_event(theirs)}]"))
        for event in missing:
            self.note(where, f"{name_event(event)} is missing")
        for event in surplus:
            self.note(where, f"{name_event(event)} is too much")
        if not missing and not surplus and kinds(recorded) != kinds(seen):
            self.note(where, f"{kinds(seen)} instead of {kinds(recorded)}")


def is_alike(recorded, seen, form):
    """Whether both are accidental, and of the same form."""
    if isinstance(recorded, list):
        return len(recorded) == len(seen) and all(map(
            lambda theirs, ours: is_alike(theirs, ours, form), recorded, seen))
    if isinstance(recorded, str):
        return bool(re.fullmatch(form, recorded) and re.fullmatch(form, seen))
    return isinstance(recorded, (int, float)) and (recorded < 0) == (seen < 0)


def repeated(events):
    """How many objects of a batch have an id that another one has, too. Some are written in one go,
    as a task and its parent, and messages have none."""
    owners = collections.defaultdict(set)
    for event in events:
        owners[event["id"]].add(event["ref"])
    return sum(len(refs) - 1 for id_, refs in owners.items() if id_ != "0")


def are_texts(value):
    return isinstance(value, list) and all(isinstance(member, str) for member in value)


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
    label = describe(event.get("snapshot")) or event["ref"]
    return f"{event['operation']} {event['class']} {label}"
