/** Returns the forms of a secret in text: plain, as in URLs and forms, in hexadecimal, in JSON, and inside base64. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const whole = [
    secret,
    encodeURIComponent(secret),
    encodeURI(secret),
    new URLSearchParams({s: secret}).toString().slice(2),
    bytes.toString('hex'),
    JSON.stringify(secret).slice(1, -1),
  ];
  // Depending on what precedes it, it falls into groups of three bytes in three ways; the ends are shared with others
  const inBase64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(before === 0 ? 0 : 4, -2);
  });
  const forms = [
    ...whole,
    ...inBase64,
    ...inBase64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
  return [...new Set(forms)];
}

/** Returns the names of the secrets that are in the text in any form, in upper or lower case. */
export function leaksIn(text: string, secrets: Readonly<Record<string, string>>): string[] {
  const searched = text.toLowerCase();
  return Object.entries(secrets)
    .filter(([, secret]) => formsOf(secret).some((form) => searched.includes(form.toLowerCase())))
    .map(([name]) => name);
}
