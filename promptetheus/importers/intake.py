"""From paths to sessions: finds the files, tells their formats, hands them to their importers, reports on each."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from promptetheus.importers import claude_code, promptetheus_export, tau2_bench, tau_bench, who_and_when
from promptetheus.importers.claude_files import SessionFiles, group
from promptetheus.importers.detect import Format, detect
from promptetheus.importers.draft import ImportedRun
from promptetheus.importers.json_stream import UnreadableJson
from promptetheus.importers.placing import remove_leftovers
from promptetheus.importers.recording import record
from promptetheus.importers.regular_files import open_regular
from promptetheus.importers.report import FileReport
from promptetheus.spool import make_private_directory

SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
"""What is looked at in a directory. A file named by itself is looked at whatever its suffix."""

_RUNS = {
    Format.TAU_BENCH: tau_bench.runs,
    Format.TAU2_BENCH: tau2_bench.runs,
    Format.WHO_AND_WHEN: who_and_when.runs,
}
"""Formats whose file stands by itself: what reads its runs."""

_SPOOL_IS_UNUSABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})

Watcher = Callable[[Path, int], None]
"""Called now and then with the file being read and how many of its bytes were."""


class SpoolUnusableError(Exception):
    """The spool cannot be written, so there is no point in going on. The message says why."""


class _Found(NamedTuple):
    """A file to import."""

    path: Path
    named: bool
    """Named by itself rather than met in a directory: if it is nothing for us, that is a problem."""


def import_paths(
    paths: Sequence[Path], spool_dir: Path, forced: Format | None = None, watcher: Watcher | None = None
) -> Iterator[FileReport]:
    """Import files and directories into a spool, giving a report on each file as it is done.

    Raises SpoolUnusableError when the spool cannot be made or is full. Nothing else raises: what is wrong with a
    file stands in its report.
    """
    try:
        make_private_directory(spool_dir)
        remove_leftovers(spool_dir)
    except OSError as error:
        raise SpoolUnusableError(f"{error.strerror or error}") from error
    claude: list[Path] = []
    for found in _files(paths, spool_dir):
        if isinstance(found, FileReport):
            yield found
            continue
        report = FileReport(found.path)
        kind = forced or _format(found, report)
        if kind is Format.CLAUDE_CODE:
            claude.append(found.path)
        else:
            if kind is not None:
                report.format = kind.value
                _import_file(found.path, kind, spool_dir, report, watcher)
            yield report
    for files in group(claude):
        yield from _import_claude(files, claude, spool_dir, watcher)


def _files(paths: Sequence[Path], spool_dir: Path) -> Iterator[_Found | FileReport]:
    """The files that the paths stand for, each once. Links met in a directory are not followed."""
    seen: set[tuple[int, int]] = set()
    spool = os.stat(spool_dir)
    for path in paths:
        try:
            found = os.stat(path)
        except (OSError, ValueError) as error:
            missing = isinstance(error, FileNotFoundError | NotADirectoryError | ValueError)
            words = f"No such file: {path}" if missing else f"Could not read {path}: {_reason(error)}"
            yield FileReport(path, problem=words)
            continue
        if not os.path.isdir(path):
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                yield _Found(path, named=True)
            continue
        unreadable: list[OSError] = []
        for directory, names, files in os.walk(path, onerror=unreadable.append):
            names[:] = sorted(name for name in names if not _is(os.path.join(directory, name), spool))
            for name in sorted(files):
                member = Path(directory, name)
                if member.suffix.lower() not in SUFFIXES or member.is_symlink():
                    continue
                try:
                    stat = os.lstat(member)
                except OSError:
                    continue
                if (stat.st_dev, stat.st_ino) not in seen:
                    seen.add((stat.st_dev, stat.st_ino))
                    yield _Found(member, named=False)
        for failure in unreadable:
            at = Path(failure.filename or path)
            yield FileReport(at, problem=f"Could not read {at}: {_reason(failure)}")


def _is(path: str, spool: os.stat_result) -> bool:
    """Whether a directory is the spool itself: what is in there is recorded already."""
    try:
        found = os.lstat(path)
    except OSError:
        return True
    return (found.st_dev, found.st_ino) == (spool.st_dev, spool.st_ino)


def _format(found: _Found, report: FileReport) -> Format | None:
    """The format of a file; without one, the report says why."""
    try:
        with open_regular(found.path) as file:
            detected = detect(file)
    except OSError as error:
        report.problem = f"Could not read {found.path}: {_reason(error)}"
        return None
    if detected.format is None:
        if not found.named:
            report.left_alone = True
            report.note(detected.reason)
        elif detected.is_json:
            report.problem = f"{found.path} {detected.reason}."
        else:
            report.problem = f"Could not parse {found.path} as JSON."
    return detected.format


def _import_file(
    path: Path, kind: Format, spool_dir: Path, report: FileReport, watcher: Watcher | None
) -> None:
    def progress(done: int) -> None:
        if watcher is not None:
            watcher(path, done)

    try:
        with open_regular(path) as file:
            if kind is Format.PROMPTETHEUS:
                adopted = promptetheus_export.adopt(path, file, spool_dir, report.skipped, progress)
                report.sessions.extend(adopted.recorded)
                report.adopted_notes = adopted.notes
                if adopted.problem:
                    report.problem = _torn(path, adopted.problem, report)
            else:
                _record_all(_RUNS[kind](file, path.name, progress), spool_dir, report)
    except SpoolUnusableError:
        raise
    except UnreadableJson as error:
        report.problem = _torn(path, str(error), report)
    except OSError as error:
        report.problem = f"Could not import {path}: {_reason(error)}"
        _stop_if_unusable(error)
    except Exception as error:  # one file must not lose the rest, whatever is wrong with it
        report.problem = f"Could not import {path}: {type(error).__name__}: {error}"


def _import_claude(
    files: SessionFiles, given: Sequence[Path], spool_dir: Path, watcher: Watcher | None
) -> Iterator[FileReport]:
    """The report on a session's file, and one on each subagent's file that was given or met."""
    first = files.main or files.agents[0]
    report = FileReport(first, Format.CLAUDE_CODE.value)

    def progress(done: int) -> None:
        if watcher is not None:
            watcher(first, done)

    try:
        _record_all(claude_code.runs(files, progress), spool_dir, report)
    except SpoolUnusableError:
        raise
    except OSError as error:
        report.problem = f"Could not import {first}: {_reason(error)}"
        _stop_if_unusable(error)
    except Exception as error:  # one file must not lose the rest, whatever is wrong with it
        report.problem = f"Could not import {first}: {type(error).__name__}: {error}"
    yield report
    if files.main is not None:
        asked = set(given)
        for path in files.agents:
            if path in asked:
                yield FileReport(path, f"{Format.CLAUDE_CODE.value} subagent", part_of=files.main)


def _record_all(runs: Iterator[ImportedRun | str], spool_dir: Path, report: FileReport) -> None:
    for run in runs:
        if isinstance(run, str):
            report.note(run)
            continue
        try:
            report.take(run, record(spool_dir, run))
        except OSError as error:
            _stop_if_unusable(error)
            report.note(f"{run.session_id}: {_reason(error)}")
        except Exception as error:  # one run must not lose the rest, whatever is wrong with it
            report.note(f"{run.session_id}: {type(error).__name__}: {error}")


def _torn(path: Path, reason: str, report: FileReport) -> str:
    if not report.sessions and not report.notes:
        return f"Could not parse {path} as JSON. ({reason})"
    return f"{path} stops being JSON after {len(report.sessions) + len(report.notes)} record(s): {reason}"


def _stop_if_unusable(error: OSError) -> None:
    if error.errno in _SPOOL_IS_UNUSABLE:
        raise SpoolUnusableError(_reason(error)) from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
