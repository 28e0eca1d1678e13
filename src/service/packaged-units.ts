import {join} from 'node:path';
import {readText} from './change.ts';
import type {DaemonCommand} from './machine.ts';
import {
  escaped,
  gitSocketUnit,
  quoted,
  scopedSocketUnit,
  serviceUnit,
  systemUnits,
  type UnitFile,
  writablePaths,
} from './systemd-units.ts';

/** The texts of the units that a package brought, by name. */
export type PackagedUnits = ReadonlyMap<string, string>;

/** Our drop-in, below the directory of units. Its number leaves room for the administrator's before and after it. */
export const dropInFile = `${serviceUnit}.d/50-setup.conf`;

/** Says in a whole unit that it is ours, which tells it from the administrator's own copy of a packaged one. */
const MARK = '# orgkey setup wrote this file and replaces it. For changes: systemctl edit';

/** Returns the units of the package that runs this program. `undefined`: it does not come from a package. */
export async function packagedUnits(
  directory: string,
  {node, main}: DaemonCommand,
): Promise<PackagedUnits | undefined> {
  const names = [gitSocketUnit, serviceUnit];
  const [socket, service] = await Promise.all(names.map((name) => readText(join(directory, name))));
  if (socket === undefined || service === undefined) return undefined;
  const command = service.split('\n').find((line) => line.startsWith('ExecStart='));
  // a checkout runs another program than the package
  const isOurs =
    command?.startsWith(`ExecStart=:${quoted(escaped(node))} `) &&
    command.includes(` ${quoted(escaped(main))} daemon`);
  return isOurs
    ? new Map([
        [gitSocketUnit, socket],
        [serviceUnit, service],
      ])
    : undefined;
}

/** Returns whole units, for a program that has none in a package. */
export function wholeUnits(daemon: DaemonCommand): readonly UnitFile[] {
  return systemUnits(daemon).map(({name, text}) => ({name, text: `${MARK} ${name}\n${text}`}));
}

/** Returns what the units of the package lack: the scoped sockets, and a drop-in if there is anything to add. */
export function unitsBesidePackage(daemon: DaemonCommand): readonly UnitFile[] {
  const sockets = systemUnits(daemon).filter(({name}) => name !== serviceUnit && name !== gitSocketUnit);
  const text = dropIn(daemon);
  return text === undefined ? sockets : [...sockets, {name: dropInFile, text}];
}

/** Adds to lists and sets nothing else, so that all that a later package changes takes effect. */
function dropIn({sockets, configFile}: DaemonCommand): string | undefined {
  if (sockets.length === 0 && configFile === undefined) return undefined;
  const units = sockets.map(scopedSocketUnit).join(' ');
  const unit = sockets.length === 0 ? '' : `[Unit]\nWants=${units}\nAfter=${units}\n\n`;
  const lines = [
    ...(configFile === undefined ? [] : [`Environment=${quoted(`ORGKEY_CONFIG=${escaped(configFile)}`)}`]),
    ...(sockets.length === 0
      ? []
      : [`Sockets=${units}`, `ReadWritePaths=${writablePaths(sockets).join(' ')}`]),
  ];
  return `# orgkey setup wrote this file and replaces it\n${unit}[Service]\n${lines.join('\n')}\n`;
}

/** Whether a unit that shadows a packaged one is our copy of it, not the administrator's own. */
export function isOurCopy(name: string, text: string, {packaged, daemon}: Origin): boolean {
  if (text.startsWith(MARK) || text === packaged.get(name)) return true;
  return systemUnits(daemon).some((unit) => unit.name === name && unit.text === text);
}

interface Origin {
  readonly packaged: PackagedUnits;
  readonly daemon: DaemonCommand;
}

/** Whether systemd reads the same from a copy as from the packaged unit. */
export function saysTheSame(name: string, text: string, packaged: PackagedUnits): boolean {
  return text.replace(`${MARK} ${name}\n`, '') === packaged.get(name);
}
