"""A simulated world to test the engine in: workers with their own memory, one store, Zoho, and a controlled clock.

Each call of a worker runs in a thread that stops before it touches the store, Zoho or a lock, and continues when told
to, so that every interleaving can be run and replayed. Zoho is the sandbox's ledger.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager

from requests_zohorecruit.engine.limits import Budget
from requests_zohorecruit.engine.refresher import Refresher
from requests_zohorecruit.errors import (
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    TokenStoreError,
    ZohoAuthError,
)
from requests_zohorecruit.sandbox.grants import Ledger, TooManyMints
from requests_zohorecruit.sandbox.settings import Settings
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import SCHEME, Token

START = 1_800_000_000.0
LEASE = 60.0
#: Small enough to be exhausted by chance.
BUDGET = Budget(mints=4, window=600.0)
SCOPE = ("ZohoRecruit.modules.ALL",)


class Crash(BaseException):
    """The process is killed, without any cleanup."""


class Broken(BaseException):
    """A promise was broken. A BaseException, so that no error handler catches it."""


def promise(kept, broken):
    if not kept:
        raise Broken(broken)


class Task(threading.Thread):
    """A call of a worker, which runs only while the world waits for it.

    :ivar at: where it has stopped, or None when it has ended
    :ivar result: what it returned, or the error it raised
    :ivar has_answer: the API's final response is known, and only has to be shared before it is returned
    """

    def __init__(self, worker, name, work):
        super().__init__(daemon=True, name=name)
        self.worker = worker
        self.at = "start"
        self.result = None
        self.failure = None
        self.has_answer = self.saves_failed = False
        self.noted_at = self.saved_grant = None
        self._work = work
        self._fault = None
        self._ready = lambda: True
        self._go, self._stopped = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._stopped.acquire()
        self.start()

    def run(self):
        self._go.acquire()
        try:
            self.result = self._work()
        except ZohoAuthError as error:
            self.result = error
        except Crash:
            self.result = "killed"
        except BaseException as error:  # a finding
            self.failure = error
        self.at = None
        self._stopped.release()

    def __repr__(self):
        workers = self.worker.world.workers
        return f"{self.name} of {'a dead worker' if self.worker.dead else workers.index(self.worker)}"

    @property
    def runnable(self):
        return self.at is not None and (self.worker.dead or self._ready())

    def step(self, fault=None):
        """Continue to the next stop, raising `fault`, if given, at this one."""
        self._fault = fault
        self.saves_failed = self.saves_failed or (fault is not None and self.at in {"save", "saved"})
        if fault is not None and self.at in {"saved", "unlock"}:
            self.worker.world.doubtful.add(self.saved_grant)
        self._go.release()
        self._stopped.acquire()
        if self.failure is not None:
            raise AssertionError(f"{self.name}: {self.failure!r}") from self.failure

    def go_on(self):
        """Run until the task ends or must wait for another one. Return the task."""
        while self.runnable:
            self.step()
        return self

    def stop(self, at, ready=lambda: True):
        """Called by the task itself: stop, and let other tasks run."""
        if self.worker.dead:
            raise Crash
        self.at, self._ready = at, ready
        self._stopped.release()
        self._go.acquire()
        if self.worker.dead:
            raise Crash
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault


def current():
    task = threading.current_thread()
    promise(isinstance(task, Task), "only tasks touch the world")
    return task


class Disk:
    """The stored record, and the holder of the lock.

    :ivar leased: the lock ends by itself after `LEASE` seconds, and not with its holder, as in Redis
    """

    def __init__(self, world, *, leased):
        self.world = world
        self.leased = leased
        self.record = None
        self.version = 0
        self._holder = None
        self._until = 0.0

    @property
    def holder(self):
        if self._holder is not None and self.leased and self.world.now >= self._until:
            return None
        return self._holder

    def take(self, task):
        self._holder, self._until = task, self.world.now + LEASE

    def give_back(self, task):
        if self._holder is task:
            self._holder = None

    def replace(self, record):
        self.record = None if record is None else dict(record)
        self.version += 1


class Store:
    """A worker's view of the disk, with the guarantees of `RedisStore` and `SQLStore`."""

    def __init__(self, disk):
        self._disk = disk
        self._seen = {}

    def load(self):
        current().stop("load")
        return None if self._disk.record is None else dict(self._disk.record)

    def save(self, record):
        task = current()
        task.stop("save")
        if task in self._seen and self._disk.record is not None and self._seen[task] != self._disk.version:
            task.saves_failed = True
            raise TokenStoreError("the record was replaced by somebody else")
        self._disk.world.about_to_save(record, task)
        self._disk.replace(record)
        task.saved_grant = record.get("refresh_token")
        task.noted_at = max(record.get("mint_times", [START]))
        if task in self._seen:
            self._seen[task] = self._disk.version
        task.stop("saved")

    @contextmanager
    def lock(self, timeout):
        task, disk, world = current(), self._disk, self._disk.world
        world.about_to_lock(task, timeout)
        task.stop("lock")
        deadline = world.now + timeout
        while disk.holder is not None:
            if world.now >= deadline:
                raise TimeoutError
            task.stop("queue", lambda: disk.holder is None or world.now >= deadline)
        disk.take(task)
        self._seen[task] = disk.version
        try:
            yield
            task.stop("unlock")
        finally:
            self._seen.pop(task, None)
            if not (task.worker.dead and disk.leased):
                disk.give_back(task)


class ThreadLock:
    """Takes the place of a lock between the threads of a worker."""

    def __init__(self, world):
        self._world = world
        self._holder = None

    def is_held_here(self):
        return self._holder is current()

    @contextmanager
    def attempt(self, timeout):
        task, deadline = current(), self._world.now + timeout
        while self._holder is not None:
            if self._world.now >= deadline:
                yield False
                return
            task.stop("queue", lambda: self._holder is None or self._world.now >= deadline)
        self._holder = task
        try:
            yield True
        finally:
            self._holder = None


class TokenEndpoint:
    """Zoho Accounts, backed by the sandbox's ledger."""

    def __init__(self, world):
        self.application = world.application
        self._world = world

    def mint(self, grant, previous, *, now):
        task, world = current(), self._world
        task.stop("ask")
        found = world.ledger.find_grant(grant.value)
        if found is None:
            raise ReauthorizationRequired("The grant is dead.", code="invalid_code", region="eu")
        try:
            minted = world.minted(found)
        except TooManyMints:
            raise ThrottledError("Access Denied", retry_after=60.0, region="eu") from None
        task.stop("answer")
        keep = (previous.refresh_token if previous else None) or grant.value
        return Token(minted.value, keep, now + 3600, 3600)

    def revoke(self, token):
        current().stop("ask")
        if not self._world.ledger.revoke(token):
            raise TokenEndpointError("Zoho did not confirm it.", region="eu")
        current().stop("answer")


class Worker:
    """A process: a memory, a clock, and its calls in progress."""

    def __init__(self, world):
        self.world = world
        self.dead = False
        self.given = None
        self.offset = 0.0
        self.source = Refresher(TokenEndpoint(world), Store(world.disk), clock=self.clock)
        self.source.grant.threads = ThreadLock(world)
        self.source.grant.reading._lock = ThreadLock(world)
        self.source.budget = BUDGET

    def clock(self):
        return self.world.now + self.offset

    @property
    def has_usable(self):
        return self.source._is_usable(self.source.record)

    def call(self):
        """Call the API as `ZohoRecruitAuth` does; return the status of the response."""
        source, started = self.source, self.clock()
        header = source.get_header()
        since, sent_at = self.clock(), self.world.now
        token = self.sent(header, started)
        for replays in range(3):
            if self.world.accepts(token):
                return self._accepted()
            if replays and (self._pauses(token, since, sent_at) or replays == 2):
                return 401
            header = source.replace(token)
            if not header:
                return 401
            second = self.sent(header, started)
            promise(second != token, "the token that was rejected is sent again")
            token = second
        raise AssertionError

    def _pauses(self, token, since, sent_at):
        """Start a pause if there is a reason for one, and check that there is."""
        task, world = current(), self.world
        before = self.source.record.pause
        task.has_answer = True
        is_paused = self.source.pause(token, "recruit.zoho.eu", since=since)
        task.has_answer = is_paused
        if is_paused and not before:
            minted_at = world.expiry_as_told[token] - 3600
            promise(minted_at >= sent_at or world.jumped, "a pause although nobody minted")
        return is_paused

    def sent(self, header, started):
        """Check a token that is sent to the API."""
        scheme, _, token = header.partition(" ")
        promise(scheme == SCHEME and token, "there is no header without a token")
        expiry = self.world.expiry_as_told.get(token)
        promise(expiry is None or started < expiry - 30 or self.world.jumped, "an expired token is sent")
        current().stop("api")
        return Secret(token)

    def _accepted(self):
        self.source.end_pause()
        return 200


class World:
    """Everything there is, and the promises that are checked whenever something happens.

    :ivar doubtful: grants (None: an empty record) that were saved although the saving call was told otherwise
    :ivar excused: something happened after which the budget cannot be kept, because it is not known any more
    """

    def __init__(self, *, leased, workers=3):
        self.now = START
        self.settings = Settings()
        self.settings.mints_per_window, self.settings.mint_window = BUDGET
        self.settings.blocked_longer = 0.0
        self._numbers = iter(range(10**9))
        self.ledger = Ledger(self.settings, clock=lambda: self.now, token_hex=lambda _: f"{next(self._numbers):032x}")
        self.application = Application.create("1000.CLIENT", "client-secret", "eu")
        self.disk = Disk(self, leased=leased)
        self.reject_all = False
        self.excused = self.jumped = self.emptied = False
        self.doubtful = set()
        self.mints = 0
        self.expiry_as_told = {}
        self.tasks = []
        grant = self.ledger.open_grant(SCOPE)
        self.grants = [grant.refresh_token]
        #: In the order in which they were saved first.
        self.saved = [grant.refresh_token]
        self.owed = (grant.refresh_token, None)
        #: Index in `saved` of the newest stored, and of what was revoked; what is older must not come back.
        self._newest_stored, self.buried = 0, -1
        self.disk.replace({"refresh_token": str(grant.refresh_token)})
        self.workers = [Worker(self) for _ in range(workers)]

    # -- what happens

    def begin(self, index, name):
        """Start a call in a worker: ``call``, ``refresh``, ``revoke`` or ``authorize``."""
        worker = self.workers[index]
        works = {
            "call": worker.call,
            "refresh": worker.source.refresh,
            "revoke": worker.source.revoke,
            "authorize": lambda: self._authorize(worker),
        }
        task = Task(worker, name, works[name])
        self.tasks.append(task)
        return task

    def crash(self, index):
        """Kill a worker with all its calls, and start another in its place."""
        worker, self.workers[index] = self.workers[index], Worker(self)
        worker.dead = True
        for task in self.pending:
            if task.worker is worker:
                task.step()
        return worker

    def empty_store(self):
        """Lose the record, as a Redis without persistence does."""
        self.disk.replace(None)
        self.emptied = self.excused = True

    @property
    def pending(self):
        self.tasks = [task for task in self.tasks if task.at is not None]
        return self.tasks

    def settle(self):
        """Let all calls in progress finish, without further faults."""
        while self.pending:
            runnable = [task for task in self.pending if task.runnable]
            if runnable:
                runnable[0].step()
            else:
                self.now += LEASE

    def one_after_the_other(self, name="call"):
        """Have each worker do something alone; return the results."""
        tasks = []
        for index in range(len(self.workers)):
            tasks.append(self.begin(index, name))
            self.settle()
        return [task.result for task in tasks]

    @property
    def owes_a_grant(self):
        """Whether the latest grant was not saved, although the worker that got it lives and no later one exists."""
        grant, worker = self.owed
        return not (grant in self.saved or worker.dead or self.ledger.find_grant(grant) is None)

    @property
    def owes_a_token(self):
        """Whether a worker has a working token of the stored grant, and the store has none."""
        stored = self.disk.record or {}
        if self.ledger.find_access(stored.get("access_token")):
            return False
        records = [worker.source.record for worker in self.workers]
        shared = [record for record in records if (record.grant_identity or None) == stored.get("refresh_token")]
        return any(self.ledger.find_access(record.access_token) for record in shared)

    def grant_in_use(self):
        """Return the newest live refresh token that a worker remembers or the store holds, revoked ones left out."""
        records = [worker.source.record.grant_identity or None for worker in self.workers]
        known = {*records, (self.disk.record or {}).get("refresh_token")}
        after = 0 if self.emptied else self.buried + 1
        ranked = [grant for grant in self.saved[after:] if grant in known]
        return ranked[-1] if ranked and self.ledger.find_grant(ranked[-1]) else None

    def accepts(self, token):
        return not self.reject_all and self.ledger.find_access(token) is not None

    def minted(self, grant):
        """Mint, and check that the worker recorded the mint first."""
        # A process that is put to sleep for longer than a token call takes asks later than it has said.
        asker = current()
        late = asker.noted_at is not None and self.now > asker.noted_at + LEASE
        self.excused = self.excused or asker.saves_failed or late
        noted = [at for at in (self.disk.record or {}).get("mint_times", ()) if at > self.now - BUDGET.window]
        known = [at for at in grant.mints if at > self.now - BUDGET.window]
        promise(self.excused or len(noted) > len(known), "a mint that nobody else would know of")
        blocked = self.now < grant.blocked_until
        try:
            token = self.ledger.mint(grant)
        except TooManyMints:
            promise(blocked or self.excused, "more mints than the budget")
            raise
        self.mints += 1
        self.expiry_as_told[token.value] = self.now + 3600
        return token

    def _authorize(self, worker):
        """A person logs in again: a new grant, which comes with an access token."""
        self.now += 0.001  # a person takes a moment
        begun, now = self.now, worker.clock()
        grant = self.ledger.open_grant(SCOPE)
        token = self.ledger.mint(grant)
        self.grants.append(grant.refresh_token)
        self.expiry_as_told[token.value] = self.now + 3600
        current().stop("answer")
        if self.now > begun + 60:
            raise TokenEndpointError("No answer in time.", uncertain=True, region="eu")
        before, self.owed, worker.given = len(self.saved), (grant.refresh_token, worker), grant
        try:
            worker.source.adopt(Token(token.value, grant.refresh_token, now + 3600, 3600), now=now)
        except TokenStoreError as error:
            if "another thread" in str(error):
                self.owed = self.saved[0], worker  # whoever is stuck there for a minute may come back and save its own
            raise
        # Unless another person was faster, or later, or has revoked it.
        superseded = len(self.saved) > before or worker.given is not grant
        revoked = self.ledger.find_grant(grant.refresh_token) is None
        # After an emptied store was seen, dates decide, and a clock that is behind dates a login before older grants.
        decided_by_dates = self.emptied and self.jumped
        kept = grant.refresh_token in self.saved or superseded or revoked or decided_by_dates
        promise(kept, "a new grant is lost")

    def jump(self, index, seconds):
        """Set a worker's clock forward or back."""
        self.workers[index].offset += seconds
        self.jumped = self.excused = True

    # -- what must hold

    def about_to_lock(self, task, timeout):
        if task.name == "call" and timeout and not task.has_answer:
            promise(not task.worker.has_usable, "a worker waits for a lock while it holds a live token")

    def about_to_save(self, record, task):
        grant = record.get("refresh_token")
        if task.name == "revoke" and grant is None:
            self.buried = max(self.buried, self._newest_stored)
            self.owed = self.saved[0], task.worker
            return
        if grant is None:
            promise(not (self.disk.record or {}).get("refresh_token"), "the refresh token is lost")
            return
        # Concurrent logins: the one that is saved last is the newest.
        if grant not in self.saved:
            self.saved.append(grant)
            self.owed = grant, current().worker
        if self.emptied:
            return  # what was newest, or revoked, was known to the store only
        rank = self.saved.index(grant)
        # Whoever does not know that saving worked may take what came after it for what was there before.
        unsure = grant in self.doubtful
        promise(rank >= self._newest_stored or unsure, "an older grant takes the place of a newer one")
        promise(rank > self.buried or unsure, "a revoked grant comes back")
        self._newest_stored = rank
