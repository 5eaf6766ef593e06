import { describe, expect, it } from "vitest";
import { findUsers, type UserFacts } from "@/views/user-quotas/findUsers";
import { monthsUntil, quotaRows, type QuotaFacts, type QuotaStatistics } from "@/views/user-quotas/quotaTypes";
import { barWidth, statusClass } from "@/views/resource-pools/poolLooks";

function user(id: string, name: string): UserFacts {
  return { id, name, enabled: true, groupRatio: 1, createdAt: "2026-11-01T00:00:00Z" };
}

describe("whom somebody means", () => {
  const users = [user("ann", "Bo"), user("anna", "Anna"), user("bo", "Robert"), user("u_3", "阿丽丝")];

  it("is the one whose id it is, before all whose id or name only holds it", () => {
    expect(findUsers(users, "ann").map((each) => each.id)).toEqual(["ann"]);
    expect(findUsers(users, "an").map((each) => each.id)).toEqual(["ann", "anna"]);
  });

  it("is found by a part of the name, in any case", () => {
    expect(findUsers(users, " ROB ").map((each) => each.id)).toEqual(["bo"]);
    expect(findUsers(users, "丽").map((each) => each.id)).toEqual(["u_3"]);
    expect(findUsers(users, "zoe")).toEqual([]);
    expect(findUsers(users, "")).toHaveLength(4);
  });
});

it("every kind of quota shows its own figures", () => {
  const words = ["textToken", "image", "audio", "video", "money"];
  const names = words.flatMap((word) => {
    if (word === "textToken") return ["textTokenAvailable", "textTokenTotal", "textTokenUsed", "textTokenMonthlyQuota", "textTokenMonthlyUsed"];
    if (word === "money") return ["moneyAvailable", "moneyTotal", "moneyUsed", "moneyMonthly", "moneyMonthlyUsed"];
    return [`${word}Available`, `${word}QuotaTotal`, `${word}QuotaUsed`, `${word}QuotaMonthly`, `${word}QuotaMonthlyUsed`];
  });
  const facts = Object.fromEntries(names.map((name) => [name, name])) as unknown as QuotaFacts;
  const statistics = Object.fromEntries(words.map((word) => [`${word}Stats`, { totalUsageRate: word }])) as unknown as QuotaStatistics;
  const rows = quotaRows(facts, statistics);
  const shown = rows.flatMap((row) => [row.available, row.permanent, row.permanentUsed, row.monthly, row.monthlyUsed]);
  expect(shown).toEqual(names);
  expect(rows.map((row) => row.usageRate)).toEqual(words);
});

it("months go back over the new year", () => {
  expect(monthsUntil("2026-02", 4)).toEqual(["2026-02", "2026-01", "2025-12", "2025-11"]);
  expect(monthsUntil("2024-03", 2)).toEqual(["2024-03", "2024-02"]);
});

describe("a pool's bar", () => {
  it.each([["90.00", 90], ["9.99", 9.99], [0, 0], ["-0.01", 0], ["-250", 0], [100, 100], ["100.01", 100]])("of %s %% is %d %% wide", (percentage, width) => {
    expect(barWidth(percentage)).toBe(width);
  });

  it("has the colour of its status, and none of one that is not known", () => {
    expect(["sufficient", "low", "exhausted", "none", "new"].map(statusClass)).toEqual(["status-good", "status-warn", "status-bad", "status-off", "status-off"]);
  });
});
