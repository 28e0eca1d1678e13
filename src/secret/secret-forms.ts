/**
 * Returns every form in which a secret may appear: plain, encoded for URLs, forms, JSON and hexadecimal, and in base64
 * with any bytes before and after it. The longest is first, so that all can be replaced in turn. Returns nothing for a
 * secret shorter than four characters, which would match ordinary text.
 */
export function secretForms(secret: string): readonly string[] {
  if (secret.trim().length < 4) return [];
  const bytes = Buffer.from(secret);
  const plain = [
    secret,
    secret.trim(),
    encodeURIComponent(secret),
    new URLSearchParams({s: secret}).toString().slice('s='.length),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
  ];
  const inBase64 = [0, 1, 2].flatMap((before) => formsInBase64(bytes, before));
  const inBase64Url = inBase64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'));
  return [...new Set([...plain, ...inBase64, ...inBase64Url])].toSorted(
    (one, other) => other.length - one.length,
  );
}

/**
 * Returns the base64 of bytes that follow `before` others, without the first characters, which mix in bits of those: at
 * the end of a text with and without padding, and in the middle, without the last character.
 */
function formsInBase64(bytes: Uint8Array, before: number): readonly string[] {
  const all = Buffer.concat([Buffer.alloc(before), bytes]);
  const atEnd = all.toString('base64').slice(Math.ceil((before * 8) / 6));
  return [
    atEnd,
    atEnd.replace(/=+$/, ''),
    atEnd.slice(0, Math.floor((all.length * 8) / 6) - Math.ceil((before * 8) / 6)),
  ];
}
