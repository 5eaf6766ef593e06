/** How a pool looks on the page. */
import { chartPosition, signOf, type Exact } from "@/exact";

const STATUS_CLASSES: Readonly<Record<string, string>> = { sufficient: "status-good", low: "status-warn", exhausted: "status-bad" };

export function statusClass(status: string): string {
  return STATUS_CLASSES[status] ?? "status-off";
}

/** How far a bar is filled, in percent of its width: an overdrawn pool is empty, and none is fuller than full. */
export function barWidth(percentage: Exact): number {
  return signOf(percentage) < 0 ? 0 : Math.min(100, chartPosition(percentage));
}
