import {shownVariables} from '../../network/shown-variables.ts';
import {printable} from '../../text/printable.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';

const {ok, skipped, warning} = diagnosticsOf('daemon');

/** What this shell sets for the way out, for what is trusted and for identities, against what the daemon has of it. */
export async function checkEnvironment({
  environment,
  daemon,
  service,
}: Pick<World, 'environment' | 'daemon' | 'service'>): Promise<readonly Diagnostic[]> {
  if (daemon.kind === 'unreachable') return [skipped('variables', 'the daemon does not run')];
  const here = shownVariables(environment);
  const there = daemon.status.environment;
  const names = [...new Set([...Object.keys(here), ...Object.keys(there)])].toSorted();
  const different = names.filter((name) => here[name] !== there[name]);
  if (different.length === 0)
    return [
      ok(
        'variables',
        names.length === 0 ? 'neither proxy nor authority is set' : `as here: ${names.join(', ')}`,
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
  if (there === undefined) return `${name} is set here, and not for the daemon`;
  if (here === undefined) return `${name} is set for the daemon, and not here: ${printable(there, 100)}`;
  return `${name} is ${printable(there, 100)} for the daemon, and ${printable(here, 100)} here`;
}

function repairOf(name: string, here: string | undefined, service: World['service']): string {
  if (here === undefined) return `set it here too, or take it from the daemon, if ${name} matters to git`;
  switch (service?.kind) {
    case 'systemd-user':
      return `put ${name}=… into ~/.config/orgkey/env, then: orgkey service restart`;
    case 'systemd-system':
      return `put ${name}=… into /etc/orgkey/env, then: orgkey service restart --system`;
    case 'launchd':
      return `launchctl setenv ${name} …, then: orgkey service restart`;
    case 'plain':
    case undefined:
      return 'start it from a shell that has it: orgkey service restart';
  }
}
