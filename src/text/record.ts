/** A JSON object whose members are not known. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** Returns whether a value is an object: not a list, and not null. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses a JSON object. `undefined`: the text is something else. */
export function parseRecord(text: string): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
