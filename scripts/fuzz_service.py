#!/usr/bin/env python3
"""Send nmt-serve requests that its OpenAPI document allows and forbids: no answer may be a server error, and every
answer must conform to the document.

    scripts/fuzz_service.py --pair de-en=runs/demo/model --examples 200
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
from pathlib import Path

# Not checked: served languages and the maximum text length, which the document states only in words.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pair", metavar="SRC-TGT=MODEL", help="of a server that is started for it")
    parser.add_argument("--url", help="of a server that is there")
    parser.add_argument("--examples", type=int, default=200, metavar="N", help="of each path (%(default)s)")
    parser.add_argument("--phases", default="examples,coverage,fuzzing", help="of schemathesis (%(default)s)")
    options = parser.parse_args()
    if options.url:
        sys.exit(fuzz(options.url, options.examples, options.phases))
    code = "from nmt.cli.serve import main; main()"
    command = [sys.executable, "-c", code, "--port", "0", "--pair", options.pair or "runs/demo/model"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        try:
            found = next(filter(None, (re.search(r"listening on (\S+)", line) for line in server.stderr)), None)
            if found is None:
                sys.exit(2)
            status = fuzz(found[1], options.examples, options.phases)
        finally:
            server.send_signal(signal.SIGTERM)
    sys.exit(status)


def fuzz(url: str, examples: int, phases: str) -> int:
    """Run the fuzzer, which prints its findings -> its exit status."""
    program = Path(sys.executable).parent / "schemathesis"
    checks = ["--checks", ",".join(CHECKS), "--phases", phases]
    limits = ["--max-examples", str(examples), "--suppress-health-check", "all", "--request-timeout", "60"]
    return subprocess.run([program, "run", f"{url}/spec", *checks, *limits, "--no-color"]).returncode


if __name__ == "__main__":
    main()
