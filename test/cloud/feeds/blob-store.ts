import {randomUUID} from 'node:crypto';
import type {Reply, Route, Router} from '../http-exchange.ts';

const HOST = 'artifacts.blob.core.windows.net';

/** The bytes of packages, apart from the feeds. The address is the permission: a request with another one is refused. Fact 94. */
export class BlobStore {
  static readonly host = HOST;
  readonly #blobs = new Map<string, Buffer>();

  /** Returns the redirect to the bytes. */
  redirectTo(bytes: Buffer): Reply {
    const name = randomUUID();
    this.#blobs.set(name, bytes);
    return {status: 303, headers: {location: `https://${HOST}/b/${name}?sig=${encodeURIComponent(name)}`}};
  }

  readonly route: Router = ({segments, query}): Route => ({
    endpoint: 'blob',
    handle: ({authorization}) => {
      if (authorization !== undefined) return {status: 400, body: 'InvalidAuthenticationInfo\n'};
      const [, name = ''] = segments;
      const bytes = this.#blobs.get(name);
      if (bytes === undefined || query.get('sig') !== name)
        return {status: 403, body: 'AuthenticationFailed\n'};
      return {status: 200, headers: {'content-type': 'application/octet-stream'}, body: bytes};
    },
  });
}

/** All feeds of all clouds: an address is never given twice. */
export const blobStore = new BlobStore();
