import {explainCode} from '../entra/explanations.ts';
import {repairFor} from '../entra/repair-for.ts';
import {explainClaimsChallenge} from '../identity/claims-challenge.ts';
import {connectedTenant} from '../organization/connected-tenant.ts';
import {GUID, isGuid} from '../text/guid.ts';
import {isFromAzureDevOps} from '../network/is-from-azure-devops.ts';
import {printable} from '../text/printable.ts';
import {isRecord, parseRecord} from '../text/record.ts';
import {askServer, type Answer, type Asked} from './ask-server.ts';
import type {World} from './world.ts';
import {decodeOnce} from '../text/decode-once.ts';

/** A token that the daemon acquired. */
export interface Credential {
  readonly form: 'access-token' | 'pat';
  readonly token: string;
}

/** Asks for the headers only, without a token. Addresses that answer to anyone name the tenant in them. */
export function askForHeaders(url: string, {environment, version}: Asker): Promise<Asked> {
  return askServer({method: 'HEAD', url, environment, headers: headersOf(version)});
}

type Asker = Pick<World, 'environment' | 'version'>;

/** Asks Azure DevOps, with or without a token. The headers make it answer 401 instead of showing a sign-in page. */
export function askAzureDevOps(
  url: string,
  credential: Credential | undefined,
  {environment, version}: Asker,
): Promise<Asked> {
  const authorization = credential === undefined ? {} : {authorization: authorizationOf(credential)};
  return askServer({url, environment, headers: {...headersOf(version), ...authorization}});
}

// fact 80
function headersOf(version: string): Readonly<Record<string, string>> {
  return {
    accept: 'application/json',
    'user-agent': `orgkey/${version} (doctor)`,
    'x-tfs-fedauthredirect': 'Suppress',
  };
}

function authorizationOf({form, token}: Credential): string {
  return form === 'pat' ? `Basic ${Buffer.from(`:${token}`).toString('base64')}` : `Bearer ${token}`;
}

/** What an answer means. Texts are half sentences. */
type Verdict =
  | {readonly kind: 'ok'; readonly answer: Answer}
  /** The server does not know who we are. */
  | {readonly kind: 'signed-out'; readonly message: string; readonly repair: string | undefined}
  /** The server limits requests or fails, or another one answers: this says nothing about us. */
  | {readonly kind: 'busy'; readonly message: string; readonly repair: string}
  /** The server rejects the request for another reason: 403, 404 and the like. */
  | {
      readonly kind: 'rejected';
      readonly status: number;
      readonly message: string;
      readonly repair: string | undefined;
    };

/**
 * Judges an answer. A page instead of data, or a redirect to the sign-in page, means that we are not signed in. The
 * form of the credential decides which words fit a 401, the kind of the identity which repair.
 * Fact 45.
 */
export function judge(answer: Answer, form?: Credential['form'], kind = ''): Verdict {
  const {status} = answer;
  if (status === 429 || status >= 500) return busy(answer);
  const elsewhere = foreignPage(answer);
  if (elsewhere !== undefined) return elsewhere;
  const isPage = status === 200 && /^text\/html/i.test(answer.headers['content-type'] ?? '');
  if (status === 401 || status === 203 || (status >= 300 && status < 400) || isPage)
    return signedOut(answer, form, kind);
  if (status === 200) return {kind: 'ok', answer};
  const {message, repair} = explain(answer, kind);
  return {kind: 'rejected', status, message: message ?? 'it rejects the request', repair};
}

/** Returns the verdict on a page or a redirect that is not from Azure DevOps. `undefined`: the answer is another one. */
function foreignPage({status, headers}: Answer): Extract<Verdict, {kind: 'busy'}> | undefined {
  const isRedirect = status >= 300 && status < 400;
  const isPage = status < 300 && /^text\/html/i.test(headers['content-type'] ?? '');
  if (!(isRedirect || isPage) || isFromAzureDevOps(headers)) return undefined;
  const target = isRedirect ? URL.parse(headers.location ?? '')?.host : undefined;
  const what = target === undefined ? 'a web page answers' : `a redirect to ${printable(target, 80)} answers`;
  return {
    kind: 'busy',
    message: `${what} in the place of Azure DevOps (HTTP ${status})`,
    repair: 'open any page in a browser to sign in to this network, or check the proxy of this machine',
  };
}

function signedOut(answer: Answer, form: Credential['form'] | undefined, kind: string): Verdict {
  const {status} = answer;
  const ended = explainClaimsChallenge(challengesOf(answer), kind);
  if (ended !== undefined)
    return {kind: 'signed-out', message: printable(ended.message, 300), repair: ended.repair};
  const {message, repair} = explain(answer, kind);
  const how =
    status === 401 ? '' : status === 200 ? ', it shows a page' : ', it redirects to the sign-in page';
  const isPlain = message === undefined || message.endsWith(`(${NOT_AUTHORIZED})`);
  if (form === 'pat' && isPlain)
    return {
      kind: 'signed-out',
      message: `the personal access token is wrong, revoked or expired (HTTP ${status}${how})`,
      repair: undefined,
    };
  return {
    kind: 'signed-out',
    message: message ?? `it treats us as anonymous (HTTP ${status}${how})`,
    repair,
  };
}

/** What Azure DevOps says to a token that it does not know. */
const NOT_AUTHORIZED = 'TF400813';

/** Fact 92. */
function busy(answer: Answer): Extract<Verdict, {kind: 'busy'}> {
  const {status, headers} = answer;
  const code = /\b(?:TF|VS)[0-9]{5,6}\b/.exec(textOf(answer))?.[0];
  const time = timeToWait(headers['retry-after'], headers.date);
  const named = `HTTP ${status}${code === undefined ? '' : `, ${code}`}`;
  const wait = time === undefined ? '' : `; it asks to wait ${time}`;
  return {
    kind: 'busy',
    message:
      status === 429
        ? `it limits the number of our requests (${named})${wait}`
        : `it is not available (${named})${wait}`,
    repair: `wait ${time ?? 'some minutes'}, then try again${status === 429 ? '' : '; for outages see https://status.dev.azure.com'}`,
  };
}

/** Reads `Retry-After`, in seconds or as a date; a date counts from the server's own clock. */
function timeToWait(value: string | undefined, date: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const seconds = /^[0-9]{1,15}$/.test(value.trim())
    ? Number(value)
    : Math.ceil((Date.parse(value) - Date.parse(date ?? '')) / 1000);
  if (!Number.isFinite(seconds)) return undefined;
  return seconds > LONGEST_WAIT ? 'over an hour' : `${Math.max(0, seconds)} s`;
}

/** In seconds; a longer time is more likely a mistake. */
const LONGEST_WAIT = 3600;

function textOf(answer: Answer): string {
  // fact 46
  const error = answer.headers['x-tfs-serviceerror'];
  const text = typeof error === 'string' ? error : '';
  return [decodeOnce(text) ?? text, answer.text.slice(0, 65_536)].join('\n');
}

/** Explains an answer by the error codes in it. */
function explain(
  answer: Answer,
  kind: string,
): {readonly message?: string; readonly repair: string | undefined} {
  const text = textOf(answer);
  // fact 50
  const ended = /personal access token used has (expired|been revoked)/i.exec(text)?.[1];
  if (ended !== undefined)
    return {
      message: `the personal access token has ${ended.toLowerCase()}`,
      repair: undefined,
    };
  const stranger = explainCode('TF401444');
  // the server says so of service principals and managed identities only
  if (stranger !== undefined && /does not have access to Azure DevOps organization/i.test(text))
    return {
      message: 'the identity is not a user of the organization',
      repair: repairFor(stranger, {kind: ''}),
    };
  const codes = [...text.matchAll(/\b(?:TF|VS)[0-9]{5,6}\b/g)].map(([code]) => code);
  const known = codes.map(explainCode).find((explanation) => explanation !== undefined);
  if (known !== undefined) {
    const meaning = known.meaning.replace(/\.$/, '');
    // the Azure CLI may be signed in as a service principal, which is named by its object id
    const actor = NAMED_BY_OBJECT_ID.test(text) ? '' : kind;
    return {message: `${lowerFirst(meaning)} (${known.code})`, repair: repairFor(known, {kind: actor})};
  }
  const code = codes[0];
  const message = code === undefined ? undefined : printable(sentenceWith(code, text), 200);
  return message === undefined ? {repair: undefined} : {message, repair: undefined};
}

// fact 49
const NAMED_BY_OBJECT_ID = new RegExp(String.raw`\\${GUID} in a web browser`);

/** Returns the sentence that holds a code which we do not know. */
function sentenceWith(code: string, text: string): string {
  const from = text.slice(text.indexOf(code));
  return /^[^.<"\r\n]*/.exec(from)?.[0] ?? code;
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) && !/^(?:Azure|Git|Entra)\b/.test(text)
    ? text.charAt(0).toLowerCase() + text.slice(1)
    : text;
}

function challengesOf({headers}: Answer): string[] {
  const header = headers['www-authenticate'];
  return header === undefined ? [] : [header];
}

/** Returns the tenant that an organization says it is connected to, in lower case. Fact 41. */
export function tenantIn(answer: Answer): string | undefined {
  const named = answer.headers['x-vss-resourcetenant'];
  if (typeof named === 'string' && isGuid(named)) return named.toLowerCase();
  return connectedTenant(challengesOf(answer));
}

/** Returns the user that we are to Azure DevOps. `undefined`: anonymous. Fact 47. */
export function userIn({text}: Answer): string | undefined {
  const user = recordIn(parseRecord(text), 'authenticatedUser');
  const {id, providerDisplayName} = user ?? {};
  if (typeof id !== 'string' || /^a{8}-/.test(id)) return undefined;
  return typeof providerDisplayName === 'string' && providerDisplayName !== '' ? providerDisplayName : id;
}

/** Returns the project and the name of the first repository in a list. `undefined`: none can be read from it. */
export function firstRepositoryIn({text}: Answer): {project: string; name: string} | undefined {
  const list = parseRecord(text)?.['value'];
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  if (!isRecord(first)) return undefined;
  const project = recordIn(first, 'project')?.['name'];
  const {name} = first;
  return typeof project === 'string' && typeof name === 'string' ? {project, name} : undefined;
}

/** Returns the number of entries in a list. `undefined`: it was too long to be read to its end. */
export function countIn({text}: Answer): number | undefined {
  const parsed = parseRecord(text);
  return typeof parsed?.['count'] === 'number' ? parsed['count'] : undefined;
}

function recordIn(
  record: Readonly<Record<string, unknown>> | undefined,
  name: string,
): Readonly<Record<string, unknown>> | undefined {
  const value = record?.[name];
  return isRecord(value) ? value : undefined;
}

/** Returns the tenant of an access token, for messages only. `undefined`: it does not say. */
export function tenantOfToken({form, token}: Credential): string | undefined {
  if (form !== 'access-token') return undefined;
  const claims = parseRecord(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  const tenant = claims?.['tid'];
  return typeof tenant === 'string' ? tenant.toLowerCase() : undefined;
}
