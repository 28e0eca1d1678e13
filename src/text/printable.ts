/**
 * Text that came from a request, a server's answer, a file or a child, made safe to print or log: whatever moves the
 * cursor, turns the direction of writing or shows nothing at all is shown as an escape, and the length is bounded.
 * `limit` is in UTF-16 code units of the text, default 500; an escape takes up to ten.
 */
export function printable(text: string, limit = 500): string {
  const shown = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return shown.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/**
 * Control characters, formats (soft hyphen, zero widths, bidirectional marks, tags), lone surrogates, private use,
 * line and paragraph separators, and the letters that show nothing: fillers, joiners and variation selectors.
 */
const unprintable =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Variation_Selector}\u034f\u115f\u1160\u3164\uffa0]/gu;
