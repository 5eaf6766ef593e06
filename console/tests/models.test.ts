import { describe, expect, it } from "vitest";
import { countByStatus, groupModels, switchOf } from "@/views/models/modelGroups";
import { answerText } from "@/views/models/useModelTest";
import type { Model, Provider } from "@/views/models/useModels";

const ALL = { providerId: "", status: "", name: "" };

function model(id: string, disabledCause: string | null = null): Model {
  const [providerId, modelName] = id.split("/");
  const status = disabledCause === null ? "enabled" : disabledCause === "money" ? "no_money" : "disabled";
  return { id, providerId, modelName, status, disabledCause } as Model;
}

function provider(id: string, enabled = true): Provider {
  return { id, enabled, displayName: id } as Provider;
}

describe("models by provider", () => {
  const offer = { providers: [provider("a"), provider("b"), provider("c")], models: [model("a/GPT-x"), model("a/y", "hand"), model("b/z", "money")] };

  it("stand under their provider; one without models is left out", () => {
    expect(groupModels(offer, ALL).map((group) => [group.provider.id, group.models.length])).toEqual([["a", 2], ["b", 1]]);
  });

  it("are narrowed by provider, state and any part of the name", () => {
    expect(groupModels(offer, { ...ALL, name: "gpt" })[0]?.models.map((each) => each.id)).toEqual(["a/GPT-x"]);
    expect(groupModels(offer, { ...ALL, status: "no_money" }).map((group) => group.provider.id)).toEqual(["b"]);
    expect(groupModels(offer, { ...ALL, providerId: "b", status: "disabled" })).toEqual([]);
  });

  it("are counted by state", () => {
    expect(countByStatus(offer.models)).toEqual({ enabled: 1, disabled: 1, no_money: 1 });
  });
});

describe("the switches", () => {
  it("bring back by hand what was taken by hand, and nothing else", () => {
    expect(switchOf(model("a/x"), false)).toBe("disable");
    expect(switchOf(model("a/x", "hand"), false)).toBe("enable");
    expect(switchOf(model("a/x", "money"), false)).toBe("disable");
    expect(switchOf(model("a/x", "configuration"), false)).toBeNull();
    expect(switchOf(model("a/x", "hand"), true)).toBeNull();
  });

  it("know a provider that is off as a whole from one whose models are off one by one, or for lack of money", () => {
    const isOff = (enabled: boolean, ...causes: (string | null)[]): boolean | undefined =>
      groupModels({ providers: [provider("a", enabled)], models: causes.map((cause, index) => model(`a/${index}`, cause)) }, ALL)[0]?.isOff;
    expect(isOff(false, "hand", "hand")).toBe(true);
    expect(isOff(true, "hand", "hand")).toBe(false);
    expect(isOff(false, "money", "hand")).toBe(false);
    expect(isOff(false, "configuration")).toBe(false);
  });
});

describe("the answer to a test call", () => {
  it("is what the model said, or why it did not", () => {
    expect(answerText('{"choices":[{"message":{"content":"Hi"}}]}')).toBe("Hi");
    expect(answerText('{"error":{"message":"no money"}}')).toBe("no money");
    expect(answerText('{"choices":[{"message":{"content":null}}]}')).toBe("");
    expect(answerText("<html>")).toBe("<html>");
  });
});
