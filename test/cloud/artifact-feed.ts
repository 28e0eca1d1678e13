import {createHash} from 'node:crypto';
import type {Reply} from './http-exchange.ts';
import type {Organization} from './organizations.ts';

const tarball = Buffer.from('not a real package');

/** An npm feed that holds every package, at version 1.0.0. `rest` follows the organization: `_packaging/FEED/npm/registry/NAME`. */
export function artifactFeed(organization: Organization, rest: readonly string[], host: string): Reply {
  // A project may precede `_packaging`
  const at = rest.indexOf('_packaging');
  const [feed = '', kind, ...more] = rest.slice(at + 1);
  if (at < 0 || !organization.feeds.has(feed.toLowerCase()))
    return {
      status: 404,
      body: {
        $id: '1',
        message: `VSS402014: Feed '${feed}' doesn't exist.`,
        typeKey: 'FeedIdNotFoundException',
        errorCode: 0,
        eventId: 3000,
      },
    };
  if (kind !== 'npm') return {status: 200, body: {version: '3.0.0', resources: []}};
  const name = more.slice(1).join('/');
  if (name === '') return {status: 200, body: {}};
  if (name.endsWith('.tgz'))
    return {status: 200, headers: {'content-type': 'application/octet-stream'}, body: tarball};
  const base = `https://${host}/${organization.name}/_packaging/${feed}/npm/registry`;
  return {
    status: 200,
    body: {
      name,
      'dist-tags': {latest: '1.0.0'},
      versions: {
        '1.0.0': {
          name,
          version: '1.0.0',
          dist: {
            tarball: `${base}/${name}/-/${name}-1.0.0.tgz`,
            shasum: createHash('sha1').update(tarball).digest('hex'),
          },
        },
      },
    },
  };
}
