"""Small calls against a bare loop of libcurl, one thread each. The server has a processor of its own and so has
the client: else where the two happen to run decides."""

import bench
import canned

NEEDS = (*canned.NEEDS, "tests/bench/bench-driver", "tests/bench/bench-bare")


def compare(name, count, width, limit):
    def rate(program):
        argv = [bench.program(program), url, "calls", str(count), str(width)]
        return count / float(bench.run(argv, core=1).output)

    with canned.server(core=0) as url:
        ours, bare = bench.in_turn(lambda: rate("driver"), lambda: rate("bare"), rounds=9)
    return [bench.at_least(f"{name}: of libcurl's rate", bench.ratio(ours, bare), limit,
                           f"{bench.median(ours):.0f}/s against {bench.median(bare):.0f}/s")]


FIGURES = [
    bench.Figure("calls-serial", "small calls one after the other", ">= 0.85 of bare libcurl",
                 lambda: compare("calls-serial", 5000, 1, 0.85), NEEDS),
    bench.Figure("calls-64", "small calls, 64 in flight", ">= 0.7 of bare libcurl",
                 lambda: compare("calls-64", 20000, 64, 0.7), NEEDS),
]
