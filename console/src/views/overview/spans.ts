/** Today, this week and this month, and the days that each is held against: as much of the one before as has passed. */
import { daysBetween, firstOfMonth, firstOfWeek, shiftDay, type DayRange } from "@/days";

export const SPANS = ["today", "week", "month"] as const;
export type Span = (typeof SPANS)[number];

export interface Compared {
  now: DayRange;
  before: DayRange;
}

export function comparedSpans(today: string): Record<Span, Compared> {
  const monday = firstOfWeek(today);
  const first = firstOfMonth(today);
  const lastMonthEnd = shiftDay(first, -1);
  const lastMonthFirst = firstOfMonth(lastMonthEnd);
  const sameDay = shiftDay(lastMonthFirst, daysBetween(first, today) - 1);
  return {
    today: { now: { first: today, last: today }, before: { first: shiftDay(today, -1), last: shiftDay(today, -1) } },
    week: { now: { first: monday, last: today }, before: { first: shiftDay(monday, -7), last: shiftDay(today, -7) } },
    month: { now: { first, last: today }, before: { first: lastMonthFirst, last: sameDay < lastMonthEnd ? sameDay : lastMonthEnd } },
  };
}

/** How many of a hundred calls failed; null without calls. */
export function errorPercentage(failed: number, calls: number): number | null {
  return calls === 0 ? null : (failed * 100) / calls;
}
