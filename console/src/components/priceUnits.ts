/** What a price is for, in words: `per_1m_tokens` is "1M tokens", `input_token` is "Input tokens". */

type Translate = (key: string) => string;

const UNIT = /^per_(?:(\d+)([mk])?_)?(token|image|char|second|minute|request|search_call)s?(?:_(.+))?$/;
const ZEROS: Readonly<Record<string, string>> = { m: "000000", k: "000" };

/** The guide's pricing types that are called otherwise than what they count. */
const COUNTED: Readonly<Record<string, string>> = { audio_tts: "character", audio_minute: "minute", video_second: "second" };
const METERS_WITHOUT_TOKENS = ["image", "character", "second", "minute", "request", "search_call"];

/** A unit of the server for the eye; one that is not known here as the server wrote it. */
export function unitText(unit: string, t: Translate, locale: string): string {
  const parts = UNIT.exec(unit);
  if (!parts) return unit;
  const [, digits, letter, thing = "", size] = parts;
  return perText(thing, digits ? digits + (ZEROS[letter ?? ""] ?? "") : "1", size ?? "", t, locale);
}

/** How many of what a meter's price is for. */
export function meterUnitText(meter: string, per: number, size: string, t: Translate, locale: string): string {
  const thing = meter === "character" ? "char" : meter.endsWith("_token") ? "token" : meter;
  return perText(thing, String(per), size, t, locale);
}

function perText(thing: string, count: string, size: string, t: Translate, locale: string): string {
  const isOne = count === "1";
  const number = isOne ? "" : new Intl.NumberFormat(locale, { notation: "compact" }).format(count as `${number}`);
  const name = t(`components.units.${isOne ? "one" : "many"}.${thing}`);
  return [number, name, size].filter(Boolean).join(" ");
}

/** What a pricing type counts, by the name of a meter. */
export function meterOf(pricingType: string): string {
  const meter = COUNTED[pricingType] ?? pricingType;
  return METERS_WITHOUT_TOKENS.includes(meter) || meter.endsWith("_token") ? meter : `${meter}_token`;
}

/** A meter's name; one that is not known here as the server wrote it. */
export function meterName(meter: string, t: Translate, te: (key: string) => boolean): string {
  const key = `components.meters.${meter}`;
  return te(key) ? t(key) : meter;
}
