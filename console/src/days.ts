/** Days as the server counts them: `YYYY-MM-DD` in its configured time zone, never in the browser's or in UTC. */

/** The day it is in a time zone at a moment. */
export function dayIn(timeZone: string | undefined, moment: Date): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" }).format(moment);
}

/** So many days later, or earlier. */
export function shiftDay(day: string, days: number): string {
  const moment = new Date(`${day}T00:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() + days);
  return moment.toISOString().slice(0, 10);
}

export function firstOfMonth(day: string): string {
  return `${day.slice(0, 8)}01`;
}

/** The Monday of a day's week. */
export function firstOfWeek(day: string): string {
  return shiftDay(day, -((new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7));
}

/** How many days a range has, both ends counted. */
export function daysBetween(first: string, last: string): number {
  return Math.round((Date.parse(last) - Date.parse(first)) / 86_400_000) + 1;
}

/** Every day of a range, both ends too. */
export function daysOf(first: string, last: string): string[] {
  return Array.from({ length: Math.max(0, daysBetween(first, last)) }, (_none, index) => shiftDay(first, index));
}

export interface DayRange {
  first: string;
  last: string;
}

/** The ranges people ask for most, by the name of their text. */
export function presets(today: string): Record<string, DayRange> {
  const lastMonthEnd = shiftDay(firstOfMonth(today), -1);
  return {
    today: { first: today, last: today },
    yesterday: { first: shiftDay(today, -1), last: shiftDay(today, -1) },
    sevenDays: { first: shiftDay(today, -6), last: today },
    thirtyDays: { first: shiftDay(today, -29), last: today },
    thisMonth: { first: firstOfMonth(today), last: today },
    lastMonth: { first: firstOfMonth(lastMonthEnd), last: lastMonthEnd },
  };
}

/** The range of the same length just before. */
export function previousRange({ first, last }: DayRange): DayRange {
  return { first: shiftDay(first, -daysBetween(first, last)), last: shiftDay(first, -1) };
}

/** A moment for the eye, in a time zone: `2026-11-22 10:15:03`. */
export function formatMoment(iso: string | Date, timeZone: string | undefined): string {
  const moment = typeof iso === "string" ? new Date(iso) : iso;
  if (Number.isNaN(moment.getTime())) return String(iso);
  return new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" }).format(moment);
}

/** The moment at which a day begins in a time zone, as the server takes it: `2026-11-21T16:00:00.000Z`. */
export function startOfDay(day: string, timeZone: string | undefined): string {
  const wanted = Date.parse(`${day}T00:00:00Z`);
  const offsetAt = (moment: number) => Date.parse(`${formatMoment(new Date(moment), timeZone).replace(" ", "T")}Z`) - moment;
  const near = wanted - offsetAt(wanted);
  return new Date(wanted - offsetAt(near)).toISOString(); // once more, since the clocks may change in between
}
