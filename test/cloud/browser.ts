import {readFileSync} from 'node:fs';
import http from 'node:http';
import https from 'node:https';

/** How a visit ended: the last page, and every address on the way there. */
export type Visit = {readonly status: number; readonly page: string; readonly addresses: readonly string[]};

type Form = {action: string; fields: URLSearchParams; hasAccounts: boolean};

/**
 * A browser with a person in front: picks the account, presses the button, follows redirects and posts forms on.
 * Real names are looked for on the cloud's TLS port; `http://` addresses are called as they are, which is where a
 * program that waits for the answer listens.
 */
export async function browse(
  url: string,
  {account, decline, connect}: {account: string; decline: boolean; connect: {port: number; ca: string}},
): Promise<Visit> {
  const ca = readFileSync(connect.ca, 'utf8');
  const addresses: string[] = [];
  let next: {url: string; form?: URLSearchParams} = {url};
  // far more than any sign-in has
  for (let step = 0; step < 20; step += 1) {
    addresses.push(next.url);
    const {status, location, page} = await request(next.url, next.form, {port: connect.port, ca});
    const target = location === undefined ? undefined : new URL(location, next.url).href;
    if (target !== undefined && status >= 300 && status < 400) {
      next = {url: target};
      continue;
    }
    const form = findForm(page);
    if (!form) return {status, page, addresses};
    if (form.hasAccounts) {
      form.fields.set('account', account);
      form.fields.set('action', decline ? 'cancel' : 'sign-in');
    }
    next = {url: new URL(form.action, next.url).href, form: form.fields};
  }
  throw new Error(`the sign-in does not end: ${addresses.join(', ')}`);
}

function request(
  url: string,
  form: URLSearchParams | undefined,
  {port, ca}: {port: number; ca: string},
): Promise<{status: number; location: string | undefined; page: string}> {
  const target = new URL(url);
  const body = form?.toString() ?? '';
  const options = {
    method: form ? 'POST' : 'GET',
    path: target.pathname + target.search,
    agent: false as const,
    headers: {
      host: target.host,
      'user-agent': 'Mozilla/5.0 (test cloud)',
      ...(form
        ? {
            'content-type': 'application/x-www-form-urlencoded',
            'content-length': String(Buffer.byteLength(body)),
          }
        : {}),
    },
  };
  return new Promise((resolve, reject) => {
    const listener = (response: http.IncomingMessage): void => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          page: Buffer.concat(chunks).toString(),
        }),
      );
    };
    const outgoing =
      target.protocol === 'https:'
        ? https.request({...options, host: '127.0.0.1', port, servername: target.hostname, ca}, listener)
        : http.request({...options, host: target.hostname, port: target.port}, listener);
    outgoing.once('error', reject);
    outgoing.end(body);
  });
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
  return {
    action: unescape(form[1] ?? ''),
    fields,
    hasAccounts: content.includes('name="account"') || content.includes('value="sign-in"'),
  };
}

function unescape(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
