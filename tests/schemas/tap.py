"""Runs unittest's tests and tells the results as TAP, which meson reads."""

import sys
import unittest


class TapResult(unittest.TestResult):
    """One line a test; why it failed or was skipped stands behind it."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def tell(self, test, verdict, note=""):
        self.count += 1
        print(f"{verdict} {self.count} {test.id().split('.', 1)[-1]}{note}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.tell(test, "ok")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.tell(test, "ok", f" # SKIP {reason}")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.tell(test, "not ok")
        print(self.failures[-1][1], file=sys.stderr)

    def addError(self, test, error):
        super().addError(test, error)
        self.tell(test, "not ok")
        print(self.errors[-1][1], file=sys.stderr)


def main(module):
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    print(f"1..{suite.countTestCases()}")
    result = TapResult()
    suite.run(result)
    return 0 if result.wasSuccessful() else 1
