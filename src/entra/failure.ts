import {OrgkeyError} from '../text/orgkey-error.ts';
import {isRecord} from '../text/record.ts';
import type {TimedOut} from '../text/timed-out.ts';

/**
 * What failed in an acquirer, as facts without secrets; `advise` turns them into code, message and hint. `host` is the
 * host that was asked, with its port if it has one.
 */
export type AcquirerFailure =
  /** A server said no. */
  | {
      readonly kind: 'rejected';
      readonly service: Service;
      readonly host: string;
      readonly status: number;
      /** The `error` of OAuth, or the service's equivalent. */
      readonly error: string | undefined;
      /** The codes in the description, in the server's order: `AADSTS7000222`. */
      readonly codes: readonly string[];
      readonly description: string;
      /** In milliseconds. */
      readonly retryAfter?: number | undefined;
    }
  /** No answer came. */
  | {
      readonly kind: 'unreachable';
      readonly service: Service;
      readonly host: string;
      /** Node's or OpenSSL's: `ENOTFOUND`, `CERT_HAS_EXPIRED`; `TIMEOUT` and `ERR_PROXY_…` are ours. */
      readonly code: string;
      readonly detail: string;
      /** If `code` and `detail` are words for users: how to repair it. */
      readonly hint?: string | undefined;
      /** The proxy that the request went through, as `host:port`. */
      readonly proxy: string | undefined;
    }
  /** The answer cannot be read. */
  | {
      readonly kind: 'unusable';
      readonly service: Service;
      readonly host: string;
      readonly status: number;
      readonly detail: string;
    }
  /** Found before any request, with its own words. */
  | {
      readonly kind: 'local';
      readonly code: string;
      readonly detail: string;
      readonly hint: string | undefined;
    }
  /** Anything else. */
  | {readonly kind: 'unexpected'; readonly detail: string};

const SERVICES = [
  'entra',
  'managed-identity',
  'github-actions',
  'azure-pipelines',
  'key-vault',
  'issuer',
] as const;

export type Service = (typeof SERVICES)[number];

/** Carries a failure through code that does not know it, such as the SDK's. */
export class AcquirerError extends OrgkeyError {
  override readonly name = 'AcquirerError';
  readonly failure: AcquirerFailure;

  constructor(failure: AcquirerFailure) {
    const {message, code, hint} = summaryOf(failure);
    super(code, message, {hint});
    this.failure = failure;
  }
}

/** For logs; `advise` has the words for users. */
function summaryOf(
  failure: AcquirerFailure,
): Readonly<Record<'code' | 'message', string>> & {hint?: string | undefined} {
  switch (failure.kind) {
    case 'local':
      return {code: failure.code, message: failure.detail, hint: failure.hint};
    case 'unreachable':
      return {code: failure.code, message: failure.code, hint: failure.hint};
    default:
      return {code: 'ERR_UNEXPECTED', message: failure.kind};
  }
}

/** Returns the failure of a part of this machine that took too long. */
export function lateFailure({code, message, hint}: TimedOut): AcquirerFailure {
  return local(code, message, hint);
}

/** Returns a failure found before any request. `detail` is half a sentence, lower case, no full stop. */
export function local(code: string, detail: string, hint?: string): AcquirerFailure {
  return {kind: 'local', code, detail, hint};
}

/** Returns the same as an error. */
export function localFailure(code: string, detail: string, hint?: string): AcquirerError {
  return new AcquirerError(local(code, detail, hint));
}

/** Returns an error that only a bug can cause. */
export function internalFailure(detail: string): AcquirerError {
  return localFailure('ERR_INTERNAL', detail, 'This is a bug in orgkey: report it with the log.');
}

/** The acquirer belongs to another version, and would misunderstand the daemon. */
export const otherVersion = local(
  'ERR_UPDATED',
  'orgkey was updated while its daemon was running',
  'Start the new daemon: orgkey service restart',
);

/** Reads a failure that an acquirer sent. Anything else becomes `unexpected`. */
export function failureFrom(value: unknown): AcquirerFailure {
  if (!isRecord(value)) return {kind: 'unexpected', detail: 'the acquirer sent no reason'};
  const host = textOf(value['host']);
  const service = serviceOf(value['service']);
  const detail = textOf(value['detail']);
  switch (value['kind']) {
    case 'rejected':
      return {
        kind: 'rejected',
        service,
        host,
        status: numberOf(value['status']) ?? 0,
        error: optionalText(value['error']),
        codes: Array.isArray(value['codes']) ? value['codes'].filter((code) => typeof code === 'string') : [],
        description: textOf(value['description']),
        retryAfter: numberOf(value['retryAfter']),
      };
    case 'unreachable':
      return {
        kind: 'unreachable',
        service,
        host,
        code: textOf(value['code']),
        detail,
        hint: optionalText(value['hint']),
        proxy: optionalText(value['proxy']),
      };
    case 'unusable':
      return {kind: 'unusable', service, host, status: numberOf(value['status']) ?? 0, detail};
    case 'local':
      return local(textOf(value['code']), detail, optionalText(value['hint']));
    default:
      return {kind: 'unexpected', detail};
  }
}

function serviceOf(value: unknown): Service {
  return SERVICES.find((service) => service === value) ?? 'entra';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
