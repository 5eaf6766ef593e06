/** A chart of amounts by day, stacked by some key: pure, from exact values to what ECharts draws. */
import { chartPosition, type Exact } from "@/exact";
import type { ChartOption } from "./echarts";

export interface DayAmount {
  day: string;
  key: string;
  value: Exact;
  /** How the amount is written. */
  text: string;
}

export interface ChartColours {
  series: readonly string[];
  text: string;
  line: string;
  surface: string;
}

/** Every day of `days` in order, one series for each key in the order in which the keys first appear. */
export function stackedDays(days: readonly string[], amounts: readonly DayAmount[], colours: ChartColours): ChartOption {
  const keys = [...new Set(amounts.map((amount) => amount.key))];
  const cells = new Map(amounts.map((amount) => [`${amount.day} ${amount.key}`, amount]));
  return {
    color: [...colours.series],
    animationDuration: 300,
    grid: { left: 8, right: 8, top: 40, bottom: 8, containLabel: true },
    legend: { top: 0, type: "scroll", textStyle: { color: colours.text }, pageTextStyle: { color: colours.text } },
    xAxis: { type: "category", data: [...days], axisLabel: { color: colours.text }, axisLine: { lineStyle: { color: colours.line } } },
    yAxis: { type: "value", axisLabel: { color: colours.text }, splitLine: { lineStyle: { color: colours.line } } },
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "shadow" },
      backgroundColor: colours.surface,
      borderColor: colours.line,
      textStyle: { color: colours.text },
      confine: true,
      formatter: (points) => tipOf(days[(Array.isArray(points) ? points[0] : points)?.dataIndex ?? 0] ?? "", keys, cells),
    },
    series: keys.map((key) => ({
      name: key,
      type: "bar",
      stack: "amount",
      barMaxWidth: 40,
      data: days.map((day) => {
        const amount = cells.get(`${day} ${key}`);
        return amount ? chartPosition(amount.value) : 0;
      }),
    })),
  };
}

/** The tooltip as elements, so that a name can never become markup. */
function tipOf(day: string, keys: readonly string[], cells: ReadonlyMap<string, DayAmount>): HTMLElement {
  const tip = document.createElement("div");
  tip.className = "chart-tip";
  tip.append(textElement("b", day));
  for (const key of keys) {
    const amount = cells.get(`${day} ${key}`);
    if (amount) tip.append(textElement("span", key), textElement("span", amount.text));
  }
  return tip;
}

function textElement(tag: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}
