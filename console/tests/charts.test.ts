import { describe, expect, it } from "vitest";
import { stackedDays } from "@/charts/stackedDays";

const COLOURS = { series: ["#111", "#222"], text: "#333", line: "#444", surface: "#555" };
const DAYS = ["2026-11-20", "2026-11-21", "2026-11-22"];
const AMOUNTS = [
  { day: "2026-11-22", key: "openai", value: "0.000375", text: "¥0.000375" },
  { day: "2026-11-20", key: "<img src=x onerror=alert(1)>", value: 2, text: "¥2.00" },
];

describe("costs by day", () => {
  it("draws every day, and nothing on days without costs", () => {
    const { series } = stackedDays(DAYS, AMOUNTS, COLOURS);
    expect(series).toMatchObject([
      { name: "openai", stack: "amount", data: [0, 0, 0.000375] },
      { name: "<img src=x onerror=alert(1)>", data: [2, 0, 0] },
    ]);
  });

  it("writes the exact amounts into the tooltip, and names as text", () => {
    const option = stackedDays(DAYS, AMOUNTS, COLOURS);
    const tooltip = option.tooltip as { formatter: (points: { dataIndex: number }[]) => HTMLElement };
    const tip = tooltip.formatter([{ dataIndex: 0 }]);
    expect(tip.textContent).toBe("2026-11-20<img src=x onerror=alert(1)>¥2.00");
    expect(tip.querySelector("img")).toBeNull();
    expect(tooltip.formatter([{ dataIndex: 2 }]).textContent).toBe("2026-11-22openai¥0.000375");
  });
});
