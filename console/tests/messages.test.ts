/** Every text is there in both languages, every key that is used exists, and no template holds a text of its own. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse as parseFile } from "@vue/compiler-sfc";
import { parse as parseTemplate, NodeTypes, type TemplateChildNode } from "@vue/compiler-dom";
import { describe, expect, it } from "vitest";
import { LANGUAGES, SECTIONS, sectionName, type Texts } from "@/i18n";

const SOURCES = join(process.cwd(), "src");
const SPOKEN_ATTRIBUTES = /^(title|label|placeholder|alt|aria-label|content|description|text|start-placeholder|end-placeholder)$/;
const WORD = /\p{Letter}{2,}/u;
const NAMES_OF_OURS = new Set(["Smart AI Router", "ms"]); // a product's name and a unit are the same in every language

function keysOf(texts: Texts, before = ""): string[] {
  return Object.entries(texts).flatMap(([name, value]) => {
    const key = before + name;
    return typeof value === "string" ? [key] : keysOf(value, `${key}.`);
  });
}

function textOf(section: string, language: (typeof LANGUAGES)[number], key: string): string {
  return key.split(".").reduce<unknown>((texts, name) => (texts as Texts)[name], SECTIONS[section]?.[language]) as string;
}

const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) => /\.(vue|ts)$/.test(name) && !name.endsWith(".d.ts"));
const sources = files.map((name) => ({ name, text: readFileSync(join(SOURCES, name), "utf8") }));
const known = new Set(Object.entries(SECTIONS).flatMap(([section, { en }]) => keysOf(en).map((key) => `${section}.${key}`)));

describe.each(Object.keys(SECTIONS))("the texts of %s", (section) => {
  it("are there in both languages, none of them empty", () => {
    const [chinese, english] = LANGUAGES.map((language) => keysOf(SECTIONS[section]?.[language] ?? {}));
    expect(chinese).toEqual(english);
    for (const language of LANGUAGES) {
      for (const key of english ?? []) expect(textOf(section, language, key).trim(), `${language} ${key}`).not.toBe("");
    }
  });

  it("have the same places to fill in", () => {
    for (const key of keysOf(SECTIONS[section]?.en ?? {})) {
      const [chinese, english] = LANGUAGES.map((language) => (textOf(section, language, key).match(/\{\w+\}/g) ?? []).sort());
      expect(chinese, key).toEqual(english);
    }
  });
});

it("every view's folder brings its texts, its title among them", () => {
  const folders = readdirSync(join(SOURCES, "views"));
  for (const folder of folders) expect(known, folder).toContain(`${sectionName(`views/${folder}/messages.ts`)}.title`);
});

it("every key that is written out in the sources exists", () => {
  const missing = sources.flatMap(({ name, text }) =>
    [...text.matchAll(/\bt\(\s*["']([\w.]+)["']/g)].map(([, key = ""]) => key).filter((key) => !known.has(key)).map((key) => `${name}: ${key}`),
  );
  expect(missing).toEqual([]);
});

it("every key that is put together at run time begins like one that exists", () => {
  const missing = sources.flatMap(({ name, text }) =>
    [...text.matchAll(/\bte?\(\s*`([a-z][\w.]*)\$\{/g)]
      .map(([, start = ""]) => start)
      .filter((start) => ![...known].some((key) => key.startsWith(start)))
      .map((start) => `${name}: ${start}`),
  );
  expect(missing).toEqual([]);
});

it("every text is used", () => {
  const written = sources.filter(({ name }) => !name.endsWith("messages.ts")).map(({ text }) => text).join("\n");
  const starts = [...written.matchAll(/`([a-z]\w+\.(?:[\w.]*\.)?)\$\{/g)].map(([, start = ""]) => start);
  const unused = [...known].filter((key) => !written.includes(`"${key}"`) && !written.includes(`'${key}'`) && !starts.some((start) => key.startsWith(start)) && !key.endsWith(".title"));
  expect(unused).toEqual([]);
});

function spoken(node: TemplateChildNode, found: string[]): void {
  if (node.type === NodeTypes.TEXT) found.push(node.content);
  if (node.type !== NodeTypes.ELEMENT) return;
  if (node.tag === "code") return;
  for (const attribute of node.props) {
    if (attribute.type === NodeTypes.ATTRIBUTE && SPOKEN_ATTRIBUTES.test(attribute.name)) found.push(attribute.value?.content ?? "");
  }
  for (const child of node.children) spoken(child, found);
}

function writtenTexts(source: string): string[] {
  const template = parseFile(source).descriptor.template?.content ?? "";
  const found: string[] = [];
  for (const node of parseTemplate(template).children) spoken(node, found);
  return found.map((text) => text.trim()).filter((text) => WORD.test(text) && !NAMES_OF_OURS.has(text));
}

it("notices a text that is written into a template", () => {
  const source = '<template><p aria-label="Total">合计 {{ x }}</p><b>{{ t("shell.home") }} / ms</b></template>';
  expect(writtenTexts(source)).toEqual(["Total", "合计", "/ ms"]);
});

it("no template holds a text of its own", () => {
  const found = sources.filter(({ name }) => name.endsWith(".vue")).flatMap(({ name, text }) => writtenTexts(text).map((words) => `${name}: ${words}`));
  expect(found).toEqual([]);
});
