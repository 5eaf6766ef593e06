import { describe, expect, it } from "vitest";
import { amountOn, typedAmount, typedCount } from "@/components/amounts";

describe("an amount as people type it", () => {
  it.each([["100", "100"], [" 99.50 ", "99.50"], ["+5", "5"], ["007", "7"], ["-03.5", "-3.5"], ["0.05", "0.05"], ["00", "0"]])("%j is %s", (text, digits) => {
    expect(typedAmount(text)).toBe(digits);
  });

  it.each(["", " ", "1,000", "1e3", "0x10", "1.", ".5", "--1", "+-1", "１００", "1 000", "Infinity"])("%j is none", (text) => {
    expect(typedAmount(text)).toBeNull();
  });

  it("keeps every digit that was typed", () => {
    expect(typedAmount("123456789012345678.000000000001")).toBe("123456789012345678.000000000001");
  });

  it.each([
    ["positive", ["-0.01", "0", "0.00"], ["0.01"]],
    ["notNegative", ["-0.01"], ["0", "0.01"]],
    ["notZero", ["0", "-0.00"], ["-0.01", "0.01"]],
  ] as const)("%s refuses %j and takes %j", (side, refused, taken) => {
    for (const text of refused) expect(amountOn(side, text), text).toBeNull();
    for (const text of taken) expect(amountOn(side, text), text).toBe(text);
  });

  it("a count is whole, not negative, and of at most twelve digits", () => {
    expect([typedCount("100000"), typedCount("0"), typedCount("999999999999")]).toEqual(["100000", "0", "999999999999"]);
    expect(["1.5", "-1", "1000000000000", ""].map(typedCount)).toEqual([null, null, null, null]);
  });
});
