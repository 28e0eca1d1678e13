/**
 * Text that came from a request, a server's answer, a file or a child, made safe to print or log: control
 * characters, line separators and bidirectional marks are shown as escapes, and the length is bounded.
 * `limit` is in UTF-16 code units, default 500.
 */
export function printable(text: string, limit = 500): string {
  const shown = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return shown.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** C0, DEL, C1, soft hyphen, zero-width and bidirectional marks, line and paragraph separators, lone surrogates. */
const unprintable =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\p{Cs}]/gu;
