/** A part of a text, and what replaces it. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Replaces parts of a text, which are in order. */
export function replaceSpans(text: string, spans: readonly Span[]): string {
  let at = 0;
  const parts = spans.flatMap((span) => {
    const before = text.slice(at, span.start);
    at = span.end;
    return [before, span.text];
  });
  return [...parts, text.slice(at)].join('');
}
