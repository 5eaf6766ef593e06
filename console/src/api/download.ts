/** A file of the server, read as a stream so that its progress can be shown, then handed to the browser to keep. */
import { openStream } from "./client";

const NEWLINE = 10;

/** Returns how many lines it has; `tell` hears the count so far. Throws ApiError, or AbortError when stopped. */
export async function downloadFile(
  path: string,
  query: Readonly<Record<string, string>>,
  filename: string,
  signal: AbortSignal,
  tell: (lines: number) => void,
): Promise<number> {
  const response = await openStream(path, { query, signal });
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let lines = 0;
  const reader = response.body?.getReader();
  for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) {
    parts.push(step.value as Uint8Array<ArrayBuffer>);
    lines += linesIn(step.value);
    tell(lines);
  }
  keep(new Blob(parts, { type: response.headers.get("content-type") ?? "text/csv" }), filename);
  return lines;
}

/** How many lines end in a piece of a file. */
export function linesIn(piece: Uint8Array): number {
  let lines = 0;
  for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

function keep(file: Blob, filename: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = filename;
  link.click();
  setTimeout(() => { URL.revokeObjectURL(link.href); }, 60_000); // the browser has begun to write it by then
}
