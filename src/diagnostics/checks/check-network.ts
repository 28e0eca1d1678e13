import {describeSkew} from '../../text/describe-skew.ts';
import {brokenProxyIn, proxyFor} from '../../network/proxy.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {printable} from '../../text/printable.ts';
import {access, constants} from 'node:fs/promises';
import {askServer, type Asked} from '../ask-server.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';

const {ok, skipped, warning, failed} = diagnosticsOf('network');

/** Checks that this shell reaches Azure DevOps and the issuer, and compares our clock with theirs. */
export async function checkNetwork(
  world: Pick<World, 'environment' | 'loaded' | 'targets' | 'version' | 'daemon'>,
): Promise<readonly Diagnostic[]> {
  const {environment, daemon} = world;
  const broken = brokenProxyIn(environment);
  if (broken !== undefined)
    return [failed('proxy', `${broken} is not the address of a proxy`, `set ${broken} to http://proxy:port`)];
  const hosts = hostsOf(world);
  const asked = await Promise.all(
    hosts.map(async (host) => ({
      host,
      asked: await askServer({
        url: `https://${host}/`,
        headers: {'user-agent': 'orgkey (doctor)'},
        environment,
      }),
    })),
  );
  const skews = asked.flatMap(({asked: one}) => (one.kind === 'answered' ? [one.answer.skew] : []));
  return [
    ...(await checkAuthorities(environment)),
    ...asked.map(({host, asked: one}) => describeWay(host, one, environment)),
    checkClock(
      skews.find((skew) => skew !== undefined),
      daemon.kind === 'running' ? daemon.status.clockSkew : undefined,
    ),
  ];
}

/** Returns the configured hosts of Azure DevOps, and the issuer that signs in to them. */
function hostsOf({loaded, targets}: Pick<World, 'loaded' | 'targets'>): string[] {
  const bindings = loaded.kind === 'loaded' ? loaded.configuration.bindings : [];
  const hosts = [...bindings.map(({host}) => host), ...targets.map(({host}) => host)].filter(
    (host) => host !== '*',
  );
  const asksEntra = bindings.some(
    ({identity: {kind}}) => kind !== 'pat' && kind !== 'stored' && kind !== 'managed-identity',
  );
  const authority = loaded.kind === 'loaded' ? loaded.configuration.settings.entra.authorityHost : undefined;
  const issuer = asksEntra && authority !== undefined ? URL.parse(authority)?.host : undefined;
  return [
    ...new Set([
      ...(hosts.length === 0 ? [SERVICES_HOST] : hosts),
      ...(issuer === undefined ? [] : [issuer]),
    ]),
  ];
}

/** Any answer over a trusted certificate will do. */
function describeWay(host: string, asked: Asked, environment: World['environment']): Diagnostic {
  const proxy = proxyFor(`https://${host}/`, environment);
  const way = proxy === undefined ? 'reached' : `reached through the proxy ${printable(proxy, 80)}`;
  return asked.kind === 'answered' ? ok(host, way) : failed(host, asked.message, asked.repair);
}

/** Node only warns if it cannot read this file. */
async function checkAuthorities(environment: World['environment']): Promise<Diagnostic[]> {
  const path = environment['NODE_EXTRA_CA_CERTS'];
  if (!path) return [];
  const isThere = await access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
  return isThere
    ? []
    : [
        failed(
          'authorities',
          `cannot read ${printable(path, 200)}, which NODE_EXTRA_CA_CERTS names`,
          'correct NODE_EXTRA_CA_CERTS, or unset it',
        ),
      ];
}

function checkClock(here: number | undefined, daemon: number | undefined): Diagnostic {
  const skew = here ?? daemon;
  if (skew === undefined) return skipped('clock', 'no server sent the time');
  const message = describeSkew(skew);
  return message === undefined
    ? ok('clock', 'correct to the minute')
    : warning('clock', message, 'timedatectl set-ntp true');
}
