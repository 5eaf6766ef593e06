"""What a proof came to."""

from smart_ai_router.core.verification_report import DIFFERENCES_LISTED_MAX, VerificationReport


def test_without_a_difference_the_books_are_right() -> None:
    report = VerificationReport()

    assert report.is_equal
    assert report.exit_status == 0


def test_every_difference_is_counted_and_the_first_ones_are_kept() -> None:
    report = VerificationReport()
    for number in range(DIFFERENCES_LISTED_MAX + 5):
        report.note("balance", str(number), number, number + 1)

    assert (report.difference_count, report.exit_status) == (DIFFERENCES_LISTED_MAX + 5, 1)
    assert [each.where for each in report.differences] == [str(number) for number in range(DIFFERENCES_LISTED_MAX)]


def test_what_lines_took_is_added_up_by_account() -> None:
    report = VerificationReport()
    for amount in (5, 0, 7):
        report.count_taken(("user", "alice", "CNY", ""), amount)
    report.count_taken(("pool", "openai", "CNY", ""), 0)

    assert report.taken == {("user", "alice", "CNY", ""): 12}
