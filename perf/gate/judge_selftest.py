"""The rules of the gate on numbers that were made up."""

from datetime import date

import pytest

from perf.gate import judge
from perf.gate.accepted import Accepted, Reviewed, Threshold
from perf.gate.statistics import Summary

CELL, TODAY, LATER = "MSELoss-eager-forward-S-float32-cpu", date(2030, 1, 1), date(2031, 1, 1)
RUN = {t: {"state": "run", "reason": None} for t in judge.TIERS}
CALM = {"percent": 0.0, "low": -0.1, "high": 0.1, "p": 0.5, "log_ratios": []}


def record(**more):
    usual = {
        "cell": CELL, "counters": {"bytes": {"base": 100, "head": 100}}, "operators": {},
        "instructions": executed(0, 0), "time": time(), "not_run": None, "told": [],
    }  # fmt: skip
    return usual | more


def executed(percent, cycles):
    base, head = ({"instructions": n, "cycles": n} for n in (1000, 1001))
    return {"base": base, "head": head, "percent": percent, "cycles_percent": cycles, "reason": None}


def time(second=None, flagged=False, failed=False, detectable=3.1):
    return {
        "stage1": CALM, "stage2": second, "flagged": flagged, "failed": failed, "detectable_percent": detectable
    }  # fmt: skip


def outcome(one, tiers=RUN, asked=judge.TIERS, reviewed=None):
    return judge.outcome(CELL, one, tiers, asked, reviewed or Reviewed(), TODAY)


def accepting(what="bytes", increase=10, cell="MSELoss-*", expires=LATER):
    return Reviewed("a.toml", (Accepted(cell, what, "reviewed", increase, expires),))


def more_bytes(head):
    return record(counters={"bytes": {"base": 100, "head": head}})


def test_the_same_passes():
    assert outcome(record()) == ("pass", [])


@pytest.mark.parametrize("counter", judge.COUNTERS)
def test_one_more_of_any_counter_is_a_regression(counter):
    assert outcome(record(counters={counter: {"base": 100, "head": 101}}))[0] == "regression"


def test_less_of_a_counter_passes():
    assert outcome(more_bytes(99))[0] == "pass"


def test_more_than_nothing_is_a_regression():
    assert outcome(record(counters={"saved_tensors": {"base": 0, "head": 1}}))[0] == "regression"


def test_operators_are_named():
    one = record(counters={"operators": {"base": 1, "head": 2}}, operators={"aten.clone": {"base": 0, "head": 1}})
    assert outcome(one)[1] == ["operators: 1 -> 2 (aten.clone +1)"]


@pytest.mark.parametrize(("percent", "found"), [(0.9, "pass"), (2.0, "pass"), (2.1, "regression")])
def test_two_percent_more_instructions_are_allowed(percent, found):
    assert outcome(record(instructions=executed(percent, 0)))[0] == found


def test_two_interpreters_are_allowed_more():
    apart = executed(4.9, 0) | {"limit_percent": judge.APART}
    assert outcome(record(instructions=apart)) == ("pass", ["note: instructions +4.9 %"])


def test_one_percent_more_instructions_are_told():
    assert outcome(record(instructions=executed(1.5, 0)))[1] == ["note: instructions +1.5 %"]


def test_more_cycles_are_a_regression():
    assert outcome(record(instructions=executed(0, judge.CYCLES + 0.1)))[0] == "regression"


def test_a_confirmed_slowdown_is_a_regression():
    slow = CALM | {"percent": 5.0, "p": 0.001}
    assert outcome(record(time=time(slow, True, True)))[0] == "regression"


def test_a_flag_that_the_second_stage_clears_passes():
    assert outcome(record(time=time(CALM, True)))[0] == "pass"


def test_a_flag_between_both_thresholds_is_inconclusive():
    assert outcome(record(time=time(CALM | {"percent": 2.5, "p": 0.01}, True)))[0] == "inconclusive"


def test_a_flag_that_nobody_followed_is_inconclusive():
    assert outcome(record(time=time(None, True)))[0] == "inconclusive"


def test_silence_of_a_noisy_cell_is_inconclusive():
    assert outcome(record(time=time(detectable=10.1)))[0] == "inconclusive"


def test_a_threshold_of_its_own_allows_more_noise():
    reviewed = Reviewed("a.toml", (), (Threshold("MSELoss-*", "noisy", 8.0, 20.0),))
    assert outcome(record(time=time(detectable=15)), reviewed=reviewed)[0] == "pass"


def test_the_first_stage_flags_at_two_thirds_of_the_threshold():
    flag, fail = judge.rules(Threshold("*", "", 9.0))
    assert (flag.percent, fail.percent) == (6.0, 9.0)


@pytest.mark.parametrize("state", ["not run", "void"])
@pytest.mark.parametrize("tier", judge.TIERS)
def test_a_tier_that_was_asked_for_and_does_not_count_is_never_green(tier, state):
    assert outcome(record(), RUN | {tier: {"state": state, "reason": "because"}})[0] == "inconclusive"


def test_a_tier_that_was_not_asked_for_is_not_missed():
    tiers = RUN | {"1": {"state": "not run", "reason": "not asked for"}}
    assert outcome(record(), tiers, ("0", "2"))[0] == "pass"


def test_a_cell_that_did_not_run_says_so():
    assert outcome(record(not_run="head: wrong")) == ("not run", ["head: wrong"])


def test_an_accepted_increase_is_no_regression():
    assert outcome(more_bytes(110), reviewed=accepting())[0] == "accepted"


def test_more_than_was_accepted_is_a_regression():
    assert outcome(more_bytes(111), reviewed=accepting())[0] == "regression"


def test_percent_are_accepted_too():
    assert outcome(more_bytes(111), reviewed=accepting(increase="11 %"))[0] == "accepted"


def test_what_has_expired_accepts_nothing():
    assert outcome(more_bytes(110), reviewed=accepting(expires=date(2029, 12, 31)))[0] == "regression"


def late(reviewed, one, possible=(CELL,), tiers=RUN):
    return [why for _, why in judge.stale(reviewed, {CELL: one}, list(possible), tiers, TODAY)]


def test_an_entry_that_is_needed_is_not_stale():
    assert late(accepting(), more_bytes(110)) == []


def test_an_entry_that_no_longer_shows_is_stale():
    assert late(accepting(), record()) == ["it no longer shows"]


def test_an_entry_that_matches_no_cell_is_stale():
    assert late(accepting(cell="Nothing*"), record()) == ["it matches no cell"]


def test_an_entry_that_has_expired_is_stale():
    assert late(accepting(expires=date(2029, 12, 31)), more_bytes(110)) == ["it has expired on 2029-12-31"]


def test_an_entry_for_a_cell_that_filters_leave_is_not_stale():
    assert late(accepting(cell="L1Loss-*"), record(), (CELL, "L1Loss-eager-forward-S-float32-cpu")) == []


def test_an_entry_of_a_tier_that_was_not_run_is_not_stale():
    assert late(accepting("instructions", "5 %"), record(), tiers=RUN | {"1": {"state": "not run"}}) == []


def test_an_accepted_slowdown_is_stale_only_when_its_interval_is_below_the_flag():
    noisy = time() | {"stage1": CALM | {"high": 2.5}}
    assert late(accepting("time", "5 %"), record()) == ["it no longer shows"]
    assert late(accepting("time", "5 %"), record(time=noisy)) == []


@pytest.mark.parametrize("percent", [4.0, -4.0])
def test_a_canary_sings_in_either_direction(percent):
    p = 0.01 if percent > 0 else 0.99
    assert judge.canary_sings(Summary((), percent, 0, 0, p))


def test_a_calm_canary_is_silent():
    assert not judge.canary_sings(Summary((), 0.3, 0, 0, 0.01))


def test_a_run_fails_with_any_cell():
    assert judge.verdict(["pass", "regression"], [], [], False)[:2] == ("regression", 1)


@pytest.mark.parametrize("outcome", ["inconclusive", "not run"])
@pytest.mark.parametrize("conclusive", [False, True])
def test_doubt_fails_a_run_only_where_it_must_be_conclusive(outcome, conclusive):
    assert judge.verdict(["pass", outcome], [], [], conclusive)[:2] == ("inconclusive", int(conclusive))


def test_a_wrong_head_or_a_stale_entry_fails_a_run():
    assert judge.verdict(["not run"], ["wrong"], [], False)[1] == judge.verdict(["pass"], [], ["stale"], False)[1] == 1


def test_accepted_increases_pass():
    assert judge.verdict(["pass", "accepted"], [], [], True) == ("pass", 0, [])
