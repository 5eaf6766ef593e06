/**
 * Exact numbers, from the server's JSON to the screen, without ever being a binary float.
 *
 * The server writes money as JSON numbers in plain digits. `parseExact` turns every number that is not a small whole
 * one into its own text; `formatAmount` and `formatCount` give that text to Intl.NumberFormat, which reads decimal
 * text exactly. Nothing here adds, multiplies or compares amounts: the server does that.
 */

/** A number of the server: its digits as text, or a whole number below 10^15. */
export type Exact = string | number;

const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const SMALL_WHOLE_NUMBER = /^-?\d{1,15}$/;
const DECIMAL = /^-?\d+(?:\.\d+)?$/;

/** Read JSON; numbers with a fraction, an exponent or more than 15 digits come out as text. Throws SyntaxError. */
export function parseExact(json: string): unknown {
  return JSON.parse(
    json.replace(STRING_OR_NUMBER, (token) =>
      token.startsWith('"') || SMALL_WHOLE_NUMBER.test(token) ? token : `"${token}"`,
    ),
  );
}

/** Write JSON; an amount goes out as the digits that were typed. */
export function amountField(value: string): RawNumber {
  if (!isAmount(value)) throw new TypeError(`${value} is not a plain decimal number`);
  return new RawNumber(value);
}

/** Digits that `stringifyExact` writes as a JSON number. */
export class RawNumber {
  constructor(readonly digits: string) {}
}

/** JSON.stringify that knows `RawNumber`. */
export function stringifyExact(value: unknown): string {
  const raws: string[] = [];
  const mark = `raw-${crypto.randomUUID()}-`;
  const text = JSON.stringify(value, (_key, each: unknown) => {
    if (!(each instanceof RawNumber)) return each;
    raws.push(each.digits);
    return `${mark}${raws.length - 1}`;
  });
  return raws.reduce((sofar, digits, index) => sofar.replace(`"${mark}${index}"`, digits), text);
}

/** True for digits with at most one point, as an amount field takes them: `100`, `0.05`, `-3`. */
export function isAmount(text: string): boolean {
  return DECIMAL.test(text);
}

export interface AmountStyle {
  locale: string;
  /** How many digits stand behind the point; `auto` shows fewer the larger the amount is. */
  digits?: number | "auto";
}

/** An amount with its currency, rounded half to even for the eye; a tiny one keeps up to two digits instead of showing zero. */
export function formatAmount(value: Exact, currency: string, { locale, digits = "auto" }: AmountStyle): string {
  const text = plainDigits(value);
  const places = digits === "auto" ? fittingPlaces(text) : digits;
  const currencyStyle = { style: "currency", currency, roundingMode: "halfEven" } as const;
  if (isNotZero(text) && !isNotZero(shortened(text, places))) {
    return decimalFormat(locale, { ...currencyStyle, maximumSignificantDigits: 2 }).format(text as `${number}`);
  }
  return decimalFormat(locale, {
    ...currencyStyle,
    minimumFractionDigits: places,
    maximumFractionDigits: places,
  }).format(text as `${number}`);
}

/** All digits of an amount with its currency's code, for a title or the clipboard: `0.000075 USD`. */
export function exactAmount(value: Exact, currency: string): string {
  return `${plainDigits(value)} ${currency}`;
}

/** A count or quantity with grouped thousands and no more digits than it has, or no more than `places` behind the point. */
export function formatCount(value: Exact, locale: string, places = 12): string {
  return decimalFormat(locale, { maximumFractionDigits: places }).format(plainDigits(value) as `${number}`);
}

/** A percentage that the server gave as `12.345`: `12.3%`. */
export function formatPercentage(value: Exact, locale: string, places = 1): string {
  const digits = decimalFormat(locale, { minimumFractionDigits: places, maximumFractionDigits: places });
  return `${digits.format(plainDigits(value) as `${number}`)}%`;
}

/** A share of one that the server gave as `0.125`, as a change: `+12.5%`. */
export function formatChange(value: Exact, locale: string): string {
  const style = { style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" } as const;
  return decimalFormat(locale, style).format(plainDigits(value) as `${number}`);
}

/** How many digits an amount has behind the point. */
export function exactPlaces(value: Exact): number {
  return plainDigits(value).split(".")[1]?.length ?? 0;
}

/** -1, 0 or 1: which side of nothing an amount lies on. */
export function signOf(value: Exact): -1 | 0 | 1 {
  const text = plainDigits(value);
  if (!isNotZero(text)) return 0;
  return text.startsWith("-") ? -1 : 1;
}

/** Where a value lies on a chart's axis. Only for drawing: what is written beside it comes from the exact text. */
export function chartPosition(value: Exact): number {
  return Number(value);
}

/** Plain digits of any JSON number: `7.5e-05` becomes `0.000075`. Throws TypeError for anything else. */
export function plainDigits(value: Exact): string {
  const text = String(value);
  if (DECIMAL.test(text)) return text;
  const parts = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(text);
  if (!parts) throw new TypeError(`${text} is not a number`);
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = parts;
  const point = whole.length + Number(exponent);
  const digits = (whole + fraction).padEnd(point, "0").padStart(whole.length + fraction.length - Math.min(point - 1, 0), "0");
  const split = Math.max(point, 1);
  const head = digits.slice(0, split);
  const tail = digits.slice(split);
  return sign + head.replace(/^0+(?=\d)/, "") + (tail ? `.${tail}` : "");
}

function fittingPlaces(text: string): number {
  const whole = text.replace("-", "").split(".")[0] ?? "";
  if (whole.length > 3) return 2;
  return whole === "0" ? 6 : 4;
}

function isNotZero(text: string): boolean {
  return /[1-9]/.test(text);
}

function shortened(text: string, places: number): string {
  const plain = { maximumFractionDigits: places, roundingMode: "halfEven", useGrouping: false } as const;
  return decimalFormat("en", plain).format(text as `${number}`);
}

const formats = new Map<string, Intl.NumberFormat>();

function decimalFormat(locale: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = locale + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(locale, options);
    formats.set(key, format);
  }
  return format;
}
