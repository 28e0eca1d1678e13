import type {IncomingMessage} from 'node:http';
import {describeNetworkError} from '../network/send-request.ts';
import {timedOut} from '../text/timed-out.ts';
import {printable} from '../text/printable.ts';
import type {Reason} from './answer-client.ts';
import type {Denial} from './rule/operation.ts';
import {PushHeadError} from './rule/push-commands.ts';
import {decodeOnce} from '../text/decode-once.ts';

export type Failure = Reason & {readonly code: string};

export const badBatchAnswer: Failure = {
  status: 502,
  code: 'ERR_SERVER',
  message: 'the server of Git LFS gave an answer that cannot be read',
  hint: 'try again later',
};

export const unknownTransfer: Denial = {
  code: 'ERR_GATEWAY_LFS',
  message: 'this transfer was not offered, or its offer has expired',
  hint: 'repeat the command',
};

export const noUploads: Denial = {
  code: 'ERR_GATEWAY_PUSH',
  message: 'this gateway does not allow uploads to Git LFS',
  hint: 'ask for the refs to be added to `push` of the gateway',
};

export function malformed(reason: string): Denial {
  return {
    code: 'ERR_GATEWAY_REQUEST',
    message: `this request is not carried: ${reason}`,
    hint: 'use the gateway for git fetch, git push and Git LFS only',
  };
}

/** Explains what was thrown while a request was carried. */
export function failureOf(error: unknown, host: string): Failure {
  if (error instanceof PushHeadError) {
    const {code, message, hint} = error;
    return {status: 403, code, message: `this push is not carried: ${message}`, hint};
  }
  const {code, detail, hint = 'run: orgkey doctor'} = describeNetworkError(error);
  if (code === 'TIMEOUT') return {status: 502, ...timedOut(`${host} did not answer`, undefined, hint)};
  return {
    status: 502,
    code: code.startsWith('ERR_') ? code : 'ERR_UNREACHABLE',
    message: `${host} cannot be reached: ${printable(detail, 200)}`,
    hint,
  };
}

/** Whether an answer is a page for browsers in place of data: the server wants a user to sign in. */
export function isPage({statusCode, headers}: IncomingMessage): boolean {
  return statusCode === 200 && /^text\/html\b/i.test(headers['content-type'] ?? '');
}

/** Returns what Azure DevOps says about a failure, in a percent-encoded header of its own. */
export function serverTextOf({headers}: IncomingMessage): string | undefined {
  const text = headers['x-tfs-serviceerror'];
  return typeof text === 'string' ? printable(decodeOnce(text) ?? text, 300) : undefined;
}
