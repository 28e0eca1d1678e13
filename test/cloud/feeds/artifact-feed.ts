import type {Exchange, Reply} from '../http-exchange.ts';
import {isSame, type Organization} from '../organizations.ts';
import {cargoRegistry} from './cargo.ts';
import {mavenRepository} from './maven.ts';
import {npmRegistry} from './npm.ts';
import {pypiFeed} from './pypi.ts';

/**
 * Answers a feed: `rest` follows the organization, as in `[PROJECT/]_packaging/FEED/npm/registry/NAME`. A view is part of
 * the name.
 */
export function artifactFeed(organization: Organization, rest: readonly string[], exchange: Exchange): Reply {
  const at = rest.indexOf('_packaging');
  const [named = '', kind = '', ...more] = rest.slice(at + 1);
  const feed = at < 0 ? undefined : organization.feeds.get(named.replace(/@.*$/, '').toLowerCase());
  if (feed === undefined)
    return {
      status: 404,
      body: {
        $id: '1',
        message: `VSS402014: Feed '${named}' doesn't exist.`,
        typeKey: 'FeedIdNotFoundException',
        errorCode: 0,
        eventId: 3000,
      },
    };
  const kinds = {npm: npmRegistry, pypi: pypiFeed, cargo: cargoRegistry, maven: mavenRepository};
  const serve = Object.entries(kinds).find(([name]) => isSame(name, kind))?.[1];
  if (serve === undefined) return {status: 200, body: {version: '3.0.0', resources: []}};
  const above = exchange.path.slice(0, exchange.path.toLowerCase().indexOf('/_packaging/'));
  const base = `https://${exchange.host}${above}/_packaging/${encodeURIComponent(named)}`;
  return serve({feed, base}, more, exchange);
}
