import type {IncomingMessage, ServerResponse} from 'node:http';
import {Provider} from 'oidc-provider';
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js';
import type {Cloud} from '../cloud/cloud.ts';
import {createSigningKey} from '../cloud/jwt.ts';
import {sharedRsaKeys} from '../cloud/rsa-keys.ts';

interface JudgeOptions {
  /** `https://HOST`, or with a path. */
  readonly issuer: string;
  readonly clients: readonly object[];
}

/**
 * Serves an issuer that others wrote, so that it judges what orgkey sends by the standards alone. Users are signed in
 * as `ada` without a page. Returns why it refused requests.
 */
export async function addJudge(cloud: Cloud, {issuer, clients}: JudgeOptions): Promise<readonly string[]> {
  const [key] = await sharedRsaKeys();
  const {privateKey} = createSigningKey('judge', key);
  const provider = new Provider(issuer, {
    clients,
    jwks: {keys: [{...privateKey.export({format: 'jwk'}), kid: 'judge', alg: 'RS256', use: 'sig'}]},
    adapter: MemoryAdapter,
    cookies: {keys: ['a key of the test']},
    scopes: ['openid', 'offline_access', '499b84ac-1321-427f-aa17-267ca6975798/.default'],
    claims: {profile: ['preferred_username']},
    conformIdTokenClaims: false,
    features: {
      devInteractions: {enabled: false},
      clientCredentials: {enabled: true},
      deviceFlow: {
        enabled: true,
        userCodeInputSource: show,
        userCodeConfirmSource: show,
        successSource: (context: Page) => show(context, 'The device is connected.'),
      },
    },
    pkce: {required: () => true},
    clientAuthMethods: ['none', 'private_key_jwt'],
    enabledJWA: {clientAuthSigningAlgValues: ['RS256', 'PS256']},
    interactions: {url: () => `${new URL(issuer).pathname.replace(/\/$/, '')}/sign-in`},
    rotateRefreshToken: true,
    findAccount: (_: unknown, accountId: string) => ({
      accountId,
      claims: () => ({sub: accountId, preferred_username: `${accountId}@judge.example`}),
    }),
    ttl: Object.fromEntries(
      [
        'AccessToken',
        'ClientCredentials',
        'DeviceCode',
        'Grant',
        'IdToken',
        'Interaction',
        'RefreshToken',
        'Session',
      ].map((name) => [name, 3600]),
    ),
  });
  const refusals: string[] = [];
  for (const event of ['grant.error', 'authorization.error', 'device_authorization.error', 'server_error'])
    provider.on(event, (_, error) =>
      refusals.push(`${error.message}: ${String(Reflect.get(error, 'error_detail'))}`),
    );
  const {host, pathname} = new URL(issuer);
  const base = pathname.replace(/\/$/, '');
  const serve = provider.callback();
  cloud.addGuest(host, (request, response) => {
    const path = request.url ?? '/';
    if (path.startsWith(`${base}/sign-in`)) {
      signIn(provider, request, response).catch(() => response.writeHead(500).end());
      return;
    }
    Object.assign(request, {originalUrl: path});
    request.url = path.startsWith(base) ? path.slice(base.length) || '/' : path;
    serve(request, response);
  });
  return refusals;
}

interface Page {
  body: string;
}

function show(context: Page, form: string): void {
  context.body = form;
}

/** Signs in as ada, and lets the client have what it asked for. */
async function signIn(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const {params} = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({accountId: 'ada', clientId: params.client_id});
  grant.addOIDCScope(params.scope);
  const result = {login: {accountId: 'ada'}, consent: {grantId: await grant.save()}};
  await provider.interactionFinished(request, response, result);
}

/** Follows redirects, keeps cookies and posts forms, as a browser does, with these fields filled in. Returns the last page. */
export async function visit(
  cloud: Cloud,
  address: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<string> {
  const cookies = new Map<string, string>();
  let next: {url: string; form?: Record<string, string>} = {url: address};
  for (let step = 0; step < 20; step += 1) {
    const headers = {cookie: Array.from(cookies, (pair) => pair.join('=')).join('; ')};
    const answer = await cloud.request(next.url, next.form ? {headers, form: next.form} : {headers});
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const {location} = answer.headers;
    const form = /<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(answer.text);
    if (location !== undefined) next = {url: new URL(location, next.url).href};
    else if (form === null) return answer.text;
    else next = {url: new URL(form[1] ?? '', next.url).href, form: {...hiddenIn(form[2] ?? ''), ...fields}};
  }
  throw new Error(`the visit of ${address} does not end`);
}

function hiddenIn(html: string): Record<string, string> {
  const inputs = html.matchAll(/<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"/g);
  return Object.fromEntries(Array.from(inputs, ([, name = '', value = '']) => [name, value]));
}
