/** A moment that was typed by the server's clock, as the server takes it: with its offset from UTC. */

/** `wallClock` is `2026-12-01T00:00:00`. */
export function momentIn(timeZone: string | undefined, wallClock: string): string {
  // The offset depends on the instant, and the instant on the offset: a second look finds it where the clocks change.
  const near = offsetAt(timeZone, new Date(`${wallClock}Z`));
  return wallClock + offsetAt(timeZone, new Date(wallClock + near));
}

function offsetAt(timeZone: string | undefined, moment: Date): string {
  const parts = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" }).formatToParts(moment);
  const name = parts.find((part) => part.type === "timeZoneName")?.value ?? "";
  return name.replace("GMT", "") || "+00:00";
}
