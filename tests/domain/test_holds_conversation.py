"""Workers and the control plane talk over a network that loses, repeats and reorders: whatever happens, never more is
lent than there is, nobody is surely refused while money lies idle, and in the end everything has come back.
"""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from smart_ai_router.domain.accounts import AccountKey, Wallet
from smart_ai_router.domain.charges import Charge, Need
from smart_ai_router.domain.holds import HEARTBEAT_S, Hold, LeaseBook, Shortage
from smart_ai_router.domain.lease_slices import IDLE_S
from smart_ai_router.domain.leasing import Answer, Recall, Report, leased_in_all, use
from smart_ai_router.domain.ledger import Posting
from tests.domain.ledger_samples import POOL, TOKENS, TOKENS_MONTHLY, Office

BOTH: Wallet = (TOKENS_MONTHLY, TOKENS)
POOL_WALLET: Wallet = (POOL,)
ACCOUNTS = (TOKENS_MONTHLY, TOKENS, POOL)
WORKERS = ("w1", "w2", "w3")
STORE = "store"
SHARES = (1, 3, 10, 30, 60, 90)  # percent
PENDING_MAX = 12  # messages under way; more are lost
ROUNDS_MAX = 60  # of quiet conversation, after which everything must have come back

Place = tuple[str, AccountKey]
Message = tuple[str, Report | Answer | Recall]  # to whom


@dataclass(eq=False)
class Waiting:
    """A call that waits, and how little lay idle for each of its wallets while it did."""

    needs: tuple[Need, ...]
    first: Shortage | None = None
    idle: dict[Place, int] = field(default_factory=dict)


class Conversation(RuleBasedStateMachine):
    """Three workers, one control plane, a wallet of two parts and a pool."""

    @initialize(monthly=st.integers(0, 400), permanent=st.integers(0, 400), pool=st.integers(0, 1_200))
    def begin(self, monthly: int, permanent: int, pool: int) -> None:
        self.balances = {TOKENS_MONTHLY: monthly, TOKENS: permanent, POOL: pool}
        self.office = Office(self.balances, len(WORKERS))
        self.books = {name: LeaseBook(name, 0.0) for name in WORKERS}
        self.messages: list[Message] = []
        self.holds: list[tuple[str, Hold]] = []
        self.waiting: dict[str, list[Waiting]] = {name: [] for name in WORKERS}
        self.lines: list[tuple[str, Posting]] = []
        self.posted = dict.fromkeys(ACCOUNTS, 0)
        self.beyond = dict.fromkeys(ACCOUNTS, 0)
        self.now = 0.0
        self.is_quiet = False

    # --- calls ---

    @rule(name=st.sampled_from(WORKERS), share=st.sampled_from(SHARES), of_pool=st.sampled_from((0, *SHARES)))
    def call_in(self, name: str, share: int, of_pool: int) -> None:
        """A call needs so many percent of all there ever was."""
        wanted = [Need(BOTH, (self.balances[TOKENS_MONTHLY] + self.balances[TOKENS]) * share // 100 + 1)]
        if of_pool:
            wanted.append(Need(POOL_WALLET, self.balances[POOL] * of_pool // 100 + 1))
        waiting = Waiting(tuple(wanted))
        if not self.is_held(name, waiting):
            self.waiting[name].append(waiting)

    def is_held(self, name: str, waiting: Waiting) -> bool:
        """One try; True when the call waits no longer."""
        book = self.books[name]
        found = book.reserve(waiting.needs, self.now)
        if isinstance(found, Hold):
            self.holds.append((name, found))
            return True
        if waiting.first is None or waiting.first.account != found.account:
            waiting.first, waiting.idle = found, self.idle_now(found.wallet)
        if not book.is_refused(found, waiting.first.asked_in):
            return False
        (need,) = [each for each in waiting.needs if each.wallet == found.wallet]
        self.watch(waiting)
        assert sum(waiting.idle.values()) < need.amount, f"refused {need.amount}, idle lay {waiting.idle}"
        return True

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), share=st.integers(0, 12))
    def call_ends(self, data: st.DataObject, share: int) -> None:
        """A call takes some tenths of what it holds, sometimes more than all of it."""
        name, hold = self.holds.pop(data.draw(st.integers(0, len(self.holds) - 1)))
        book = self.books[name]
        wallets = dict.fromkeys(wallet for wallet, _, _ in hold.parts)
        settled = book.settle(hold, [Charge(each, hold.held_of(each) * share // 10) for each in wallets])
        self.lines += [(name, posting) for posting in settled.postings]
        book.line_written(hold)

    @precondition(lambda self: self.lines)
    @rule(data=st.data())
    def line_is_posted(self, data: st.DataObject) -> None:
        self.post(*self.lines.pop(data.draw(st.integers(0, len(self.lines) - 1))))

    def post(self, name: str, posting: Posting) -> None:
        lease = self.office.leases.get((posting.account, name))
        assert posting.leased <= (0 if lease is None else lease.outstanding)
        account, after = use(self.office.accounts[posting.account], lease, posting.amount, posting.leased)
        self.office.accounts[posting.account] = account
        if after is not None:
            self.office.leases[posting.account, name] = after
        self.posted[posting.account] += posting.amount
        self.beyond[posting.account] += posting.amount - posting.leased

    # --- the network ---

    @rule(name=st.sampled_from(WORKERS), passes_ms=st.sampled_from([0, 50, 1_000, 11_000]))
    def tick(self, name: str, passes_ms: int) -> None:
        """Time passes; a worker tries its waiting calls again and says what there is to say."""
        self.now += passes_ms / 1_000
        self.waiting[name] = [each for each in self.waiting[name] if not self.is_held(name, each)]
        report = self.books[name].report(self.now)
        if report is not None:
            self.send(STORE, report)

    def send(self, receiver: str, message: Report | Answer | Recall) -> None:
        if len(self.messages) < PENDING_MAX:
            self.messages.append((receiver, message))

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), is_repeated=st.booleans())
    def message_arrives(self, data: st.DataObject, is_repeated: bool) -> None:
        place = data.draw(st.integers(0, len(self.messages) - 1))
        self.deliver(*(self.messages[place] if is_repeated else self.messages.pop(place)))

    @precondition(lambda self: self.messages)
    @rule()
    def oldest_messages_arrive(self) -> None:
        """The network works for a while: shrinking and finding go faster with one rule for the everyday case."""
        for _ in range(len(self.messages)):
            self.deliver(*self.messages.pop(0))

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def message_is_lost(self, data: st.DataObject) -> None:
        self.messages.pop(data.draw(st.integers(0, len(self.messages) - 1)))

    def deliver(self, receiver: str, message: Report | Answer | Recall) -> None:
        if isinstance(message, Report):
            answer = self.office.hear(message)
            if answer is not None:
                self.send(message.holder, answer)
            for lease in self.office.recalled:
                self.send(lease.holder, Recall(lease.holder, lease.account, lease.asked_round))
            self.office.recalled.clear()
        elif isinstance(message, Answer):
            self.books[receiver].absorb(message, self.now)
            self.waiting[receiver] = [each for each in self.waiting[receiver] if not self.is_held(receiver, each)]
        else:
            self.books[receiver].recall(message, self.now)

    # --- what always holds ---

    def idle_now(self, wallet: Wallet) -> dict[Place, int]:
        """What a call could have, place by place."""
        idle = {(STORE, each): max(self.office.accounts[each].available, 0) for each in wallet}
        for name, book in self.books.items():
            for slice_ in book.slices():
                if slice_.account in wallet:
                    idle[name, slice_.account] = max(slice_.free - slice_.kept, 0)
        return idle

    def watch(self, waiting: Waiting) -> None:
        """Note what no longer lies idle for a call that waits."""
        assert waiting.first is not None
        now = self.idle_now(waiting.first.wallet)
        waiting.idle = {place: min(amount, now.get(place, 0)) for place, amount in waiting.idle.items()}

    @invariant()
    def the_idle_money_of_every_waiting_call_is_watched(self) -> None:
        for waiting in [each for calls in self.waiting.values() for each in calls]:
            self.watch(waiting)

    @invariant()
    def nothing_is_lent_that_is_not_there(self) -> None:
        for account in self.office.accounts.values():
            of_account = [each for each in self.office.leases.values() if each.account == account.key]
            assert account.leased == leased_in_all(of_account)
            assert min([each.outstanding for each in of_account], default=0) >= 0
            assert account.available >= -self.beyond[account.key]
            assert account.balance == self.balances[account.key] - self.posted[account.key]

    @invariant()
    def no_worker_has_more_than_it_was_lent(self) -> None:
        for name, book in self.books.items():
            for slice_ in book.slices():
                assert min(slice_.free, slice_.held, slice_.used, slice_.returned) >= 0
                assert slice_.granted == slice_.free + slice_.held + slice_.used + slice_.returned
                lease = self.office.leases.get((slice_.account, name))
                if lease is None:
                    assert slice_.free == slice_.held == 0
                else:
                    assert slice_.granted <= lease.granted
                    assert slice_.free + slice_.held <= lease.outstanding

    def teardown(self) -> None:
        """The network works, every call ends: every waiting call is decided and everything comes back."""
        if not hasattr(self, "books"):
            return
        self.messages.clear()
        for quiet_round in range(ROUNDS_MAX):
            is_draining = not any(self.waiting.values())
            self.now += IDLE_S if is_draining else HEARTBEAT_S
            for name, book in self.books.items():
                if is_draining:
                    book.give_back_all()
                self.tick(name, 0)
                while self.messages:
                    self.deliver(*self.messages.pop(0))
                self.the_idle_money_of_every_waiting_call_is_watched()
            for name, hold in self.holds:
                self.books[name].cancel(hold)
            self.holds.clear()
            for line in self.lines:
                self.post(*line)
            self.lines.clear()
            self.nothing_is_lent_that_is_not_there()
            self.no_worker_has_more_than_it_was_lent()
            if is_draining and quiet_round and not any(each.leased for each in self.office.accounts.values()):
                return
        states = (self.waiting, self.office.accounts, [list(book.slices()) for book in self.books.values()])
        raise AssertionError(f"after {ROUNDS_MAX} quiet rounds: {states}")


Conversation.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestConversation = Conversation.TestCase
