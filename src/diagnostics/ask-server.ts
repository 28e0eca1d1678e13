import {advise} from '../entra/advice.ts';
import {proxyFor} from '../network/proxy.ts';
import {describeNetworkError, sendRequest, type WebReply} from '../network/send-request.ts';
import type {Environment} from '../text/environment.ts';

/** A server's answer; its text is cut after 256 KiB. */
export type Answer = Omit<WebReply, 'isCut'>;

export type Asked =
  | {readonly kind: 'answered'; readonly answer: Answer}
  /** Half a sentence, and what repairs it. */
  | {
      readonly kind: 'unreachable';
      readonly code: string;
      readonly message: string;
      readonly repair: string;
    };

interface Question {
  /** Default: GET. */
  readonly method?: 'GET' | 'HEAD';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The environment of the command, whose proxies are used. */
  readonly environment: Environment;
}

/** Sends one request, straight or through a proxy. Does not throw. */
export async function askServer({method = 'GET', url, headers, environment}: Question): Promise<Asked> {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const wayOut = {variables: environment, signal, limit: LARGEST};
    return {kind: 'answered', answer: await sendRequest({method, url, headers}, wayOut)};
  } catch (error) {
    const {host} = new URL(url);
    const {code, message, hint} = advise(
      {
        kind: 'unreachable',
        service: 'issuer',
        host,
        ...describeNetworkError(error),
        proxy: proxyFor(url, environment),
      },
      {kind: 'doctor'},
    );
    return {
      kind: 'unreachable',
      code,
      message,
      repair: forThisShell(hint) ?? 'check the network of this machine',
    };
  }
}

/** Advice is written for the daemon, but the environment of this shell counts for the commands. */
export function forThisShell(hint: string | undefined): string | undefined {
  return hint?.replace(/,? in the environment of the service/, '');
}

/** In milliseconds, for the proxy and the answer. */
const PATIENCE = 5000;

/** In bytes; that there is an answer says enough. */
const LARGEST = 256 * 1024;
