import { describe, expect, it } from "vitest";
import { amountField, exactAmount, formatAmount, formatChange, formatCount, formatPercentage, isAmount, parseExact, plainDigits, signOf, stringifyExact } from "@/exact";

const zh = { locale: "zh-CN" };

describe("reading the server's JSON", () => {
  it("keeps every digit of a number that a binary float would change", () => {
    const read = parseExact('{"cost":0.1,"small":0.000000000001,"sum":12345678901234567890.123456789012,"big":9007199254740993}');
    expect(read).toEqual({ cost: "0.1", small: "0.000000000001", sum: "12345678901234567890.123456789012", big: "9007199254740993" });
  });

  it("leaves whole numbers up to fifteen digits as numbers", () => {
    expect(parseExact("[0,-7,999999999999999,1000000000000000]")).toEqual([0, -7, 999999999999999, "1000000000000000"]);
  });

  it("does not touch digits inside texts and names", () => {
    const text = String.raw`{"a \" 1.5":"1.25, \"2.5\" \\","b":["3.5",4.5,true,null]}`;
    expect(parseExact(text)).toEqual({ 'a " 1.5': '1.25, "2.5" \\', b: ["3.5", "4.5", true, null] });
  });

  it("reads an empty text, a text that ends in a backslash, and one of a million characters", () => {
    const long = "x1.5".repeat(250_000);
    expect(parseExact(JSON.stringify(["", "\\", long, 0.5]).replace("0.5", "0.50"))).toEqual(["", "\\", long, "0.50"]);
  });

  it("refuses what is no JSON", () => {
    expect(() => parseExact("<html>")).toThrow(SyntaxError);
  });
});

describe("writing", () => {
  it("sends an amount as the digits that were typed", () => {
    expect(stringifyExact({ amount: amountField("1000.10"), remark: "0.10", count: 3 })).toBe('{"amount":1000.10,"remark":"0.10","count":3}');
  });

  it.each(["1e5", "", "1,000", "NaN", ".5", "5.", " 1"])("refuses %j as an amount", (text) => {
    expect(isAmount(text)).toBe(false);
    expect(() => amountField(text)).toThrow(TypeError);
  });

  it.each(["0", "100", "0.05", "-3", "9200000.000000000001"])("takes %j as an amount", (text) => {
    expect(isAmount(text)).toBe(true);
  });
});

describe("showing money", () => {
  it("shows exactly the digits it was given, not those of a float", () => {
    expect(formatAmount("0.1", "CNY", { ...zh, digits: 20 })).toBe("¥0.10000000000000000000");
    expect(formatAmount("12345678901234567.89", "CNY", zh)).toBe("¥12,345,678,901,234,567.89");
  });

  it.each([
    ["0.0000005", "¥0.0000005"],
    ["0.0000015", "¥0.000002"],
    ["0.0000025", "¥0.000002"],
  ])("rounds %s half to even at six digits, unless nothing would be left", (value, shown) => {
    expect(formatAmount(value, "CNY", { ...zh, digits: 6 })).toBe(shown);
  });

  it("never shows nothing for something", () => {
    expect(formatAmount("0.000000000075", "USD", { locale: "en", digits: 6 })).toBe("$0.000000000075");
    expect(formatAmount("0.004", "USD", { locale: "en", digits: 2 })).toBe("$0.004");
    expect(formatAmount("0", "USD", { locale: "en", digits: 6 })).toBe("$0.000000");
  });

  it("shows fewer digits the larger the amount is", () => {
    expect(formatAmount("0.000375", "CNY", zh)).toBe("¥0.000375");
    expect(formatAmount("3.14159265", "CNY", zh)).toBe("¥3.1416");
    expect(formatAmount("1234.5678", "CNY", zh)).toBe("¥1,234.57");
    expect(formatAmount("-1234.5678", "CNY", zh)).toBe("-¥1,234.57");
  });

  it("always names the currency", () => {
    expect(formatAmount("1", "USD", zh)).toBe("US$1.0000");
    expect(formatAmount("1", "CNY", { locale: "en" })).toBe("CN¥1.0000");
    expect(exactAmount("0.000375", "USD")).toBe("0.000375 USD");
  });

  it("knows on which side of nothing an amount lies", () => {
    expect(["-0.000001", "0", "0.000000", "0.000001", -1, 0, 1].map(signOf)).toEqual([-1, 0, 0, 1, -1, 0, 1]);
  });
});

describe("showing counts", () => {
  it("groups thousands and keeps fractions", () => {
    expect(formatCount(1234567, "zh-CN")).toBe("1,234,567");
    expect(formatCount("12.125", "zh-CN")).toBe("12.125");
    expect(formatCount("1234567890123456789", "en")).toBe("1,234,567,890,123,456,789");
  });

  it("writes a percentage as it is, without multiplying", () => {
    expect(formatPercentage("12.345", "zh-CN")).toBe("12.3%");
    expect(formatPercentage(100, "en")).toBe("100.0%");
  });
});

describe("plain digits", () => {
  it.each([
    ["7.5e-05", "0.000075"],
    ["1E3", "1000"],
    ["-1.25e1", "-12.5"],
    ["1.5e0", "1.5"],
    ["12e-1", "1.2"],
    [42, "42"],
    ["0.10", "0.10"],
  ])("%s is %s", (value, digits) => {
    expect(plainDigits(value)).toBe(digits);
  });

  it("refuses what is no number", () => {
    expect(() => plainDigits("ten")).toThrow(TypeError);
  });
});

it("shows a share of one as a change with its sign", () => {
  expect(["0.125", "-0.5", "0", 2].map((value) => formatChange(value, "en"))).toEqual(["+12.5%", "-50%", "0%", "+200%"]);
});

it("rounds a count for the eye where that is asked for", () => {
  expect([formatCount("1234.567", "en"), formatCount("1234.567", "en", 0)]).toEqual(["1,234.567", "1,235"]);
});
