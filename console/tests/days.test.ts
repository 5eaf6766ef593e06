import { describe, expect, it } from "vitest";
import { dayIn, daysBetween, daysOf, firstOfMonth, firstOfWeek, formatMoment, presets, previousRange, shiftDay, startOfDay } from "@/days";

describe("days of the server", () => {
  it("is tomorrow in Shanghai while it is still today in New York", () => {
    const moment = new Date("2026-11-22T16:30:00Z");
    expect(dayIn("Asia/Shanghai", moment)).toBe("2026-11-23");
    expect(dayIn("America/New_York", moment)).toBe("2026-11-22");
    expect(dayIn("UTC", moment)).toBe("2026-11-22");
  });

  it("counts over months, leap days and changes of the clock", () => {
    expect(shiftDay("2028-02-28", 1)).toBe("2028-02-29");
    expect(shiftDay("2026-03-01", -1)).toBe("2026-02-28");
    expect(shiftDay("2026-03-29", 1)).toBe("2026-03-30");
    expect(daysBetween("2026-11-22", "2026-11-22")).toBe(1);
    expect(daysOf("2026-10-24", "2026-10-26")).toEqual(["2026-10-24", "2026-10-25", "2026-10-26"]);
    expect(daysOf("2026-10-26", "2026-10-24")).toEqual([]);
    expect(firstOfMonth("2026-11-22")).toBe("2026-11-01");
  });

  it("takes thirty days for the last thirty, today included", () => {
    const { thirtyDays, lastMonth, thisMonth } = presets("2026-03-15");
    expect(thirtyDays).toEqual({ first: "2026-02-14", last: "2026-03-15" });
    expect(thisMonth).toEqual({ first: "2026-03-01", last: "2026-03-15" });
    expect(lastMonth).toEqual({ first: "2026-02-01", last: "2026-02-28" });
  });

  it("puts the previous range right before, of the same length", () => {
    expect(previousRange({ first: "2026-11-01", last: "2026-11-30" })).toEqual({ first: "2026-10-02", last: "2026-10-31" });
    expect(previousRange({ first: "2026-11-22", last: "2026-11-22" })).toEqual({ first: "2026-11-21", last: "2026-11-21" });
  });

  it("shows moments in the server's zone, and what is no moment as it is", () => {
    expect(formatMoment("2026-11-22T16:30:05.123Z", "Asia/Shanghai")).toBe("2026-11-23 00:30:05");
    expect(formatMoment("yesterday", "UTC")).toBe("yesterday");
  });
});

it.each([
  ["2026-11-22", "UTC", "2026-11-22T00:00:00.000Z"],
  ["2026-11-22", "Asia/Shanghai", "2026-11-21T16:00:00.000Z"],
  ["2026-11-22", "America/New_York", "2026-11-22T05:00:00.000Z"],
  ["2026-03-08", "America/New_York", "2026-03-08T05:00:00.000Z"], // the clocks change two hours later
  ["2026-03-09", "America/New_York", "2026-03-09T04:00:00.000Z"],
  ["2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00.000Z"],
  ["2026-10-26", "Europe/Berlin", "2026-10-25T23:00:00.000Z"],
])("%s begins in %s at %s", (day, zone, moment) => {
  expect(startOfDay(day, zone)).toBe(moment);
  expect(dayIn(zone, new Date(moment))).toBe(day);
});

it("weeks begin on Monday", () => {
  expect(["2026-11-15", "2026-11-16", "2026-11-22", "2026-11-23"].map(firstOfWeek)).toEqual(["2026-11-09", "2026-11-16", "2026-11-16", "2026-11-23"]);
});
