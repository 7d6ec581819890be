"""Files that are written and read back: manifests, reports, outcomes; with any key."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.batch_job import (
    BatchJob,
    BatchJobStatus,
    encode_result,
    failure_of,
    parse_report_index,
    parse_report_row,
)
from domain.decision import Decision
from domain.errors import InvalidManifest, InvalidReport
from domain.limits import DISCOVERY_RESULT_CHARS_MAX
from domain.manifest import (
    FIELDS,
    FIELDS_BEFORE,
    ManifestEntry,
    decode_invocation_key,
    decode_key,
    decode_row,
    encode_key,
    encode_row,
    format_timestamp,
    parse_timestamp,
)
from domain.outcome import (
    Outcome,
    OutcomeKind,
    Statistics,
    count_outcomes,
    from_json_line,
    to_json_line,
)
from domain.records import RecordSplitter

# Everything that UTF-8 can encode: control characters, line ends, quotes, `+`, `%` and all planes.
KEYS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60)
TIMESTAMPS = st.datetimes(
    min_value=datetime(2006, 3, 14),  # noqa: DTZ001  # hypothesis wants naive bounds
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001  # the same
    timezones=st.just(UTC),
).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))
ENTRIES = st.builds(
    ManifestEntry,
    key=KEYS,
    size_bytes=st.none() | st.integers(0, 5 * 1024**4),
    last_modified=st.none() | TIMESTAMPS,
)
E_TAGS = st.none() | KEYS
NASTY = ["a b+c%20", "line\nbreak", "\r\n\t\x00\x7f", 'comma, "quote"', "日本/é", "%", "+", "a%2Fb"]


# The manifest.


@given(ENTRIES)
def test_an_entry_survives_its_row(entry: ManifestEntry) -> None:
    row = encode_row("bucket", entry)
    assert decode_row(row) == entry
    assert row.count(b"\n") == 1
    assert row.endswith(b"\n")
    assert b'"' not in row


@given(ENTRIES, E_TAGS)
def test_an_e_tag_survives_only_in_rows_that_have_one(
    entry: ManifestEntry, e_tag: str | None
) -> None:
    listed = replace(entry, e_tag=e_tag)
    assert decode_row(encode_row("bucket", listed, with_e_tag=True)) == listed
    assert encode_row("bucket", listed) == encode_row("bucket", entry)


@given(ENTRIES)
def test_a_row_is_copied_only_with_its_line_end(entry: ManifestEntry) -> None:
    row = encode_row("bucket", entry)
    assert decode_row(row).row == row
    assert decode_row(row.rstrip(b"\n")).row is None


@given(ENTRIES)
def test_a_row_is_csv_of_the_fields(entry: ManifestEntry) -> None:
    without = list(csv.reader(io.StringIO(encode_row("bucket", entry).decode())))
    assert [len(row) for row in without] == [len(FIELDS_BEFORE)]
    rows = list(csv.reader(io.StringIO(encode_row("bucket", entry, with_e_tag=True).decode())))
    assert len(rows) == 1
    assert len(rows[0]) == len(FIELDS)
    assert rows[0][0] == "bucket"


@pytest.mark.parametrize("key", NASTY)
def test_both_encodings_of_a_key_are_read_back(key: str) -> None:
    assert decode_key(encode_key(key)) == key
    assert decode_invocation_key(quote_plus(key, safe="/")) == key


def test_a_plus_means_two_different_things() -> None:
    assert decode_key("a+b") == "a+b"
    assert decode_invocation_key("a+b") == "a b"


def test_slashes_stay_readable() -> None:
    assert encode_key("a/b c+d") == "a/b%20c%2Bd"


@pytest.mark.parametrize("decode", [decode_key, decode_invocation_key])
def test_a_key_that_is_not_utf_8_is_refused(decode: Any) -> None:
    with pytest.raises(InvalidManifest):
        decode("%ff%fe")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"bucket,key\n",
        b"bucket,key,1,2026-01-01T00:00:00Z,etag,more\n",
        b"bucket,key,one,\n",
        b"bucket,key,1,yesterday\n",
        b"bucket,key,1,2026-01-01T00:00:00\n",
        b"bucket,%ff,1,\n",
        b"\xff\xfe,key,1,\n",
    ],
)
def test_an_unrecognised_row_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidManifest):
        decode_row(line)


def test_timestamps_are_written_in_utc_to_the_millisecond() -> None:
    at = datetime(2026, 1, 1, 2, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    assert format_timestamp(at) == "2026-01-01T00:00:00.123Z"
    assert parse_timestamp("2026-01-01T02:00:00.123+02:00") == datetime(
        2026, 1, 1, 0, 0, 0, 123000, tzinfo=UTC
    )
    with pytest.raises(ValueError, match="no time zone"):
        parse_timestamp("2026-01-01T00:00:00")


# Results of tasks and the completion report.


def _report_row(key: str, status: str, fifth: str, sixth: str, message: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(
        ["bucket", encode_key(key), "", status, fifth, sixth, message]
    )
    return text.getvalue().encode()


DECISIONS = {"SKIPPED": Decision.SKIP, "COPIED": Decision.COPY, "PUT": Decision.PUT}
DISCOVERED = st.builds(
    Outcome,
    key=KEYS,
    kind=st.sampled_from([OutcomeKind.SKIPPED, OutcomeKind.PUT, OutcomeKind.COPIED]),
    reason=st.sampled_from(["NO_IDS", "ASSET_KNOWN"]),
    asset_id=st.none() | st.text(max_size=40),
    inventory_id=st.none() | st.text(max_size=40),
    size_bytes=st.none() | st.integers(0, 10**13),
)


@given(DISCOVERED)
def test_a_discovered_outcome_survives_the_report(outcome: Outcome) -> None:
    row = parse_report_row(_report_row(outcome.key, "succeeded", "200", "", encode_result(outcome)))
    assert row.key == outcome.key
    assert row.outcome is not None
    assert row.outcome.decision is DECISIONS[outcome.kind]
    for name in ("kind", "reason", "asset_id", "inventory_id", "size_bytes"):
        assert getattr(row.outcome, name) == getattr(outcome, name)


@pytest.mark.parametrize(("fifth", "sixth"), [("200", ""), ("", "200"), ("403", "AccessDenied")])
def test_columns_five_and_six_may_come_either_way_round(fifth: str, sixth: str) -> None:
    """The report's schema names ErrorCode first, its rows have HTTPStatusCode first."""
    row = parse_report_row(_report_row("k", "failed", fifth, sixth, "why"))
    assert (row.key, row.outcome, row.message) == ("k", None, "why")


@pytest.mark.parametrize("status", ["succeeded", "Succeeded"])
def test_an_unrecognised_result_leaves_the_object_undecided(status: str) -> None:
    for text in ("", "Successful", "{}", '{"o": "NOSUCH"}', "[1]", '{"o":"PUT"'):
        assert parse_report_row(_report_row("k", status, "200", "", text)).outcome is None


@pytest.mark.parametrize(
    "record",
    [
        b"bucket,key,,succeeded,200\n",
        b"bucket,key,,succeeded,PermanentFailure,,message\n",
        b'bucket,"key,,succeeded,200,,message\n',
        b"bucket,%ff,,succeeded,200,,message\n",
        b"\xff,key,,succeeded,200,,message\n",
        b"\n",
    ],
)
def test_a_report_row_that_is_not_one_is_refused(record: bytes) -> None:
    with pytest.raises(InvalidReport):
        parse_report_row(record)


def test_a_message_may_have_quotes_commas_and_line_ends() -> None:
    row = parse_report_row(_report_row("k", "failed", "200", "PermanentFailure", 'a, "b"\nc'))
    assert row.message == 'a, "b"\nc'


def test_a_result_is_short_whatever_ids_the_object_has() -> None:
    outcome = Outcome(
        key="k", kind=OutcomeKind.PUT, reason="IDS_UNKNOWN", asset_id="ü" * 256, inventory_id="i"
    )
    text = encode_result(outcome)
    assert len(text) <= DISCOVERY_RESULT_CHARS_MAX
    row = parse_report_row(_report_row("k", "succeeded", "200", "", text))
    assert row.outcome is not None
    assert (row.outcome.kind, row.outcome.asset_id) == (OutcomeKind.PUT, None)


def test_the_index_of_a_report_names_its_files_in_a_fixed_order() -> None:
    index = {"Results": [{"Key": "b"}, {"Key": "a"}, {"Key": "b"}]}
    assert parse_report_index(json.dumps(index).encode()) == ("a", "b")
    for text in (b"", b"[]", b"{}", b'{"Results": [{}]}', b"\xff"):
        with pytest.raises(InvalidReport):
            parse_report_index(text)


@pytest.mark.parametrize(
    ("status", "total", "succeeded", "word"),
    [
        (BatchJobStatus.COMPLETE, 3, 3, None),
        (BatchJobStatus.COMPLETE, 3, 1, None),
        (BatchJobStatus.COMPLETE, 3, 0, "all of its 3 tasks failed"),
        (BatchJobStatus.COMPLETE, 0, 0, None),
        (BatchJobStatus.FAILED, 3, 1, "failed: no such role"),
        (BatchJobStatus.CANCELLED, 3, 1, "cancelled outside"),
    ],
)
def test_complete_says_nothing_about_success(
    status: BatchJobStatus, total: int, succeeded: int, word: str | None
) -> None:
    cause = failure_of(
        BatchJob(
            batch_job_id="b",
            job_id="j",
            status=status,
            total_count=total,
            succeeded_count=succeeded,
            failure_reasons=("no such role",),
        )
    )
    assert (cause is None) if word is None else (cause is not None and word in cause)


# Outcome lines.


@given(
    st.builds(
        Outcome,
        key=KEYS,
        kind=st.sampled_from(OutcomeKind),
        reason=st.text(max_size=20),
        decision=st.none() | st.sampled_from(Decision),
        asset_id=st.none() | st.text(max_size=20),
        inventory_id=st.none() | st.text(max_size=20),
        size_bytes=st.none() | st.integers(0, 10**13),
        e_tag=st.none() | st.text(max_size=20),
        version_id=st.none() | st.text(max_size=20),
        message=st.none() | st.text(max_size=50),
    )
)
def test_an_outcome_survives_its_line(outcome: Outcome) -> None:
    line = to_json_line(outcome, job_id="j", chunk_index=3)
    assert from_json_line(line) == outcome
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line)["chunkIndex"] == 3


@pytest.mark.parametrize("line", ["", "{}", "[]", "null", '{"outcome": "NOSUCH", "key": "k"}', "{"])
def test_an_unrecognised_line_is_refused(line: str) -> None:
    with pytest.raises(InvalidManifest):
        from_json_line(line)


@given(st.lists(st.sampled_from(OutcomeKind)))
def test_the_fold_counts_every_outcome_once(kinds: list[OutcomeKind]) -> None:
    statistics = count_outcomes(Outcome(key="k", kind=kind, reason="r") for kind in kinds)
    assert statistics.total == len(kinds)
    for kind in OutcomeKind:
        assert getattr(statistics, kind.value.lower()) == kinds.count(kind)
    assert statistics + Statistics(put=1) - Statistics(put=1) == statistics


# Cutting a stream into records.

RECORDS = st.lists(
    st.one_of(
        st.text(st.characters(exclude_characters='"\n\r', exclude_categories=("Cs",))),
        st.text(st.sampled_from('a,\n"ü\r')).map(lambda s: '"' + s.replace('"', '""') + '"'),
    ).map(str.encode),
    max_size=8,
)


@given(RECORDS, st.lists(st.integers(1, 7), min_size=1), st.booleans())
def test_any_cut_of_the_bytes_gives_the_same_records(
    records: list[bytes], cuts: list[int], ends: bool
) -> None:
    content = b"\n".join(records) + (b"\n" if ends and records else b"")
    whole = _records(content, [len(content) or 1])
    assert _records(content, cuts) == whole
    assert b"".join(record for record, _ in whole) == content
    if content:
        assert whole[-1][1] == len(content)


@given(RECORDS, st.data())
def test_reading_continues_from_any_position(records: list[bytes], data: st.DataObject) -> None:
    content = b"\n".join(records) + b"\n"
    whole = _records(content, [len(content)])
    start = data.draw(st.integers(0, len(whole) - 1))
    position = whole[start - 1][1] if start else 0
    assert _records(content[position:], [3], position) == whole[start:]


def test_an_unclosed_quote_is_not_a_record() -> None:
    splitter = RecordSplitter()
    portion = b"x\n" * 300_000
    assert list(splitter.feed(b'"' + portion)) == []
    with pytest.raises(InvalidReport):
        list(splitter.feed(portion))


def _records(content: bytes, cuts: list[int], position: int = 0) -> list[tuple[bytes, int]]:
    splitter = RecordSplitter(position)
    found: list[tuple[bytes, int]] = []
    start = number = 0
    while start < len(content):
        length = cuts[number % len(cuts)]
        found += splitter.feed(content[start : start + length])
        start += length
        number += 1
    return found + list(splitter.finish())


@given(st.text(min_size=1).filter(lambda key: key.isprintable() or "\n" in key))
@example("=1+1")
@example("@SUM(1)")
@example("+1")
@example("\t=1")
@example("\r=1")
@example('"=1"')
def test_no_field_of_a_row_is_a_formula_to_a_spreadsheet(key: str) -> None:
    # OWASP, "CSV Injection": what such a field begins with. A hyphen stays: the text after it is
    # encoded, so no call or operator is left.
    entry = ManifestEntry(key=key, size_bytes=1, last_modified=None)
    (row,) = csv.reader([encode_row("media", entry).decode()])
    assert not any(field.startswith(("=", "+", "@", "\t", "\r", "\n")) for field in row)
    assert not set(row[1]) & set("=+@|(!\t\r\n,;")
