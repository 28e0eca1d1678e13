/**
 * Makes text from outside safe to print or log. Characters that move the cursor, change the writing direction or are
 * invisible become escapes, and the length is limited. `limit`: in UTF-16 code units of `text`; an escape takes up to ten.
 */
export function printable(text: string, limit = 500): string {
  const shown = text.length > limit ? `${text.slice(0, limit)}…` : text;
  if (PLAIN.test(shown)) return shown;
  return shown.replace(unprintable(), (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** What almost every text is, and found faster. */
const PLAIN = /^[\x20-\x7e…]*$/;

/**
 * Control characters, formats (soft hyphen, zero widths, bidirectional marks, tags), lone surrogates, private use,
 * line and paragraph separators, and invisible letters: fillers, joiners and variation selectors. A constant would cost
 * each start of the daemon a millisecond.
 */
function unprintable(): RegExp {
  return /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Variation_Selector}\u034f\u115f\u1160\u3164\uffa0]/gu;
}
