import {printable} from '../../text/printable.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';

const {ok, warning, failed} = diagnosticsOf('daemon');

/** Whether the daemon runs, by what, in which version, and what it complains of itself: store, audit, sockets. */
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
      ? ok('daemon', `runs: ${runs}`)
      : warning(
          'daemon',
          `runs, but in another version: ${runs}; this is ${version}`,
          'orgkey service restart',
        );
  const told = status.notices.filter(({about}) => about === undefined || about === 'socket');
  return [
    same,
    ...found,
    ...told.map(({level, message, hint}) =>
      (level === 'red' ? failed : warning)('notice', printable(message), printable(hint ?? 'orgkey logs')),
    ),
  ];
}

async function checkService(service: World['service'], runs: boolean): Promise<Diagnostic[]> {
  if (service === undefined) return [ok('service', 'none was set up, the daemon is yours to start')];
  const {installed, state, reason} = await service.status();
  const why = reason === undefined ? '' : `: ${printable(reason)}`;
  if (!installed)
    return [
      warning(
        'service',
        `${service.kind}: not installed, nothing starts the daemon`,
        'orgkey service install',
      ),
    ];
  switch (state) {
    case 'running':
    case 'listening':
      return [ok('service', `${service.kind}, ${state}`)];
    case 'failed':
      return [failed('service', `${service.kind} failed${why}`, 'orgkey logs\nthen: orgkey service restart')];
    case 'stopped':
      return runs
        ? [ok('service', `${service.kind} is stopped, the daemon was started by hand`)]
        : [failed('service', `${service.kind} is stopped${why}`, 'orgkey service start')];
  }
}
