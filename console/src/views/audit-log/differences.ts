/** What an action changed, field by field. */

export interface Difference {
  field: string;
  before: string;
  after: string;
  isChanged: boolean;
}

/** All fields of both sides, those that changed first. What is no text is shown as JSON. */
export function differencesOf(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): Difference[] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const rows = fields.map((field) => {
    const [was, is] = [textOf(before[field]), textOf(after[field])];
    return { field, before: was, after: is, isChanged: was !== is };
  });
  return [...rows.filter((row) => row.isChanged), ...rows.filter((row) => !row.isChanged)];
}

function textOf(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
