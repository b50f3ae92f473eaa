"""FileStore."""

from __future__ import annotations

import errno
import json
import logging
import os
import pickle
import random
import re
import resource
import shutil
import socket
import stat
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores import FileStore, TokenStore
from requests_zohorecruit.stores.encoding import MAX_RECORD_BYTES
from requests_zohorecruit.testing import TokenStoreContract

OLD = {"access_token": "1000.planted-old", "refresh_token": "1000.planted-refresh"}
NEW = {"access_token": "1000.planted-new", "refresh_token": "1000.planted-refresh", "padding": "x" * 5000}


class TestFileStore(TokenStoreContract):
    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path) -> None:
        self.directory = tmp_path

    def make_store(self, key: str) -> TokenStore:
        return FileStore(self.directory / f"{key}.json")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "token.json"


@pytest.fixture
def store(path: Path) -> FileStore:
    return FileStore(path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def failing(number: int) -> Callable[..., NoReturn]:
    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(number, "1000.planted")

    return fail


@contextmanager
def umask(value: int) -> Iterator[None]:
    former = os.umask(value)
    try:
        yield
    finally:
        os.umask(former)


# What it is given


def test_paths_are_absolute_from_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = FileStore("token.json")
    monkeypatch.chdir("/")
    assert store.path == tmp_path / "token.json"
    assert repr(store) == f"FileStore({str(tmp_path / 'token.json')!r})"


def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FileStore("~/token.json").path == tmp_path / "token.json"


@pytest.mark.parametrize("wrong", [None, 3, b"bytes", ["token.json"]])
def test_what_is_no_path_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match=rf"not {type(wrong).__name__}$"):
        FileStore(wrong)


@pytest.mark.parametrize("wrong", ["", "a\0b", ".", "/", "nowhere/"])
def test_what_names_no_file_is_a_value_error(wrong: str) -> None:
    with pytest.raises(ValueError, match="path must name a file"):
        FileStore(wrong)


def test_T07_a_pickled_copy_is_the_same_store(store: FileStore) -> None:
    with store.lock(0):
        store.save(OLD)
        copy = pickle.loads(pickle.dumps(store))
        assert copy.load() == OLD
        with pytest.raises(TimeoutError):
            copy.lock(0).__enter__()


# Old or new, never half


def test_what_is_saved_is_a_json_object(store: FileStore, path: Path) -> None:
    store.save(OLD)
    assert json.loads(path.read_text(encoding="utf-8")) == OLD


def test_a_file_written_by_hand_in_utf8_is_read(store: FileStore, path: Path) -> None:
    path.write_text('{ "access_token": "ä" }', encoding="utf-8")
    assert store.load() == {"access_token": "ä"}


STEPS = ["mkstemp", "fsync", "replace", "open"]


@pytest.mark.parametrize("step", STEPS)
def test_T50_a_writer_killed_at_each_step_leaves_old_or_new(
    step: str, store: FileStore, path: Path, fork: Callable[..., Any]
) -> None:
    store.save(OLD)

    def write(say: Callable[[str], None], wait: Callable[[], None]) -> None:
        owner: Any = tempfile if step == "mkstemp" else os
        original = getattr(owner, step)

        def stop(*args: Any, **kwargs: Any) -> Any:
            if step == "open" and Path(args[0]) != path.parent:  # the opening of the directory is what comes last
                return original(*args, **kwargs)
            if step == "mkstemp":
                original(*args, **kwargs)
            say("here")
            wait()
            return None

        setattr(owner, step, stop)
        store.save(NEW)

    child = fork(write)
    assert child.hear() == "here"
    child.kill()
    assert store.load() == (NEW if step == "open" else OLD)
    with store.lock(0):
        assert names(path.parent) == ["token.json", "token.json.lock"]


def test_T50_a_writer_killed_at_any_instant_leaves_old_or_new(
    store: FileStore, path: Path, fork: Callable[..., Any]
) -> None:
    store.save({"count": 0})

    def write(say: Callable[[str], None], _: Callable[[], None]) -> None:
        count = (store.load() or {})["count"]
        while True:
            count += 1
            with store.lock(60):
                say(str(count))
                store.save({"count": count, "padding": "x" * 1000 * (count % 50)})

    chance = random.Random(50)
    for _ in range(40):
        child = fork(write)
        for _ in range(chance.randrange(1, 6)):
            begun = int(child.hear())
        child.kill()
        # It may have gone on between our hearing and its end.
        begun = max([begun, *map(int, child.lines.read().split())])
        record = store.load()
        assert record is not None
        assert record["count"] in (begun - 1, begun)
        assert "padding" not in record or len(record["padding"]) == 1000 * (record["count"] % 50)
        with store.lock(10):
            assert names(path.parent) == ["token.json", "token.json.lock"]


def test_T50_leftovers_of_others_are_not_touched(store: FileStore, path: Path) -> None:
    others = [".token.json.tmp", ".token.json.abcdefg.tmp", ".other.json.abcdefgh.tmp", "token.json.abcdefgh.tmp"]
    for name in [*others, ".token.json.abcdefgh.tmp"]:
        (path.parent / name).touch()
    with store.lock(0):
        assert names(path.parent) == sorted([*others, "token.json.lock"])


def test_T50_a_directory_that_cannot_be_cleaned_does_not_matter(
    store: FileStore, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    (path.parent / ".token.json.abcdefgh.tmp").mkdir()  # unlink refuses a directory
    with store.lock(0):
        pass
    monkeypatch.setattr(os, "scandir", failing(errno.EIO))
    with store.lock(0):
        pass


def test_T14_a_failed_save_leaves_the_old_record_and_nothing_else(
    store: FileStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(OLD)
    for name in ("fsync", "replace"):
        with monkeypatch.context() as broken:
            broken.setattr(os, name, failing(errno.EIO))
            with pytest.raises(TokenStoreError, match="could not be saved: Input/output error"):
                store.save(NEW)
        assert store.load() == OLD
        assert names(path.parent) == ["token.json"]


def test_a_temporary_file_that_cannot_be_removed_does_not_hide_why_it_is_there(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", failing(errno.EIO))
    monkeypatch.setattr(Path, "unlink", failing(errno.EACCES))
    with pytest.raises(TokenStoreError, match="could not be saved: Input/output error"):
        store.save(NEW)


def test_T14_a_record_json_cannot_express_is_refused_and_the_old_one_stays(store: FileStore) -> None:
    store.save(OLD)
    with pytest.raises(
        TokenStoreError, match=rf"^FileStore\('{store.path}'\) could not be saved: .* not JSON-serialisable"
    ):
        store.save({**NEW, "odd": object()})
    assert store.load() == OLD


def test_a_file_system_that_cannot_sync_directories_is_good_enough(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.fsync

    def only_files(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "")
        original(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    store.save(NEW)
    assert store.load() == NEW


def test_T50_the_file_and_its_directory_are_synced(
    store: FileStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    sizes: list[int] = []
    fsync, replace = os.fsync, os.replace

    def note(descriptor: int) -> None:
        calls.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        sizes.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(os, "replace", lambda *names: (calls.append("replace"), replace(*names)))
    store.save(OLD)  # as short as records are: Python's buffer would hold all of it
    assert calls[1:] == ["replace", str(path.parent)]
    assert sizes[0] == path.stat().st_size
    assert re.fullmatch(rf"{re.escape(str(path.parent))}/\.token\.json\..{{8}}\.tmp", calls[0])


def test_neither_saving_nor_loading_leaves_anything_open(store: FileStore, path: Path) -> None:
    with store.lock(0):
        store.save(OLD)
        store.load()
    still_open = [descriptor.resolve() for descriptor in Path("/proc/self/fd").iterdir()]
    assert [each for each in still_open if each.is_relative_to(path.parent.resolve())] == []


def test_a_full_disk_is_an_error_and_the_old_record_stays(
    store: FileStore, path: Path, fork: Callable[..., Any]
) -> None:
    store.save(OLD)

    def write(say: Callable[[str], None], _: Callable[[], None]) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
        with store.lock(0):
            try:
                store.save(NEW)
            except TokenStoreError as error:
                say(str(error))

    assert fork(write).hear() == f"FileStore({str(path)!r}) could not be saved: File too large (OSError)."
    assert store.load() == OLD
    assert names(path.parent) == ["token.json", "token.json.lock"]


# Modes


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277, 0o777])
def test_T51_file_lock_and_directory_are_private_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    store = FileStore(tmp_path / "a" / "b" / "token.json")
    with umask(mask), store.lock(0):
        store.save(OLD)
    assert mode(store.path) == 0o600
    assert mode(Path(f"{store.path}.lock")) == 0o600
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700
    assert store.load() == OLD


def test_T51_the_file_is_private_from_birth(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    original = os.open

    def note(*args: Any, **kwargs: Any) -> int:
        descriptor = original(*args, **kwargs)
        if args[1] & os.O_CREAT:
            assert args[1] & os.O_EXCL
            seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    monkeypatch.setattr(os, "open", note)
    with umask(0):
        store.save(OLD)
    assert seen == [0o600]


def test_T51_the_directory_is_private_from_birth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    original = Path.mkdir

    def note(directory: Path, *args: Any, **kwargs: Any) -> None:
        original(directory, *args, **kwargs)
        seen.append(mode(directory))

    monkeypatch.setattr(Path, "mkdir", note)
    with umask(0):
        FileStore(tmp_path / "a" / "b" / "token.json").save(OLD)
    assert seen == [0o700, 0o700]


@pytest.mark.parametrize("use", ["load", "save"])
@pytest.mark.parametrize("bits", [0o644, 0o640, 0o604, 0o666])
def test_T51_a_file_others_can_read_is_tightened(store: FileStore, path: Path, use: str, bits: int) -> None:
    path.write_text(json.dumps(OLD))
    path.chmod(bits)
    store.load() if use == "load" else store.save(OLD)
    assert mode(path) == 0o600


def test_T51_a_file_that_is_private_keeps_its_mode(store: FileStore, path: Path) -> None:
    path.write_text(json.dumps(OLD))
    path.chmod(0o400)
    assert store.load() == OLD
    assert mode(path) == 0o400


@pytest.mark.parametrize("reason", ["owner", "read-only"])
def test_T51_a_file_that_cannot_be_tightened_is_complained_about_once(
    reason: str, store: FileStore, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text(json.dumps(OLD))
    path.chmod(0o644)
    if reason == "owner":
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    else:
        monkeypatch.setattr(os, "fchmod", failing(errno.EROFS))
    with caplog.at_level(logging.WARNING):
        assert store.load() == store.load() == OLD
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        (
            "requests_zohorecruit.stores.file",
            f"{store!r} can be read by other users and holds secrets: chmod 600 it, or move it.",
        )
    ]
    assert mode(path) == 0o644


def test_a_system_without_modes_is_not_bothered_with_them(
    store: FileStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text(json.dumps(OLD))
    path.chmod(0o644)
    monkeypatch.setattr("requests_zohorecruit.stores.file._POSIX", False)
    assert store.load() == OLD
    assert mode(path) == 0o644


def test_a_system_that_tells_text_files_from_others_does_not_take_it_for_one(
    store: FileStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags: list[int] = []
    original = os.open
    monkeypatch.setattr(os, "open", lambda name, *rest: (flags.append(rest[0]), original(name, os.O_RDONLY))[1])
    monkeypatch.setattr(os, "O_BINARY", 0x8000, raising=False)
    monkeypatch.delattr(os, "O_NONBLOCK")
    path.write_text(json.dumps(OLD))
    assert store.load() == OLD
    assert flags == [os.O_RDONLY | 0x8000]


def test_a_file_system_that_refuses_chmod_is_good_enough(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "chmod", failing(errno.EPERM))
    store.save(OLD)
    assert store.load() == OLD


# What is not a record


CORRUPT = {
    "empty": b"",
    "half": b'{"access_token": "1000.planted',
    "list": b'["1000.planted"]',
    "null": b"null",
    "latin-1": '{"access_token": "1000.plantedä"}'.encode("latin-1"),
    "utf-16": '{"access_token": "1000.planted"}'.encode("utf-16"),
    "deep": b"[" * 100_000,
    "large": b'{"access_token": "1000.planted"}' + b" " * MAX_RECORD_BYTES,
}


@pytest.mark.parametrize("use", ["load", "save"])
@pytest.mark.parametrize("data", CORRUPT.values(), ids=CORRUPT.keys())
def test_T52_a_corrupt_file_is_named_and_left_alone(store: FileStore, path: Path, data: bytes, use: str) -> None:
    path.write_bytes(data)
    with pytest.raises(TokenStoreError, match=r"token\.json.* not a token record .*Nothing was changed") as caught:
        store.load() if use == "load" else store.save(NEW)
    assert caught.value.__context__ is None
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack[1:]
    assert "planted" not in "".join(traceback.StackSummary.from_list(frames).format())
    assert path.read_bytes() == data
    assert names(path.parent) == ["token.json"]


def test_T52_not_more_of_a_file_is_read_than_a_record_can_have(store: FileStore, path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 42)  # takes no room on the disk, and would not fit into the memory
    with pytest.raises(TokenStoreError, match="not a token record"):
        store.load()


def test_a_named_pipe_is_refused_without_waiting_for_a_writer(store: FileStore, path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(TokenStoreError, match="not a regular file"):
        store.load()


def test_a_file_that_became_a_directory_is_an_error(store: FileStore, path: Path) -> None:
    path.mkdir()
    for use in (store.load, lambda: store.save(NEW)):
        with pytest.raises(TokenStoreError, match=r"token\.json"):
            use()


def test_a_parent_that_is_a_file_is_an_error(path: Path) -> None:
    path.write_text("")
    store = FileStore(path / "token.json")
    uses = {"loaded": store.load, "saved": lambda: store.save(NEW), "locked": lambda: store.lock(0).__enter__()}
    for doing, use in uses.items():
        with pytest.raises(TokenStoreError, match=rf"^FileStore\('{store.path}'\) could not be {doing}: "):
            use()


def test_a_directory_that_somebody_else_makes_at_the_same_moment_is_good_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, is_dir = FileStore(tmp_path / "new" / "token.json"), Path.is_dir

    def not_yet(directory: Path) -> bool:
        if directory != tmp_path / "new":
            return is_dir(directory)
        directory.mkdir(exist_ok=True)
        return False

    monkeypatch.setattr(Path, "is_dir", not_yet)
    store.save(NEW)
    assert store.load() == NEW


def test_a_missing_directory_is_an_empty_store(tmp_path: Path) -> None:
    assert FileStore(tmp_path / "nowhere" / "token.json").load() is None
    assert names(tmp_path) == []


# Links, mounts, read-only places


def test_T55_a_symbolic_link_is_followed_and_stays(tmp_path: Path, path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "target.json"
    path.symlink_to(target)
    through_link, direct = FileStore(path), FileStore(target)
    through_link.save(OLD)  # also while the link leads nowhere yet
    through_link.save(NEW)
    assert path.is_symlink()
    assert direct.load() == NEW
    with through_link.lock(0), pytest.raises(TimeoutError):
        direct.lock(0).__enter__()
    assert names(tmp_path / "real") == ["target.json", "target.json.lock"]
    assert names(tmp_path) == ["real", "token.json"]


def test_T55_a_link_in_a_circle_is_an_error(store: FileStore, path: Path) -> None:
    path.symlink_to(path)
    with pytest.raises(TokenStoreError, match="symbolic link"):
        store.load()


def test_T55_a_file_mounted_by_itself_is_explained(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(OLD)
    monkeypatch.setattr(os, "replace", failing(errno.EBUSY))
    with pytest.raises(TokenStoreError, match="mount its directory instead") as caught:
        store.save(NEW)
    assert "planted" not in str(caught.value)
    assert store.load() == OLD


def test_T55_a_read_only_file_system_is_explained(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(OLD)
    monkeypatch.setattr(tempfile, "mkstemp", failing(errno.EROFS))
    with pytest.raises(TokenStoreError, match=r"Read-only file system .* must be writable"):
        store.save(NEW)


def test_T55_in_a_read_only_directory_the_record_is_still_read(fork: Callable[..., Any]) -> None:
    import filelock  # noqa: F401 - as who is to be in a moment, it may not be there to read

    directory = Path(tempfile.mkdtemp())  # not tmp_path, whose parents only its owner may enter
    store = FileStore(directory / "token.json")
    store.save(OLD)
    nobody = 65534
    if os.geteuid() == 0:
        os.chown(store.path, nobody, nobody)
    directory.chmod(0o555)

    def use(say: Callable[[str], None], _: Callable[[], None]) -> None:
        if os.geteuid() == 0:
            os.setuid(nobody)
        say(str(store.load() == OLD))
        for work in (lambda: store.save(NEW), lambda: store.lock(0).__enter__()):
            try:
                work()
            except TokenStoreError as error:
                say(str(error))

    child = fork(use)
    assert child.hear() == "True"
    for doing in ("saved", "locked"):
        assert re.search(f"{doing}: Permission denied .* its directory must be writable", child.hear())
    directory.chmod(0o700)
    shutil.rmtree(directory)


# Whose it is

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory of another user's, which that user can enter, unlike tmp_path."""
    directory = Path(tempfile.mkdtemp())
    os.chown(directory, NOBODY, NOBODY)
    yield directory
    shutil.rmtree(directory)


def owner(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, path.stat().st_gid


def as_nobody(work: Callable[[], object]) -> Callable[[Callable[[str], None], Callable[[], None]], None]:
    import filelock  # noqa: F401 - as who is to be in a moment, it may not be there to read

    def become_and_work(say: Callable[[str], None], _: Callable[[], None]) -> None:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            say(str(work()))
        except TokenStoreError as error:
            say(str(error))

    return become_and_work


@as_root
@pytest.mark.parametrize("place", ["token.json", "new/directories/token.json"])
@pytest.mark.parametrize("before", [False, True], ids=["new", "replaced"])
def test_t85_what_root_writes_stays_usable_for_the_owner(
    home: Path, place: str, before: bool, fork: Callable[..., Any]
) -> None:
    store = FileStore(home / place)

    def use() -> object:
        with store.lock(0):
            found = store.load()
            store.save(NEW)
        return found

    if before:
        assert fork(as_nobody(use)).hear() == "None"
    with store.lock(0):
        store.save(OLD)
    everything = list(home.rglob("*"))
    assert {owner(path) for path in everything} == {(NOBODY, NOBODY)}
    assert {mode(path) for path in everything if path.is_file()} == {0o600}
    assert len([path for path in everything if path.is_file()]) == 2
    assert fork(as_nobody(use)).hear() == str(OLD)
    assert store.load() == NEW


@as_root
def test_t85_the_owner_of_the_file_counts_more_than_that_of_its_directory(home: Path) -> None:
    store = FileStore(home / "token.json")
    store.path.write_text(json.dumps(OLD))
    os.chown(store.path, 1, 2)
    with store.lock(0):
        store.save(NEW)
    assert {owner(store.path), owner(home / "token.json.lock")} == {(1, 2)}


@as_root
def test_t85_a_link_leads_to_the_file_whose_owner_counts(home: Path, path: Path) -> None:
    path.symlink_to(home / "token.json")
    FileStore(path).save(OLD)
    assert owner(home / "token.json") == (NOBODY, NOBODY)
    assert path.is_symlink()


@as_root
@pytest.mark.parametrize("which", [["token.json"], ["token.json.lock"], ["token.json", "token.json.lock"]])
def test_t85_a_file_of_another_user_is_explained_with_the_command_that_gives_it_back(
    home: Path, which: list[str], fork: Callable[..., Any]
) -> None:
    store = FileStore(home / "token.json")
    with store.lock(0):
        store.save(OLD)
    for name in which:
        os.chown(home / name, 0, 0)

    def use() -> None:
        with store.lock(0):
            store.save(NEW)

    told = fork(as_nobody(use)).hear()
    named = f"{home / which[0]} belongs to user 0"
    command = " ".join(["chown", str(NOBODY), *(str(home / name) for name in which)])
    assert re.search(r"^FileStore\(.*\) could not be (loaded|locked): Permission denied \(PermissionError\)\.", told)
    assert told.endswith(f"{named}, but this process runs as user {NOBODY}. Run as root: {command}")
    assert store.load() == OLD


@as_root
def test_t85_in_a_directory_where_files_belong_to_their_makers_the_hint_is_there_too(
    home: Path, fork: Callable[..., Any]
) -> None:
    os.chown(home, 0, 0)
    home.chmod(0o1777)  # as /tmp
    store = FileStore(home / "token.json")
    store.save(OLD)
    store.path.chmod(0o644)
    told = fork(as_nobody(lambda: store.save(NEW))).hear()
    assert "could not be saved: Operation not permitted" in told
    assert f"chown {NOBODY} {store.path}" in told


def test_t85_a_file_system_that_does_not_let_root_change_owners_is_good_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []

    def refuse(_: int, user: int, group: int) -> None:
        seen.append((user, group))
        raise PermissionError(errno.EPERM, "planted")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", refuse)
    store = FileStore(tmp_path / "a" / "token.json")
    with store.lock(0):
        store.save(OLD)
    assert store.load() == OLD
    assert seen == [owner(tmp_path)] * 3  # the directory, the lock, the file


def test_t85_one_who_is_not_root_leaves_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path / "a" / "token.json")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(os, "fchown", failing(errno.EPERM))
    with store.lock(0):
        store.save(OLD)
    assert store.load() == OLD


def test_t85_a_denial_of_a_file_of_ones_own_has_no_such_hint(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(OLD)
    monkeypatch.setattr(tempfile, "mkstemp", failing(errno.EACCES))
    with pytest.raises(TokenStoreError, match="its directory must be writable"):
        store.save(NEW)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(TokenStoreError, match=f"belongs to user {os.getuid()}, .* chown 12345 "):
        store.save(NEW)


# The lock


def test_T53_T54_the_lock_file_is_another_one_and_stays(store: FileStore, path: Path) -> None:
    lock = path.with_name("token.json.lock")
    inodes = set()
    for _ in range(3):
        with store.lock(0):
            store.save(NEW)
            with pytest.raises(TimeoutError):
                FileStore(path).lock(0).__enter__()
            inodes.add(lock.stat().st_ino)
        assert lock.exists()
    assert len(inodes) == 1


def test_T53_processes_that_come_and_go_never_own_it_together(
    store: FileStore, path: Path, fork: Callable[..., Any]
) -> None:
    store.save({"count": 0})

    def work(say: Callable[[str], None], _: Callable[[], None]) -> None:
        own = FileStore(path)
        for _ in range(10):
            with own.lock(60):
                own.save({"count": (own.load() or {})["count"] + 1})
        say("done")

    assert [child.hear() for child in [fork(work) for _ in range(4)]] == ["done"] * 4
    assert store.load() == {"count": 40}


def test_T56_a_lock_not_obtained_says_who_holds_it_since_when(store: FileStore) -> None:
    with store.lock(0), pytest.raises(TimeoutError) as caught:
        store.lock(0).__enter__()
    assert re.fullmatch(
        rf"FileStore\('.*'\) is locked by process {os.getpid()} on {re.escape(socket.gethostname())}"
        r" since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; gave up after 0 s\.",
        str(caught.value),
    )
    assert caught.value.__context__ is None


@pytest.mark.parametrize("content", [b"", b"\0\xff\n", b"a\nb"])
def test_T56_an_unreadable_holder_is_an_unknown_one(store: FileStore, path: Path, content: bytes) -> None:
    with store.lock(0):
        path.with_name("token.json.lock").write_bytes(content)
        with pytest.raises(TimeoutError, match="locked by an unknown process"):
            store.lock(-1).__enter__()


def test_T56_a_holder_that_cannot_be_read_is_an_unknown_one(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.lock(0):
        monkeypatch.setattr(Path, "open", failing(errno.EACCES))
        with pytest.raises(TimeoutError, match="locked by an unknown process"):
            store.lock(0).__enter__()


def test_T56_no_more_than_300_characters_are_shown_of_a_holder(store: FileStore, path: Path) -> None:
    with store.lock(0):
        path.with_name("token.json.lock").write_text("a" * 100_000)
        with pytest.raises(TimeoutError, match="locked by a{300}; gave up"):
            store.lock(0).__enter__()


def test_T56_only_the_present_holder_is_named(store: FileStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.with_name("token.json.lock").write_text("a former one with a long name" * 10)
    monkeypatch.setattr(socket, "gethostname", lambda: "hôte")
    with store.lock(0), pytest.raises(TimeoutError, match=r"locked by process \d+ on h\?te since [\dTZ:-]+; gave up"):
        store.lock(0).__enter__()


def test_a_disk_too_full_to_write_down_the_holder_does_not_cost_the_lock(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", failing(errno.ENOSPC))
    with store.lock(0), pytest.raises(TimeoutError, match="locked by an unknown process"):
        store.lock(0).__enter__()


def test_T57_a_lock_whose_holder_forked_ends_with_the_holder(store: FileStore, fork: Callable[..., Any]) -> None:
    def hold(say: Callable[[str], None], wait: Callable[[], None]) -> None:
        with store.lock(60):
            heir = os.fork()
            if heir == 0:
                wait()
            say(str(heir))
            wait()

    child = fork(hold)
    heir = int(child.hear())
    try:
        with pytest.raises(TimeoutError):
            store.lock(0).__enter__()
        child.kill()
        os.kill(heir, 0)  # alive, and it inherited every descriptor there was
        with store.lock(10):
            pass
    finally:
        with suppress(ProcessLookupError):
            os.kill(heir, 9)


def test_T57_a_forked_child_leaving_the_block_does_not_release_the_parents_lock(
    store: FileStore, fork: Callable[..., Any]
) -> None:
    outcome: list[str] = []

    def leave(say: Callable[[str], None], _: Callable[[], None]) -> None:
        held.__exit__(None, None, None)
        try:
            store.lock(0).__enter__()
        except TimeoutError:
            say("still locked")

    held = store.lock(0)
    with held:
        outcome.append(fork(leave).hear())
        with pytest.raises(TimeoutError):
            store.lock(0).__enter__()
    assert outcome == ["still locked"]


def test_T26_a_child_forked_while_another_thread_holds_the_lock_works(
    store: FileStore, fork: Callable[..., Any]
) -> None:
    taken, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with store.lock(60):
            taken.set()
            enough.wait(60)

    def work(say: Callable[[str], None], _: Callable[[], None]) -> None:
        say("begun")
        with store.lock(60):
            store.save(NEW)
        say("done")

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(60)
    child = fork(work)
    assert child.hear() == "begun"
    enough.set()
    assert child.hear() == "done"
    thread.join()


def test_a_lock_file_that_is_a_link_is_refused(store: FileStore, path: Path) -> None:
    path.with_name("token.json.lock").symlink_to(path.with_name("somebody-elses"))
    with pytest.raises(TokenStoreError, match=rf"^FileStore\('{path}'\) could not be locked"):
        store.lock(0).__enter__()
    assert not path.with_name("somebody-elses").exists()


def test_a_lock_is_not_a_record(store: FileStore) -> None:
    with store.lock(0):
        assert store.load() is None
