/** Whether a text is an https address without user, query and fragment. */
export function isPlainHttps(text: string): boolean {
  if (!/^https:\/\/[\x21-\x7e]+$/.test(text)) return false;
  const url = URL.parse(text);
  return url?.username === '' && url.password === '' && !/[?#]/.test(text);
}
