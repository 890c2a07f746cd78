"""10,000 VM records from the socket into the mirror: against npm `xen-api`, and against libxml2 alone."""

import subprocess

import bench
import canned

NEEDS = (*canned.NEEDS, "tests/bench/bench-driver", "tests/bench/bench-bare")
CLIENT = bench.TOP / "build-peer" / "node_modules" / "xen-api" / "index.mjs"


def timed(argv, env=None):
    """(seconds that it measured, its peak memory)"""
    ended = bench.run(argv, env)
    return float(ended.output), ended.peak


def seconds(results):
    return bench.median([result[0] for result in results])


def time_ratio(over, under):
    return bench.ratio(*([result[0] for result in side] for side in (over, under)))


def peak(results):
    return bench.median([result[1] for result in results])


def npm(url, what):
    return timed(["node", bench.TOP / "tests" / "bench" / "npm.mjs", url, what, "json-rpc"],
                 {"HVD_PEER_CLIENT": str(CLIENT)})


def compare(what, ours, theirs):
    time, memory = time_ratio(theirs, ours), peak(ours) / peak(theirs)
    return [
        bench.at_least(f"{what}: times faster", time, 3,
                       f"{bench.show_ms(seconds(ours))} against {bench.show_ms(seconds(theirs))}"),
        bench.at_most(f"{what}: of its peak memory", memory, 1 / 3,
                      f"{bench.show_mib(peak(ours))} against {bench.show_mib(peak(theirs))}"),
    ]


def mirror_json():
    if subprocess.run([bench.TOP / "tests" / "peer" / "install"], check=False).returncode != 0:
        raise bench.BenchError("npm's xen-api could not be installed (tests/peer/install)")
    driver, bare = bench.program("driver"), bench.program("bare")
    with canned.server() as url:
        ours, records, watch, fetch = bench.in_turn(
            lambda: timed([driver, url, "mirror", "json"]), lambda: npm(url, "records"), lambda: npm(url, "watch"),
            lambda: timed([bare, url, "fetch", "json"]))
    return [
        *compare("mirror-json, npm's VM.get_all_records", ours, records),
        *compare("mirror-json, npm's watch", ours, watch),
        bench.Measurement("mirror-json, libcurl's fetch alone", "", bench.show_ms(seconds(fetch)),
                          time_ratio(ours, fetch), True),
    ]


def mirror_xml():
    with canned.server() as url:
        ours, sax = bench.in_turn(lambda: timed([bench.program("driver"), url, "mirror", "xml"]),
                                  lambda: timed([bench.program("bare"), url, "sax"]))
    return [bench.at_most("mirror-xml: libxml2's time", time_ratio(ours, sax), 1.5,
                          f"{bench.show_ms(seconds(ours))} against {bench.show_ms(seconds(sax))}")]


FIGURES = [
    bench.Figure("mirror-json", "10,000 VM records into the mirror, JSON", ">= 3 times faster than npm, <= 1/3 of memory",
                 mirror_json, NEEDS),
    bench.Figure("mirror-xml", "10,000 VM records into the mirror, XML", "<= 1.5 times libxml2 SAX and fetch", mirror_xml,
                 NEEDS),
]
