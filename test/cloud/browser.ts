import {send, type Target} from './client.ts';

/** The last page of a visit, and every address on the way there. */
export interface Visit {
  readonly status: number;
  readonly page: string;
  readonly addresses: readonly string[];
}

interface Form {
  action: string;
  fields: URLSearchParams;
  asks: boolean;
}

/**
 * A browser and its user: picks the account, presses the button, follows redirects and posts forms, also to the
 * `http://localhost` address at which a program waits for the answer.
 */
export async function browse(
  url: string,
  {account, decline, target}: {account: string; decline: boolean; target: Target},
): Promise<Visit> {
  const addresses: string[] = [];
  let next: {url: string; form?: URLSearchParams} = {url};
  // Far more than any sign-in has
  for (let step = 0; step < 20; step += 1) {
    addresses.push(next.url);
    const headers = {'user-agent': 'Mozilla/5.0 (test cloud)'};
    const answer = await send(next.url, next.form ? {headers, form: next.form} : {headers}, target);
    const {location} = answer.headers;
    if (location !== undefined && answer.status >= 300 && answer.status < 400) {
      next = {url: new URL(location, next.url).href};
      continue;
    }
    const form = findForm(answer.text);
    if (!form) return {status: answer.status, page: answer.text, addresses};
    if (form.asks) {
      form.fields.set('account', account);
      form.fields.set('action', decline ? 'cancel' : 'sign-in');
    }
    next = {url: new URL(form.action, next.url).href, form: form.fields};
  }
  throw new Error(`the sign-in does not end: ${addresses.join(', ')}`);
}

function findForm(page: string): Form | undefined {
  const form = /<form method="post"[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(page);
  if (!form) return undefined;
  const fields = new URLSearchParams();
  const content = form[2] ?? '';
  for (const [, name = '', value = ''] of content.matchAll(
    /<input (?:type="hidden" )?name="([^"]*)" value="([^"]*)"/g,
  ))
    fields.set(unescape(name), unescape(value));
  return {action: unescape(form[1] ?? ''), fields, asks: content.includes('value="sign-in"')};
}

function unescape(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
