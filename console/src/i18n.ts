/** Two languages; each view brings its own section in its `messages.ts`, named after its folder. */
import { createI18n } from "vue-i18n";
import components from "./components/messages";
import shell from "./shell/messages";

export const LANGUAGES = ["zh-CN", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

/** A text, or a group of texts. */
export interface Texts {
  [name: string]: string | Texts;
}

/** The texts of one section; both languages must have the same names (tests/messages.test.ts). */
export type Section = Record<Language, Texts>;

const STORED = "console.language";

/** `./views/usage-records/messages.ts` is the section `usageRecords`. */
export function sectionName(file: string): string {
  const folder = file.split("/").at(-2) ?? "";
  return folder.replace(/-(\w)/g, (_whole, letter: string) => letter.toUpperCase());
}

const views = import.meta.glob<Section>("./views/*/messages.ts", { eager: true, import: "default" });
export const SECTIONS: Record<string, Section> = {
  shell,
  components,
  ...Object.fromEntries(Object.entries(views).map(([file, section]) => [sectionName(file), section])),
};

function textsOf(language: Language): Texts {
  return Object.fromEntries(Object.entries(SECTIONS).map(([name, section]) => [name, section[language]]));
}

function storedLanguage(): Language {
  const stored = localStorage.getItem(STORED);
  return LANGUAGES.find((language) => language === stored) ?? "zh-CN";
}

export const i18n = createI18n({
  legacy: false,
  locale: storedLanguage(),
  fallbackLocale: false,
  messages: Object.fromEntries(LANGUAGES.map((language) => [language, textsOf(language)])),
});

export function currentLanguage(): Language {
  return i18n.global.locale.value as Language;
}

/** Speak this language from now on, also after the next start. */
export function setLanguage(language: Language): void {
  i18n.global.locale.value = language;
  localStorage.setItem(STORED, language);
  document.documentElement.lang = language;
}
