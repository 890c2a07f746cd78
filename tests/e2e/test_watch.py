"""watch: a screen for eyes, lines for everybody else."""

import signal

from shim import MIB, content, equal, finish, main, with_pool, write

HOME, BELOW = "\x1b[H", "\x1b[J"


def image(pool):
    return write(pool.state, "x.img", content(MIB))


def last_screen(terminal):
    """The lines of the last one that is whole."""
    screen = terminal.seen.rpartition(BELOW)[0].rpartition(HOME)[2]
    return [line.removesuffix("\x1b[K") for line in screen.split("\r\n")]


def wait_for(terminal, *texts):
    """Until a screen has all of these."""
    while not all(any(text in line for line in last_screen(terminal)) for text in texts):
        if not terminal.read_more():
            raise AssertionError(f"{texts} never came: {terminal.seen!r}")
    return last_screen(terminal)


@with_pool()
def test_screen(pool):
    """It follows what happens, is sorted by name, and ends with q."""
    pool.spawn(image(pool), "--name", "web-2", "--node", "xapisim2")
    terminal = pool.terminal("watch", env={"NO_COLOR": "1"})
    lines = wait_for(terminal, "web-2")
    equal(lines[0], "1 instance, 1 running; q ends")
    equal(lines[1].split(), ["NAME", "STATE", "NODE", "DOING"])
    pool.spawn(image(pool), "--name", "web-1", "--node", "xapisim3")
    lines = wait_for(terminal, "web-1")
    equal([line.split()[0] for line in lines[2:4]], ["web-1", "web-2"])
    pool.hvd("power", "off", "--hard", "web-2").expect(0)
    wait_for(terminal, "2 instances, 1 running")
    pool.hvd("destroy", "web-1").expect(0)
    lines = wait_for(terminal, "1 instance, 0 running")
    assert not any("web-1" in line for line in lines), lines
    assert "\x1b[3" not in terminal.seen, "NO_COLOR"
    terminal.type("q")
    equal(terminal.end(), 0)


@with_pool()
def test_ends_with_a_signal_and_gives_the_terminal_back(pool):
    import termios
    terminal = pool.terminal("watch", env={"NO_COLOR": "1"})
    wait_for(terminal, "0 instances")
    during = termios.tcgetattr(terminal.master)[3]
    terminal.type("\x03")
    while "\x04" not in terminal.seen and terminal.process.poll() is None and terminal.read_more():
        pass
    equal(terminal.end(), 0)
    equal(during & (termios.ECHO | termios.ICANON), 0)
    assert "cancelling" not in terminal.seen, terminal.seen


@with_pool()
def test_narrow(pool):
    """Columns go from the right, and names are cut; no line is wrapped."""
    pool.spawn(image(pool), "--name", "n" * 100, "--node", "xapisim2")
    for columns, titles in ((24, ["NAME", "STATE"]), (40, ["NAME", "STATE", "NODE"]),
                            (120, ["NAME", "STATE", "NODE", "DOING", "UUID"])):
        terminal = pool.terminal("watch", columns=columns, env={"NO_COLOR": "1"})
        lines = wait_for(terminal, "nnnn")
        terminal.type("q")
        equal(terminal.end(), 0)
        equal(lines[1].split(), titles)
        for line in lines:
            assert len(line) <= columns, (columns, line)


@with_pool()
def test_out_of_sight(pool):
    """The pool goes: the screen stays and says so."""
    pool.spawn(image(pool), "--name", "web-1")
    terminal = pool.terminal("watch", env={"NO_COLOR": "1"})
    wait_for(terminal, "web-1")
    pool.control.do("stop")
    wait_for(terminal, "out of sight since", "web-1")
    pool.control.do("start")
    wait_for(terminal, "1 instance,")
    terminal.type("q")
    equal(terminal.end(), 0)


@with_pool()
def test_lines(pool):
    """Without a terminal, or with one that cannot move its cursor, a line for each change."""
    pool.spawn(image(pool), "--name", "web-1", "--node", "xapisim2")
    process = pool.start("watch")
    assert "web-1" in process.stdout.readline()
    pool.hvd("power", "pause", "web-1").expect(0)
    assert "is paused on xapisim2" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    equal(finish(process).expect(0).out, "")
    terminal = pool.terminal("watch", env={"TERM": "dumb"})
    terminal.read_until("is paused on xapisim2\r\n")
    terminal.type("\x03")
    equal(terminal.end(), 0)
    assert "\x1b" not in terminal.seen, terminal.seen


if __name__ == "__main__":
    main("/e2e/watch")
