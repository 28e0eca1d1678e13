/**
 * A secret in every form in which it travels: as it is, as URLs, forms, JSON and hexadecimal write it, and in base64
 * whatever stands before and after it there. For replacing it: the longest first, and none of what is shorter than four
 * signs, which is found in innocent text.
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
 * What base64 makes of the bytes after as many others, without the signs at its beginning that hold bits of those: as it
 * is at the end of a text, with and without padding, and in the middle, where its last sign holds bits of the next byte.
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
