import {randomUUID} from 'node:crypto';
import type {Reply} from './http-exchange.ts';

/** A refusal of Entra, thrown where it is noticed and answered in one place. */
export class EntraError extends Error {
  readonly number: number;
  /** The OAuth error. */
  readonly error: string;
  readonly status: number;
  readonly suberror: string | undefined;

  constructor(
    number: number,
    error: string,
    message: string,
    {status, suberror}: {status?: number; suberror?: string} = {},
  ) {
    super(message);
    this.number = number;
    this.error = error;
    // as Entra does: who can't prove who they are gets 401, all else is a bad request
    this.status = status ?? (error === 'invalid_client' ? 401 : 400);
    this.suberror = suberror;
  }
}

/** The body that Entra sends, with its own ids and time. */
export function entraErrorReply(
  error: EntraError,
  {now, correlationId = randomUUID()}: {now: number; correlationId?: string},
): Reply {
  const timestamp = new Date(now).toISOString().replace('T', ' ').replace(/\.\d+/, '');
  const traceId = randomUUID();
  return {
    status: error.status,
    headers: {'cache-control': 'no-store, no-cache', 'x-ms-request-id': traceId, pragma: 'no-cache'},
    body: {
      error: error.error,
      error_description: `AADSTS${error.number}: ${error.message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
      error_codes: [error.number],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `https://login.microsoftonline.com/error?code=${error.number}`,
      ...(error.suberror === undefined ? {} : {suberror: error.suberror}),
    },
  };
}
