import type http from 'node:http';
import {setTimeout as sleep} from 'node:timers/promises';
import type {TokenCredentialOptions} from '@azure/identity';
import {parseRecord} from '../../text/record.ts';
import {secretForms} from '../../secret/secret-forms.ts';
import {proxyFor, type ProxyVariables} from '../../network/proxy.ts';
import {describeNetworkError, sendRequest, type WebReply} from '../../network/send-request.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import {TroubleError, type Service, type Trouble} from '../trouble.ts';

interface Question {
  readonly service: Service;
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Default: 3. 1 where a second try can't work, such as for a code that is good once. */
  readonly tries?: number;
}

export type Reply = Pick<WebReply, 'status' | 'headers' | 'text'>;

/** How long the last token lives, as the issuer said it; in milliseconds. */
interface Lifetime {
  readonly expiresIn: number | undefined;
  readonly refreshIn: number | undefined;
}

interface HttpExchangesParts {
  /** When the acquirer must have its result, in milliseconds of `performance.now`: clocks are set while we wait. */
  readonly deadline: number;
  readonly variables: ProxyVariables;
  /** Texts that must not come back in a description. */
  readonly secrets: readonly string[];
}

/** How often a request is sent at most: what fails for a moment is tried again at once. */
const TRIES = 3;

/** Answers of all services that we ask are a few kilobytes. */
const MAX_ANSWER = 1024 * 1024;

/**
 * All requests of an acquirer, the SDK's included: it has no request timeout, loses the causes of network errors,
 * and waits for any `Retry-After`, so its requests go through here, where the reason of a failure is kept.
 */
export class HttpExchanges {
  readonly #parts: HttpExchangesParts;
  readonly #secrets: string[];
  #trouble: Trouble | undefined;
  #lifetime: Lifetime = {expiresIn: undefined, refreshIn: undefined};
  #skew: number | undefined;
  #requests = 0;
  #asked: Asked | undefined;

  constructor(parts: HttpExchangesParts) {
    this.#parts = parts;
    this.#secrets = [...parts.secrets];
  }

  /** Something that was made or read on the way must not come back in a description either. */
  conceal(secret: string): string {
    this.#secrets.push(secret);
    return secret;
  }

  /** Why the last request got nothing, if it got nothing. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  get lifetime(): Lifetime {
    return this.#lifetime;
  }

  /** How far our clock is ahead of the last server's, in milliseconds, to about a second; `undefined`: nobody said. */
  get skew(): number | undefined {
    return this.#skew;
  }

  /** How many requests were sent. */
  get requests(): number {
    return this.#requests;
  }

  /** Whose answer is being waited for. */
  get asked(): Asked | undefined {
    return this.#asked;
  }

  /**
   * Refusals are returned, and kept as `trouble`.
   *
   * @throws {TroubleError} where there is no answer, or none that can be read.
   */
  async ask(question: Question): Promise<Reply> {
    const tries = question.tries ?? TRIES;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#attempt(question);
      const wait = attempt < tries ? this.#waitBeforeNext(outcome, attempt) : undefined;
      if (wait === undefined) {
        this.#trouble = outcome.trouble;
        if (outcome.reply !== undefined) return outcome.reply;
        throw new TroubleError(outcome.trouble);
      }
      await sleep(wait);
    }
  }

  /** For the SDK; `service` is what it asks. */
  clientFor(service: Service): SdkHttpClient {
    return {
      sendRequest: async (request) => {
        const {url, method, body} = request;
        if (method !== 'GET' && method !== 'POST') throw new Error(`unexpected method ${method}`);
        const headers: Record<string, string> = {};
        for (const [name, value] of request.headers) headers[name] = value;
        // ours reads no compressed answers, and tells its length itself
        delete headers['accept-encoding'];
        delete headers['content-length'];
        const reply = await this.ask({
          service,
          method,
          url,
          headers,
          ...(typeof body === 'string' ? {body} : {}),
        });
        return {
          request,
          status: reply.status,
          headers: new SdkHeaders(reply.headers),
          bodyAsText: reply.text,
        };
      },
    };
  }

  async #attempt(question: Question): Promise<Outcome> {
    const {service, url} = question;
    const {host} = new URL(url);
    const proxy = proxyFor(url, this.#parts.variables);
    this.#asked = {service, host, proxy};
    this.#requests += 1;
    try {
      const time = Math.max(1, Math.floor(Math.min(TIME_BUDGET.httpTry, this.#timeLeft())));
      const reply = await sendRequest(question, {
        variables: this.#parts.variables,
        signal: AbortSignal.timeout(time),
        limit: MAX_ANSWER,
      });
      this.#skew = reply.skew ?? this.#skew;
      if (reply.isCut) {
        const trouble = {
          kind: 'unusable',
          service,
          host,
          status: reply.status,
          detail: 'more than a megabyte',
        } as const;
        return {reply: undefined, trouble};
      }
      if (reply.status === 200) return this.#accepted(reply, question, host);
      return {reply, trouble: this.#refused(reply, service, host)};
    } catch (error) {
      if (error instanceof TroubleError) return {reply: undefined, trouble: error.trouble};
      const {code, detail} = describeNetworkError(error);
      const trouble = {
        kind: 'unreachable',
        service,
        host,
        code,
        detail: this.#redact(detail),
        proxy,
      } as const;
      return {reply: undefined, trouble};
    } finally {
      this.#asked = undefined;
    }
  }

  #accepted(reply: Reply, {service, url}: Question, host: string): Outcome {
    const answer = parseRecord(reply.text);
    if (answer === undefined) {
      const detail = reply.text.trimStart().startsWith('<') ? 'a web page' : 'no JSON';
      return {reply: undefined, trouble: {kind: 'unusable', service, host, status: reply.status, detail}};
    }
    if (answer['access_token'] !== undefined) this.#lifetime = lifetimeOf(answer, this.#theirNow());
    else if (isTokenAddress(url)) {
      const trouble = {kind: 'unusable', service, host, status: reply.status, detail: 'no token'} as const;
      return {reply: undefined, trouble};
    }
    return {reply, trouble: undefined};
  }

  #refused(reply: Reply, service: Service, host: string): Trouble {
    const answer = parseRecord(reply.text);
    const {error, description} = describeRefusal(answer, reply.text);
    return {
      kind: 'refused',
      service,
      host,
      status: reply.status,
      error: error && this.#redact(error).slice(0, 100),
      codes: codesIn(answer, description),
      description: this.#redact(description).slice(0, 500),
      retryAfter: retryAfterOf(reply.headers, this.#theirNow()),
    };
  }

  /** `undefined`: there is no use in another try, or no time. */
  #waitBeforeNext({trouble}: Outcome, attempt: number): number | undefined {
    if (trouble === undefined || !mayPass(trouble)) return undefined;
    const asked = trouble.kind === 'refused' ? trouble.retryAfter : undefined;
    const wait = asked ?? TIME_BUDGET.httpRetry * 3 ** (attempt - 1) * (1 + Math.random() / 4);
    if (wait > TIME_BUDGET.httpLongestPause || wait + TIME_BUDGET.httpRetry > this.#timeLeft())
      return undefined;
    return wait;
  }

  #timeLeft(): number {
    return this.#parts.deadline - performance.now();
  }

  /** By the server's clock, as far as that is known; in milliseconds since epoch. */
  #theirNow(): number {
    return Date.now() - (this.#skew ?? 0);
  }

  #redact(text: string): string {
    let redacted = text;
    for (const secret of this.#secrets) {
      for (const form of secretForms(secret)) redacted = redacted.replaceAll(form, '[redacted]');
    }
    return redacted;
  }
}

/** Whose answer is being waited for, and through whom. */
interface Asked {
  readonly service: Service;
  readonly host: string;
  readonly proxy: string | undefined;
}

/** What whoever asks by itself needs. */
export type Asking = Pick<HttpExchanges, 'ask' | 'trouble' | 'conceal'>;

type Outcome =
  | {readonly reply: Reply; readonly trouble: Trouble | undefined}
  | {readonly reply: undefined; readonly trouble: Trouble};

/** What may be over in a second. */
function mayPass(trouble: Trouble): boolean {
  if (trouble.kind === 'unreachable') return passing.has(trouble.code);
  if (trouble.kind !== 'refused') return false;
  const {service, status, error} = trouble;
  if (status === 429 || status === 408 || status >= 500) return true;
  // a metadata service that is being updated or has not yet heard of the identity
  if (service === 'managed-identity' && (status === 404 || status === 410)) return true;
  return error === 'temporarily_unavailable';
}

const passing = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'TIMEOUT',
  'UND_ERR_SOCKET',
]);

/** Entra, metadata services and Key Vault each have their own shape. */
function describeRefusal(
  answer: Readonly<Record<string, unknown>> | undefined,
  text: string,
): {readonly error: string | undefined; readonly description: string} {
  const error = answer?.['error'];
  if (typeof error === 'string') {
    const description = answer?.['error_description'];
    return {error, description: typeof description === 'string' ? description : ''};
  }
  const nested: Readonly<Record<string, unknown>> =
    typeof error === 'object' && error !== null ? {...error} : (answer ?? {});
  const {code, message} = nested;
  return {
    error: typeof code === 'string' ? code : undefined,
    description: typeof message === 'string' ? message : answer === undefined ? firstLineOf(text) : '',
  };
}

function firstLineOf(text: string): string {
  return text.trimStart().startsWith('<') ? 'a web page' : (text.trim().split('\n')[0] ?? '');
}

function codesIn(answer: Readonly<Record<string, unknown>> | undefined, description: string): string[] {
  const listed = Array.isArray(answer?.['error_codes']) ? answer['error_codes'] : [];
  const named = listed.filter((code) => Number.isInteger(code)).map((code) => `AADSTS${String(code)}`);
  const written = description.match(/\b(?:AADSTS\d{4,8}|(?:TF|VS)\d{4,7})\b/g) ?? [];
  return [...new Set([...written, ...named])].slice(0, 4);
}

/** Seconds or a date, as milliseconds from `now`; with the header that Azure's services have of their own. */
function retryAfterOf(headers: http.IncomingHttpHeaders, now: number): number | undefined {
  const milliseconds = Number(headers['retry-after-ms'] ?? headers['x-ms-retry-after-ms'] ?? Number.NaN);
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds;
  const given = headers['retry-after'];
  if (given === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(given) ? Number(given) * 1000 : Date.parse(given) - now;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

/** The SDK makes little of an answer without a token. */
function isTokenAddress(url: string): boolean {
  return new URL(url).pathname.endsWith('/token');
}

/**
 * Entra counts in seconds from now, App Service tells the end alone. IMDS has both, and beside a token from its cache
 * the seconds may be those of the whole life. `now` is the issuer's.
 *
 * @see https://github.com/Azure/azure-sdk-for-js/pull/8591
 */
function lifetimeOf(answer: Readonly<Record<string, unknown>>, now: number): Lifetime {
  const expiresIn = secondsOf(answer['expires_in']) ?? Infinity;
  const expiresOn = secondsOf(answer['expires_on']) ?? dateIn(answer['expires_on']) ?? Infinity;
  const left = Math.min(expiresIn, expiresOn - now / 1000);
  const refreshIn = secondsOf(answer['refresh_in']);
  return {
    expiresIn: left === Infinity ? undefined : Math.max(0, left * 1000),
    refreshIn: refreshIn === undefined || refreshIn <= 0 ? undefined : refreshIn * 1000,
  };
}

function secondsOf(value: unknown): number | undefined {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value));
  return isNumber && Number.isFinite(Number(value)) ? Number(value) : undefined;
}

/** Older endpoints write the end out; in seconds since epoch. */
function dateIn(value: unknown): number | undefined {
  const date = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(date) ? date / 1000 : undefined;
}

type SdkHttpClient = NonNullable<TokenCredentialOptions['httpClient']>;

/** Headers in the shape that the SDK wants. */
class SdkHeaders implements Iterable<[string, string]> {
  readonly #values = new Map<string, string>();

  constructor(headers: http.IncomingHttpHeaders) {
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) this.set(name, Array.isArray(value) ? value.join(', ') : value);
    }
  }

  get(name: string): string | undefined {
    return this.#values.get(name.toLowerCase());
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  set(name: string, value: string | number | boolean): void {
    this.#values.set(name.toLowerCase(), String(value));
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase());
  }

  toJSON(): Record<string, string> {
    return Object.fromEntries(this.#values);
  }

  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#values[Symbol.iterator]();
  }
}
