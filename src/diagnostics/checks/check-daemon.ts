import {basename} from 'node:path';
import type {Service} from '../../service/service.ts';
import type {ServiceStatus} from '../../service/service-result.ts';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';

const {ok, warning, failed} = diagnosticsOf('daemon');

/** Checks whether the daemon and its service run, compares the version, and shows the daemon's notices. */
export async function checkDaemon({
  daemon,
  service,
  version,
}: Pick<World, 'daemon' | 'service' | 'version'>): Promise<readonly Diagnostic[]> {
  const found = await checkService(service, daemon.kind === 'running');
  if (daemon.kind === 'unreachable') return [failed('daemon', daemon.message, daemon.hint), ...found];
  const {status} = daemon;
  const runs = `${printable(status.version, 30)}, pid ${status.pid}`;
  const same =
    status.version === version
      ? ok('daemon', `running: ${runs}`)
      : warning(
          'daemon',
          `running in another version: ${runs}; this is ${version}`,
          'orgkey service restart',
        );
  const notices = status.notices.filter(({about}) => about === undefined || about === 'socket');
  return [
    same,
    ...found,
    ...notices.map(({level, message, hint}) =>
      (level === 'error' ? failed : warning)('notice', printable(message), printable(hint ?? 'orgkey logs')),
    ),
  ];
}

async function checkService(service: World['service'], runs: boolean): Promise<Diagnostic[]> {
  if (service === undefined) return [ok('service', 'not set up, you start the daemon yourself')];
  const {replaced = [], ...status} = await service.status();
  return [
    judgeService(service.kind, status, runs),
    ...replaced.map((path) =>
      warning(
        'unit',
        `${printable(path)} replaces the unit of the package, whose upgrades have no effect`,
        `move your changes to a drop-in (systemctl edit ${basename(path)}), remove ${shellWord(path)}, and run: systemctl daemon-reload`,
      ),
    ),
  ];
}

function judgeService(
  kind: Service['kind'],
  {installed, state, reason, hint = 'orgkey logs'}: ServiceStatus,
  runs: boolean,
): Diagnostic {
  const why = reason === undefined ? '' : `: ${printable(reason)}`;
  if (!installed)
    return warning(
      'service',
      `${kind} is not installed, so nothing starts the daemon`,
      'orgkey service install',
    );
  switch (state) {
    case 'running':
    case 'listening':
      return ok('service', `${kind}, ${state}`);
    case 'failed':
      return failed('service', `${kind} failed${why}`, `${printable(hint)}\nthen: orgkey service restart`);
    case 'stopped':
      return runs
        ? ok('service', `${kind} is stopped, the daemon was started manually`)
        : failed('service', `${kind} is stopped${why}`, 'orgkey service start');
  }
}
