import { describe, expect, it } from "vitest";
import { meterOf, meterUnitText, unitText } from "@/components/priceUnits";
import { exactPlaces, stringifyExact } from "@/exact";
import { changeBody, draftOf, emptyDraft, flawOf, isExpressible, pricingBody } from "@/views/pricing/priceDraft";
import { groupPrices, isConditional, isSameFigure, kindOf } from "@/views/pricing/priceGroups";
import { momentIn } from "@/views/pricing/serverMoment";
import { isUnlikely, namesOf, type ImportOutcome } from "@/views/pricing/usePriceImport";
import type { Price } from "@/views/pricing/usePricing";

const ZONE = "Asia/Shanghai";
const names = (key: string): string => key.replace("components.units.", "");

const INPUT = {
  id: "p/m/input_token", providerId: "p", providerName: "P", modelId: "m*", models: ["m-1"], pricingType: "input_token", meter: "input_token",
  unit: "per_1m_tokens", per: 1_000_000, unitPrice: "0.15", currency: "USD", minChargeUnit: null, roundUpTo: null, channelId: null, region: "eu",
  serviceTier: "batch", variant: "", contextOver: 0, outputOver: 0, withReasoning: false, windowUtc: null, weekdaysUtc: null,
} as unknown as Price;

function price(patch: Partial<Record<keyof Price, unknown>>): Price {
  return { ...INPUT, ...patch } as Price;
}

describe("units of price", () => {
  it.each([
    ["per_1m_tokens", "1M many.token"], ["per_1k_tokens", "1K many.token"], ["per_token", "one.token"], ["per_10k_chars", "10K many.char"],
    ["per_image", "one.image"], ["per_second_720p", "one.second 720p"], ["per_1k_search_calls", "1K many.search_call"], ["per_3600_seconds", "3.6K many.second"],
    ["per_moon", "per_moon"],
  ])("%s is %s", (unit, words) => {
    expect(unitText(unit, names, "en")).toBe(words);
  });

  it("of a meter are counted", () => {
    expect(meterUnitText("cached_input_token", 1_000_000, "", names, "zh-CN")).toBe("100万 many.token");
    expect(meterUnitText("character", 1, "", names, "en")).toBe("one.char");
    expect(meterUnitText("second", 1, "1080p", names, "en")).toBe("one.second 1080p");
  });

  it("of the guide's pricing types are known by their meters", () => {
    expect(["input_token", "cached_input", "image", "audio_tts", "audio_minute", "video_second", "search_call"].map(meterOf)).toEqual([
      "input_token", "cached_input_token", "image", "character", "minute", "second", "search_call",
    ]);
  });

  it("come with all digits of the price", () => {
    expect([exactPlaces("0.00002"), exactPlaces(35), exactPlaces("2e-5")]).toEqual([5, 0, 5]);
  });
});

describe("prices in groups", () => {
  const rows = [INPUT, price({ providerId: "q", providerName: "Q", meter: "image", modelId: "Pictures", models: [] })];
  const all = { providerId: "", kind: "", name: "", versions: "" };

  it("stand by provider", () => {
    expect(groupPrices(rows, all).map((group) => [group.providerName, group.prices.length])).toEqual([["P", 1], ["Q", 1]]);
  });

  it("are narrowed by kind of use and by a part of any name", () => {
    expect(groupPrices(rows, { ...all, kind: "image" }).map((group) => group.providerId)).toEqual(["q"]);
    expect(groupPrices(rows, { ...all, name: "M-1" }).map((group) => group.providerId)).toEqual(["p"]);
    expect(groupPrices(rows, { ...all, name: "picture", providerId: "p" })).toEqual([]);
  });

  it("are of the guide's kinds of use", () => {
    expect(["output_token", "image_input_token", "image", "audio_output_token", "character", "minute", "second", "request"].map(kindOf)).toEqual([
      "text", "image", "image", "audio", "audio", "audio", "video", "other",
    ]);
  });

  it("are versions of one figure when all but the amount and the dates agree", () => {
    expect(isSameFigure(INPUT, price({ id: "x", unitPrice: "9", owner: "book", effectiveDate: "2026-01-01" }))).toBe(true);
    for (const other of [{ serviceTier: "standard" }, { contextOver: 200_000 }, { channelId: "ch" }, { region: null }, { meter: "output_token" }]) {
      expect(isSameFigure(INPUT, price(other))).toBe(false);
    }
  });

  it("that apply under conditions are told apart", () => {
    expect([INPUT, price({ contextOver: 1 }), price({ windowUtc: [0, 60] }), price({ withReasoning: true })].map(isConditional)).toEqual([false, true, true, true]);
  });
});

describe("the form of a new version", () => {
  it("starts from the price that stands, for the model that is billed by it", () => {
    expect(draftOf(INPUT)).toMatchObject({ modelId: "m-1", unitPrice: "0.15", unit: "per_1m_tokens", minChargeUnit: "", effective: "" });
  });

  it("sends the digits that were typed, and whose price it is", () => {
    const draft = { ...draftOf(INPUT), unitPrice: "0.7000000000000000001", minChargeUnit: "1" };
    expect(stringifyExact(pricingBody(draft, ZONE, INPUT))).toBe(
      '{"unitPrice":0.7000000000000000001,"minChargeUnit":1,"currency":"USD","providerId":"p","modelId":"m-1","pricingType":"input_token",' +
        '"unit":"per_1m_tokens","channelId":null,"region":"eu","serviceTier":"batch"}',
    );
  });

  it("says at which instant of the server's clock it begins and ends", () => {
    const draft = { ...draftOf(INPUT), effective: "2026-12-01T00:00:00", expiry: "2026-12-31T12:30:00" };
    expect(changeBody(draft, ZONE)).toMatchObject({ effectiveDate: "2026-12-01T00:00:00+08:00", expiryDate: "2026-12-31T12:30:00+08:00" });
  });

  it("uses the words of price lists for what has its unit within", () => {
    const characters = price({ pricingType: "audio_tts", meter: "character", unit: "per_char", per: 1 });
    expect(pricingBody(draftOf(characters), ZONE, characters)).toMatchObject({ pricingType: "character", unit: null });
    const cached = price({ pricingType: "cached_input", meter: "cached_input_token" });
    expect(pricingBody(draftOf(cached), ZONE, cached)).toMatchObject({ pricingType: "cached_input", unit: null });
    const image = price({ pricingType: "image", meter: "image", unit: "per_image", per: 1 });
    expect(pricingBody(draftOf(image), ZONE, image)).toMatchObject({ pricingType: "image", unit: null });
  });

  it("is not offered for a unit that it cannot express", () => {
    expect(isExpressible(INPUT)).toBe(true);
    expect(isExpressible(price({ pricingType: "search_call", meter: "search_call", unit: "per_1k_search_calls", per: 1000 }))).toBe(false);
    expect(isExpressible(price({ pricingType: "image", meter: "image", unit: "per_image", per: 1 }))).toBe(true);
    expect(isExpressible(price({ pricingType: "image", meter: "image", unit: "per_image", per: 1, minChargeUnit: 2 }))).toBe(false);
    expect(isExpressible(price({ pricingType: "image", meter: "image", unit: "per_image_hd", per: 1, variant: "hd" }))).toBe(false);
  });

  it.each([
    [{}, "provider"], [{ providerId: "p" }, "model"], [{ providerId: "p", modelId: "m" }, "price"],
    [{ providerId: "p", modelId: "m", unitPrice: "-1" }, "price"], [{ providerId: "p", modelId: "m", unitPrice: "1e3" }, "price"],
    [{ providerId: "p", modelId: "m", unitPrice: "1", minChargeUnit: "x" }, "minimum"], [{ providerId: "p", modelId: "m", unitPrice: "0" }, null],
  ])("with %o is flawed by %s", (typed, flaw) => {
    expect(flawOf({ ...emptyDraft(), ...typed })).toBe(flaw);
  });
});

describe("a moment by the server's clock", () => {
  it.each([
    ["Asia/Shanghai", "2026-12-01T00:00:00+08:00"], ["UTC", "2026-12-01T00:00:00+00:00"], ["Asia/Kolkata", "2026-12-01T00:00:00+05:30"],
  ])("in %s is %s", (zone, moment) => {
    expect(momentIn(zone, "2026-12-01T00:00:00")).toBe(moment);
  });

  it("has the offset of its own day where the clocks change", () => {
    expect(momentIn("Europe/Berlin", "2026-10-25T01:59:59")).toBe("2026-10-25T01:59:59+02:00");
    expect(momentIn("Europe/Berlin", "2026-10-25T03:00:00")).toBe("2026-10-25T03:00:00+01:00");
    expect(momentIn("Europe/Berlin", "2026-03-29T03:00:00")).toBe("2026-03-29T03:00:00+02:00");
  });
});

describe("a price list", () => {
  it("is taken of the providers that are named", () => {
    expect(namesOf(" openai, anthropic，google ")).toEqual(["openai", "anthropic", "google"]);
    expect(namesOf("")).toEqual([]);
  });

  it("asks for confirmation when one change looks like a mistaken unit", () => {
    const outcome = (...unlikely: boolean[]): ImportOutcome => ({ changed: unlikely.map((each) => ({ unlikely: each })) }) as ImportOutcome;
    expect([outcome(), outcome(false), outcome(false, true)].map(isUnlikely)).toEqual([false, false, true]);
  });
});
