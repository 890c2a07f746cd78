"""What hvd and xapi-sim say of themselves."""

import json
import re

import roff


def read_hvd(path):
    said = json.loads(path.read_text(encoding="utf-8"))
    return {
        "COMMANDS": "".join(describe_groups(said["commands"])),
        "OPTIONS": "".join(map(describe_option, said["options"])),
        "EXIT": "".join(map(describe_status, said["exit_codes"])),
        "ENVIRONMENT": "".join(roff.tagged(roff.bold(variable["name"]), sentence(variable["meaning"]))
                               for variable in said["variables"]),
    }


def sentence(text):
    """A first word that is typed as it stands, as in "bios or uefi", stays as it is."""
    first = text if re.match(r"\w+ or \w+;", text) else text[:1].upper() + text[1:]
    return roff.text(first + ("" if text.endswith(".") else "."))


def paragraphs(text):
    """Lines that begin as JSON does are code, an empty line begins a paragraph."""
    for number, block in enumerate(text.split("\n\n")):
        prose = [line for line in block.split("\n") if not line.startswith(("[", " "))]
        code = [line for line in block.split("\n") if line.startswith(("[", " "))]
        yield (".PP\n" if number else "") + roff.text(" ".join(prose))
        if code:
            yield ".PP\n" + roff.code("\n".join(code))


def describe_groups(commands):
    group = None
    for command in commands:
        if command["group"] != group:
            group = command["group"]
            yield roff.section(f"COMMANDS: {group.upper()}")
        yield describe_command(command)


def describe_command(command):
    usage = " ".join(filter(None, [command.get("operands"), command.get("needs")]))
    text = roff.subsection(command["name"])
    text += f"{roff.bold('hvd ' + command['name'])} {spell_operands(usage)}".rstrip() + "\n.PP\n"
    text += sentence(command["summary"])
    if "details" in command:
        text += "".join(paragraphs(command["details"]))
    text += "".join(map(describe_option, command["options"]))
    text += ".PP\n" + roff.text(f"With --json: {command['json'].rstrip('.')}.")
    examples = "\n".join(f"hvd {line}" for line in command["examples"])
    return text + (f".PP\n{roff.code(examples)}" if examples else "")


def spell_operands(usage):
    """ "INSTANCE --to FILE": what stands for something is in italics, what is typed in bold. """
    return " ".join(roff.bold(word) if word.startswith("--") else
                    re.sub(r"[A-Z]+", lambda match: roff.italic(match[0]), roff.literal(word))
                    for word in usage.split())


def describe_option(option):
    tag = roff.bold(f"--{option['name']}")
    if "letter" in option:
        tag = roff.bold(f"-{option['letter']}") + ", " + tag
    if option["kind"] == "maybe":
        tag += f"[={roff.italic(option['value'])}]"
    elif "value" in option:
        tag += " " + roff.italic(option["value"])
    body = sentence(option["summary"])
    if option["kind"] == "number":
        body += roff.text(f"From {option['least']} to {option['most']}.")
    return roff.tagged(tag, body)


def describe_status(status):
    name = f"{status['exit']} {status['code']}".strip()
    return roff.tagged(roff.bold(name), sentence(status["meaning"]))


def read_xapi_sim(path):
    """GOption's text: options under a title, then our own paragraphs."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    options = next(block for block in blocks if block.startswith("Application Options:"))
    faults = next(block for block in blocks if "FILE of --faults is" in block)
    examples = re.search(r"Examples:\n(.*)", "\n".join(blocks), re.DOTALL)[1].split("\n\n")[0]
    if "\nFILE of --faults" in examples:
        examples = examples.split("\nFILE of --faults")[0]
    faults = faults[faults.index("FILE of --faults"):]
    return {
        "OPTIONS": "".join(map(describe_sim_option, options.split("\n")[1:])),
        "EXAMPLES": roff.code(examples),
        "FAULTS": roff.code(faults),
    }


def describe_sim_option(line):
    name, value, summary = re.match(r" +(--[\w-]+)(?:=(\w+))? +(.*)", line).groups()
    tag = roff.bold(name) + (f"={roff.italic(value)}" if value else "")
    return roff.tagged(tag, sentence(summary))
