"""What has changed since the earlier answers of an output folder were given."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from diascope.display_text import plural
from diascope.ledger import Ledger

_DECIDED_BY = "decided by"
"""Under this name, a ledger holds what determined the answers of the last run."""


def outdated_warnings(ledger: Ledger, facts: Mapping[str, Any]) -> list[str]:
    """Return a warning if items that have an answer are classified again; store the facts.

    Args:
        ledger: with the items of the run.
        facts: what determines a prediction, see ``Pipeline.deciding_facts``.
    """
    now, before = _by_name(facts), ledger.load_json(_DECIDED_BY, {})
    ledger.store_text(_DECIDED_BY, json.dumps(now))
    if not ledger.outdated:
        return []
    changes = [
        f"{name} {before[name]}, now {now[name]}" if name in _packages(facts) else name
        for name in now
        if name in before and before[name] != now[name]
    ]
    changes += [
        f"{name} is {'new' if name in now else 'gone'}" for name in sorted(now.keys() ^ before)
    ]
    cause = ", ".join(changes) if before and changes else "recipe, model or a plugin's version"
    return [
        f"{plural(ledger.outdated, 'item')} answered by an earlier run: classified again, because "
        f"of a change ({cause}); another folder (--output) would have kept both answers"
    ]


def _by_name(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return a digest for each fact, and a version for each plugin's package."""
    others = {
        **facts["recipe"],
        **{f"run.{key}": value for key, value in facts["run"].items()},
        "the model's card": facts["card"],
        "files that plugins name": facts.get("files", []),
    }
    texts = {name: json.dumps(value, sort_keys=True, default=str) for name, value in others.items()}
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    return digests | _packages(facts)


def _packages(facts: Mapping[str, Any]) -> dict[str, str]:
    return {owner: version for _, _, owner, version, _ in facts["plugins"]}
