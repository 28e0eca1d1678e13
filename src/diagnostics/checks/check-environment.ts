import {shownVariables} from '../../network/shown-variables.ts';
import {printable} from '../../text/printable.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';

const {ok, skipped, warning} = diagnosticsOf('daemon');

/** Compares this shell's variables for proxies, certificates and identity endpoints with the daemon's. */
export async function checkEnvironment({
  environment,
  daemon,
  service,
}: Pick<World, 'environment' | 'daemon' | 'service'>): Promise<readonly Diagnostic[]> {
  if (daemon.kind === 'unreachable') return [skipped('variables', 'the daemon is not running')];
  const here = shownVariables(environment);
  const there = daemon.status.environment;
  const names = [...new Set([...Object.keys(here), ...Object.keys(there)])].toSorted();
  const different = names.filter((name) => here[name] !== there[name]);
  if (different.length === 0)
    return [
      ok(
        'variables',
        names.length === 0
          ? 'neither a proxy nor a certificate file is set'
          : `the daemon has the same: ${names.join(', ')}`,
      ),
    ];
  return different.map((name) =>
    warning(
      'variables',
      describeDifference(name, here[name], there[name]),
      repairOf(name, here[name], service),
    ),
  );
}

function describeDifference(name: string, here: string | undefined, there: string | undefined): string {
  if (there === undefined) return `${name} is set here, but not for the daemon`;
  if (here === undefined) return `${name} is set for the daemon, but not here: ${printable(there, 100)}`;
  return `${name} is ${printable(there, 100)} for the daemon, but ${printable(here, 100)} here`;
}

function repairOf(name: string, here: string | undefined, service: World['service']): string {
  return here === undefined
    ? `if git needs ${name}, set it here too; else remove it from the daemon's environment`
    : setForService({name, value: '…'}, service);
}

export function setForService(
  {name, value}: {readonly name: string; readonly value: string},
  service: World['service'],
): string {
  switch (service?.kind) {
    case 'systemd-user':
      return `add ${name}=${value} to ~/.config/orgkey/env, then: orgkey service restart`;
    case 'systemd-system':
      return `add ${name}=${value} to /etc/orgkey/env, then: orgkey service restart --system`;
    case 'launchd':
      return `launchctl setenv ${name} ${value}, then: orgkey service restart`;
    case 'plain':
    case undefined:
      return 'run this in a shell that has it: orgkey service restart';
  }
}
