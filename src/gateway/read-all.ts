import type {Readable} from 'node:stream';
import {OrgkeyError} from '../text/orgkey-error.ts';

/**
 * Reads a body to its end.
 * @throws {OrgkeyError} `ERR_TOO_LARGE` if it has more than `limit` bytes.
 */
export async function readAll(body: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const parts: AsyncIterable<Buffer> = body;
  for await (const chunk of parts) {
    length += chunk.length;
    if (length > limit) throw new OrgkeyError('ERR_TOO_LARGE', `a body has more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
