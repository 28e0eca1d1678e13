import {setTimeout as sleep} from 'node:timers/promises';
import {proxyFor} from '../../network/proxy.ts';
import {
  describeNetworkError,
  sendRequest,
  type WebReply,
  type WebRequest,
} from '../../network/send-request.ts';
import {secretForms} from '../../secret/secret-forms.ts';
import {parseRecord} from '../../text/record.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import {readAssertion, type AssertionFacts} from '../assertion.ts';
import {AcquirerError, type AcquirerFailure, type Service} from '../failure.ts';
import {describeResponse, retryAfterOf} from './describe-response.ts';
import {lifetimeOf, type Lifetime} from './lifetime.ts';
import {pauseAfter, TRIES} from './retry.ts';
import type {Environment} from '../../text/environment.ts';

interface Question extends WebRequest {
  readonly service: Service;
  /** Default: 3. 1 if a second try cannot work, for example with a code that is valid once. */
  readonly tries?: number;
}

export type Reply = Pick<WebReply, 'status' | 'headers' | 'text'>;

interface HttpClientParts {
  /** When the acquirer must have its result, in milliseconds of `performance.now`, which nothing sets. */
  readonly deadline: number;
  readonly variables: Environment;
  /** Names every request, as in the log and the audit of the daemon. */
  readonly requestId?: string | undefined;
  /** Texts that are removed from descriptions. */
  readonly secrets: readonly string[];
}

/** The header in which a service takes the name of a request. */
const NAMES: Readonly<Partial<Record<Service, string>>> = {
  entra: 'client-request-id',
  'managed-identity': 'x-ms-client-request-id',
  'key-vault': 'x-ms-client-request-id',
};

/** All services that we ask answer with a few kilobytes. */
const MAX_ANSWER = 1024 * 1024;

/**
 * Sends all requests of an acquirer, those of the SDK included: the SDK has no request timeout, loses the causes of
 * network errors, and waits as long as `Retry-After` says.
 */
export class HttpClient {
  readonly #parts: HttpClientParts;
  readonly #secrets: string[];
  #presented: string | undefined;
  #challenge: string | undefined;
  #failure: AcquirerFailure | undefined;
  #lifetime: Lifetime = {expiresIn: undefined, refreshIn: undefined};
  #skew: number | undefined;
  #requests = 0;
  #asked: Asked | undefined;

  constructor(parts: HttpClientParts) {
    this.#parts = parts;
    this.#secrets = [...parts.secrets];
  }

  /** Removes a secret that was made or read later from descriptions too. Returns it. */
  conceal(secret: string): string {
    this.#secrets.push(secret);
    return secret;
  }

  /** Removes a client assertion from descriptions, and remembers what it says of itself. Returns it. */
  present(assertion: string): string {
    this.#presented = assertion;
    return this.conceal(assertion);
  }

  /** What the assertion that was presented says of itself. */
  get assertion(): AssertionFacts | undefined {
    return this.#presented === undefined ? undefined : readAssertion(this.#presented, this.#theirNow());
  }

  /** Why the last try failed, if it did. */
  get failure(): AcquirerFailure | undefined {
    return this.#failure;
  }

  /** Of the last token. */
  get lifetime(): Lifetime {
    return this.#lifetime;
  }

  /** How far our clock is ahead of the last server's, in milliseconds, to about a second. */
  get skew(): number | undefined {
    return this.#skew;
  }

  /** The challenge of the last answer that had one. */
  get challenge(): string | undefined {
    return this.#challenge;
  }

  /** How many requests were sent. */
  get requests(): number {
    return this.#requests;
  }

  /** The server that has not answered yet. */
  get asked(): Asked | undefined {
    return this.#asked;
  }

  /**
   * Sends a request, again if that may help. A rejection is returned, and kept as `failure`.
   * @throws {AcquirerError} if no answer comes, or an unreadable one.
   */
  async ask(question: Question): Promise<Reply> {
    const tries = question.tries ?? TRIES;
    for (let attempt = 1; ; attempt += 1) {
      const {reply, failure} = await this.#attempt(question, attempt);
      this.#failure = failure;
      const pause = pauseAfter(failure, {attempt, tries, timeLeft: this.#timeLeft()});
      if (pause === undefined) {
        if (reply !== undefined) return reply;
        throw new AcquirerError(failure);
      }
      await sleep(pause);
    }
  }

  /** On a slow network, the second try may take all the time that is left. */
  async #attempt(question: Question, attempt: number): Promise<Outcome> {
    const {service, url} = question;
    const {host} = new URL(url);
    const {variables} = this.#parts;
    const proxy = proxyFor(url, variables);
    this.#asked = {service, host, proxy};
    this.#requests += 1;
    try {
      const most = attempt === 1 ? TIME_BUDGET.httpTry : Infinity;
      const time = Math.max(1, Math.floor(Math.min(most, this.#timeLeft())));
      const signal = AbortSignal.timeout(time);
      const reply = await sendRequest(this.#named(question), {variables, signal, limit: MAX_ANSWER});
      this.#skew = reply.skew ?? this.#skew;
      this.#challenge = reply.headers['www-authenticate'] ?? this.#challenge;
      if (reply.isCut) return unusable(question, reply, 'more than a megabyte');
      if (reply.status === 200) return this.#accept(reply, question);
      return {reply, failure: this.#rejection(reply, service, host)};
    } catch (error) {
      const {code, detail, hint} = describeNetworkError(error);
      const failure = {
        kind: 'unreachable',
        service,
        host,
        code,
        detail: this.#redact(detail),
        hint,
        proxy,
      } as const;
      return {reply: undefined, failure};
    } finally {
      this.#asked = undefined;
    }
  }

  /** The SDK makes up a name of its own, in the address and in the body. */
  #named(question: Question): Question {
    const {requestId} = this.#parts;
    const header = NAMES[question.service];
    if (requestId === undefined || header === undefined) return question;
    const rename = (text: string) => text.replace(/\b(client-request-id=)[0-9a-f-]{36}/gi, `$1${requestId}`);
    return {
      ...question,
      url: rename(question.url),
      headers: {...question.headers, [header]: requestId},
      body: question.body && rename(question.body),
    };
  }

  #accept(reply: Reply, question: Question): Outcome {
    const answer = parseRecord(reply.text);
    if (answer === undefined) {
      const isPage = reply.text.trimStart().startsWith('<');
      return unusable(question, reply, isPage ? 'a web page' : 'no JSON');
    }
    if (answer['access_token'] !== undefined) this.#lifetime = lifetimeOf(answer, this.#theirNow());
    // the SDK reports little about an answer without a token
    else if (new URL(question.url).pathname.endsWith('/token')) return unusable(question, reply, 'no token');
    return {reply, failure: undefined};
  }

  #rejection(reply: Reply, service: Service, host: string): AcquirerFailure {
    const {error, codes, description} = describeResponse(reply.text);
    return {
      kind: 'rejected',
      service,
      host,
      status: reply.status,
      error: error && this.#redact(error).slice(0, 100),
      codes,
      description: this.#redact(description).slice(0, 1000),
      retryAfter: retryAfterOf(reply.headers, this.#theirNow()),
    };
  }

  #timeLeft(): number {
    return this.#parts.deadline - performance.now();
  }

  /** By the server's clock as far as it is known, in milliseconds since epoch. */
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

function unusable({service, url}: Question, {status}: Reply, detail: string): Outcome {
  const {host} = new URL(url);
  return {reply: undefined, failure: {kind: 'unusable', service, host, status, detail}};
}

/** The server that was asked, and the proxy on the way. */
interface Asked {
  readonly service: Service;
  readonly host: string;
  readonly proxy: string | undefined;
}

type Outcome =
  | {readonly reply: Reply; readonly failure: AcquirerFailure | undefined}
  | {readonly reply: undefined; readonly failure: AcquirerFailure};
