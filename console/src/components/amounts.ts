/** Amounts as people type them. Nothing is computed: only the writing is checked. */
import { isAmount, signOf } from "@/exact";

/** Which side of nothing an amount may lie on. */
export type AmountSide = "positive" | "notNegative" | "notZero";

/** The digits of what was typed, without blanks, a plus sign or leading zeros; null when it is no plain number. */
export function typedAmount(text: string): string | null {
  const digits = text.trim().replace(/^\+(?=\d)/, "");
  return isAmount(digits) ? digits.replace(/^(-?)0+(?=\d)/, "$1") : null;
}

/** The digits of an amount that lies on this side; null for any other text. */
export function amountOn(side: AmountSide, text: string): string | null {
  const digits = typedAmount(text);
  if (digits === null) return null;
  const sign = signOf(digits);
  const fits = { positive: sign > 0, notNegative: sign >= 0, notZero: sign !== 0 }[side];
  return fits ? digits : null;
}

/** The digits of a whole number of at most twelve digits that is not negative; null for any other text. */
export function typedCount(text: string): string | null {
  const digits = typedAmount(text);
  return digits !== null && /^\d{1,12}$/.test(digits) ? digits : null;
}
