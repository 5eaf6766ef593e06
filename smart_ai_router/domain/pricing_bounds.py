"""What a call of bounded size can cost at most, precomputed per band: the arithmetic behind holds."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from smart_ai_router.domain.money import Pico
from smart_ai_router.domain.pricing_rates import Rate, line_amount


class Bound(NamedTuple):
    """At most `input_rate` x input tokens + `output_rate` x output tokens + `fixed` pico."""

    input_numerator: int
    input_denominator: int
    output_numerator: int
    output_denominator: int
    fixed: Pico

    def at(self, input_tokens: int, output_tokens: int) -> Pico:
        """The bound for a call of at most so many tokens; never below any bill of one."""
        input_part = -(-input_tokens * self.input_numerator // self.input_denominator)
        output_part = -(-output_tokens * self.output_numerator // self.output_denominator)
        return input_part + output_part + self.fixed


def bound_of(input_rates: Sequence[Rate], output_rates: Sequence[Rate], request_rate: Rate | None) -> Bound:
    """The bound of a band's rates: each side at its dearest rate, and what rounding, steps and minimums may add.

    All tokens of a side may be of its dearest meter. A line rounded half-even lies at most half a pico above its
    exact amount, a step at most one step above its quantity, and a minimum is at most itself above it.
    """
    dearest_input = max((rate.value for rate in input_rates), default=Fraction(0))
    dearest_output = max((rate.value for rate in output_rates), default=Fraction(0))
    fixed = Fraction(0)
    for rate in (*input_rates, *output_rates):
        if rate.denominator != 1:
            fixed += 1
        if rate.special is not None:
            fixed += rate.special.minimum + rate.special.step * rate.value + 1
    if request_rate is not None:
        fixed += line_amount(request_rate, 1)
    return Bound(
        dearest_input.numerator,
        dearest_input.denominator,
        dearest_output.numerator,
        dearest_output.denominator,
        -(-fixed.numerator // fixed.denominator),
    )
