/** What a JSON object is read as, before anything is known of its members. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** Neither a list nor nothing. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The JSON object that a text is; `undefined`: it is something else. */
export function parseRecord(text: string): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
