"""Statistics: one question, one file. Each verb asks a `StatisticsView` and answers a mapping ready for JSON.

Amounts are exact decimals; a quotient that does not terminate is rounded half to even at 12 decimals. Costs of
different currencies are never added: the cost figures are those of the view's currency, what was billed in others
stands under `other_currencies`, and averages divide by the calls and tokens of the same currency.
"""
