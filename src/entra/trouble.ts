import {isRecord} from '../text/record.ts';

/**
 * What went wrong in an acquirer, as facts and without secrets; `advise` makes words of it.
 * `host` is the host that was asked, with port if it has one.
 */
export type Trouble =
  /** A server answered, and the answer is no. */
  | {
      readonly kind: 'refused';
      readonly service: Service;
      readonly host: string;
      readonly status: number;
      /** The `error` of OAuth, or what the service has in its place. */
      readonly error: string | undefined;
      /** What stands in the description: `AADSTS7000222`, in the server's order. */
      readonly codes: readonly string[];
      readonly description: string;
      /** In milliseconds. */
      readonly retryAfter: number | undefined;
    }
  /** There was no answer. */
  | {
      readonly kind: 'unreachable';
      readonly service: Service;
      readonly host: string;
      /** Node's or OpenSSL's: `ENOTFOUND`, `CERT_HAS_EXPIRED`; `TIMEOUT` is ours. */
      readonly code: string;
      readonly detail: string;
      /** The proxy that the request went through, as `host:port`. */
      readonly proxy: string | undefined;
    }
  /** There was an answer that nobody can read. */
  | {
      readonly kind: 'unusable';
      readonly service: Service;
      readonly host: string;
      readonly status: number;
      readonly detail: string;
    }
  /** It did not come to a request: words and repair are those of whoever found out. */
  | {
      readonly kind: 'local';
      readonly code: string;
      readonly detail: string;
      readonly hint: string | undefined;
    }
  /** Nothing that we foresaw. */
  | {readonly kind: 'unexpected'; readonly detail: string};

/** What a request is for. */
export type Service =
  | 'entra'
  | 'managed-identity'
  | 'github-actions'
  | 'azure-pipelines'
  | 'key-vault'
  | 'issuer';

/** Carries a trouble through code that does not know it, the SDK's for one. */
export class TroubleError extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble) {
    super(trouble.kind === 'unreachable' ? trouble.code : trouble.kind);
    this.trouble = trouble;
  }
}

/** For what is wrong before anybody is asked. `detail` is half a sentence, lower case, no full stop. */
export function localTrouble(code: string, detail: string, hint?: string): TroubleError {
  return new TroubleError({kind: 'local', code, detail, hint});
}

/** For what cannot be. */
export function internalTrouble(detail: string): TroubleError {
  return localTrouble('ERR_INTERNAL', detail, "It is a fault of orgkey's: report it, with the log.");
}

/** What an acquirer says to a daemon that it would misunderstand. */
export const otherVersion: Trouble = {
  kind: 'local',
  code: 'ERR_UPDATED',
  detail: 'orgkey was updated, and the daemon from before still runs',
  hint: 'Start the new one: orgkey service restart.',
};

/** A trouble as an acquirer sent it; whatever does not look like one is `unexpected`. */
export function troubleFrom(value: unknown): Trouble {
  if (!isRecord(value)) return {kind: 'unexpected', detail: 'the acquirer sent no reason'};
  const host = textOf(value['host']);
  const service = serviceOf(value['service']);
  const detail = textOf(value['detail']);
  switch (value['kind']) {
    case 'refused':
      return {
        kind: 'refused',
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
        proxy: optionalText(value['proxy']),
      };
    case 'unusable':
      return {kind: 'unusable', service, host, status: numberOf(value['status']) ?? 0, detail};
    case 'local':
      return {kind: 'local', code: textOf(value['code']), detail, hint: optionalText(value['hint'])};
    default:
      return {kind: 'unexpected', detail};
  }
}

function serviceOf(value: unknown): Service {
  switch (value) {
    case 'managed-identity':
    case 'github-actions':
    case 'azure-pipelines':
    case 'key-vault':
    case 'issuer':
      return value;
    default:
      return 'entra';
  }
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
