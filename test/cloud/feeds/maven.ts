import {createHash} from 'node:crypto';
import type {Exchange, Reply} from '../http-exchange.ts';
import {blobStore} from './blob-store.ts';
import type {FeedPlace} from './feed.ts';

/** `maven/v1/GROUP/ARTIFACT/VERSION/FILE`, and the checksum of each file. A file is written once. */
export function mavenRepository(
  {feed}: FeedPlace,
  [version, ...rest]: readonly string[],
  {method, body}: Exchange,
): Reply {
  const path = rest.join('/');
  if (version !== 'v1' || rest.length === 0) return {status: 404, body: 'not found\n'};
  if (method === 'PUT') {
    if (feed.maven.has(path) && !path.includes('maven-metadata.xml'))
      return {status: 409, body: `${path} exists\n`};
    feed.maven.set(path, body);
    return {status: 201, body: ''};
  }
  const [, whole = path, digest] = /^(.*)\.(sha1|md5)$/.exec(path) ?? [];
  const bytes = feed.maven.get(whole);
  if (bytes === undefined) return {status: 404, body: 'not found\n'};
  return digest === undefined
    ? blobStore.redirectTo(bytes)
    : {status: 200, body: createHash(digest).update(bytes).digest('hex')};
}
