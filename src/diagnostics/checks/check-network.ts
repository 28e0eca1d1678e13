import {describeSkew} from '../../text/describe-skew.ts';
import {brokenProxyIn, proxyFor} from '../../network/proxy.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {printable} from '../../text/printable.ts';
import {constants} from 'node:fs/promises';
import {askServer, forThisShell, type Asked} from '../ask-server.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {setForService} from './check-environment.ts';
import type {World} from '../world.ts';
import {httpSettings} from '../../git/seen-settings.ts';
import {canAccess} from '../../files/can-access.ts';
import type {Environment} from '../../text/environment.ts';

const {ok, skipped, warning, failed} = diagnosticsOf('network');

/** Checks that this shell reaches Azure DevOps and the issuer, and compares our clock with theirs. */
export async function checkNetwork(
  world: Pick<World, 'environment' | 'loaded' | 'targets' | 'version' | 'daemon' | 'settings' | 'service'>,
): Promise<readonly Diagnostic[]> {
  const {environment, daemon} = world;
  const broken = brokenProxyIn(environment);
  if (broken !== undefined)
    return [failed('proxy', broken.message, forThisShell(broken.hint) ?? 'correct the address')];
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
    ...asked.map(({host, asked: one}) => describeWay(host, one, world)),
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
function describeWay(
  host: string,
  asked: Asked,
  {environment, settings, service}: Pick<World, 'environment' | 'settings' | 'service'>,
): Diagnostic {
  const url = `https://${host}/`;
  const proxy = proxyFor(url, environment);
  const way = proxy === undefined ? 'reached' : `reached through the proxy ${printable(proxy, 80)}`;
  if (asked.kind === 'answered') return ok(host, way);
  const file = asked.code === 'ERR_TLS_UNTRUSTED' ? authoritiesOfGit(url, environment, settings) : undefined;
  if (file === undefined) return failed(host, asked.message, asked.repair);
  const variable = {name: 'NODE_EXTRA_CA_CERTS', value: file};
  return failed(
    host,
    `${asked.message}, but maybe by git, which reads ${file}`,
    `export NODE_EXTRA_CA_CERTS=${file}\n${setForService(variable, service)}`,
  );
}

/** Returns the file with the authorities that git trusts for a URL, if its name is harmless in a shell. */
function authoritiesOfGit(
  url: string,
  environment: Environment,
  settings: World['settings'],
): string | undefined {
  const setting = httpSettings('sslcainfo', url, settings).at(-1);
  const file = environment['GIT_SSL_CAINFO'] || setting?.value;
  return file !== undefined && /^\/[\w./@+-]+$/.test(file) ? file : undefined;
}

/** Node only warns if it cannot read this file. */
async function checkAuthorities(environment: Environment): Promise<Diagnostic[]> {
  const path = environment['NODE_EXTRA_CA_CERTS'];
  if (!path || (await canAccess(path, constants.R_OK))) return [];
  const detail = `cannot read ${printable(path, 200)}, which NODE_EXTRA_CA_CERTS names`;
  return [failed('authorities', detail, 'correct NODE_EXTRA_CA_CERTS, or unset it')];
}

function checkClock(here: number | undefined, daemon: number | undefined): Diagnostic {
  const skew = here ?? daemon;
  if (skew === undefined) return skipped('clock', 'no server sent the time');
  const message = describeSkew(skew);
  return message === undefined
    ? ok('clock', 'correct to the minute')
    : warning('clock', message, 'timedatectl set-ntp true');
}
