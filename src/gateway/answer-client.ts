import type {ServerResponse} from 'node:http';
import {printable} from '../text/printable.ts';
import {fetchError} from './rule/push-report.ts';
import type {Operation} from './rule/operation.ts';

/** A reason for the client: git prints both lines with `remote: ` in front. */
export interface Reason {
  readonly status: number;
  readonly message: string;
  readonly hint: string | undefined;
  readonly retryAfter?: string | undefined;
}

/**
 * Answers with a reason, in the form that git shows: two lines of plain text, or inside the protocol for a fetch that
 * has begun, where git shows no text of an HTTP error.
 */
export function answerReason(
  response: ServerResponse,
  reason: Reason,
  kind: Operation['kind'] | undefined,
): void {
  if (response.headersSent) return void response.destroy();
  const {status, message, hint, retryAfter} = reason;
  if (kind === 'fetch') {
    const text = hint === undefined ? `orgkey: ${message}` : `orgkey: ${message}; ${hint}`;
    response.writeHead(200, {'content-type': 'application/x-git-upload-pack-result', ...NO_CACHE});
    response.end(fetchError(printable(text, 900)));
    return;
  }
  if (kind?.startsWith('lfs-') === true) {
    response.writeHead(status, {'content-type': 'application/vnd.git-lfs+json', ...NO_CACHE});
    response.end(JSON.stringify({message: `orgkey: ${message}${hint === undefined ? '' : `; ${hint}`}`}));
    return;
  }
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    ...NO_CACHE,
    ...(retryAfter === undefined ? {} : {'retry-after': retryAfter}),
  });
  const lines = [`orgkey: ${message}`, ...(hint === undefined ? [] : [`hint: ${hint}`])];
  response.end(lines.map((line) => `${printable(line, 500)}\n`).join(''));
}

const NO_CACHE = {'cache-control': 'no-cache, max-age=0, must-revalidate'};
