import {readdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {readText, type Change} from './change.ts';
import type {DaemonCommand} from './machine.ts';
import {
  dropInFile,
  isOurCopy,
  type PackagedUnits,
  packagedUnits,
  saysTheSame,
  unitsBesidePackage,
  wholeUnits,
} from './packaged-units.ts';
import {
  type Sandbox,
  serviceUnit,
  sysusersFile,
  type UnitFile,
  type UnitScope,
  userUnits,
} from './systemd-units.ts';

/** The files that systemd reads: which we want, and which of those that are there we wrote. */
export class UnitFiles {
  readonly #scope: UnitScope;
  readonly #daemon: DaemonCommand;
  readonly #sysusers: string;
  /** The directory in which packages put their units. */
  readonly #packageDirectory: string;
  #directory: string;

  constructor(scope: UnitScope, daemon: DaemonCommand, directories: Directories) {
    this.#scope = scope;
    this.#daemon = daemon;
    this.#directory = directories.units;
    this.#sysusers = join(directories.administrator, 'sysusers.d/orgkey.conf');
    this.#packageDirectory = join(directories.packages, 'systemd/system');
  }

  /** Takes the directory in which the manager reads units, once the manager has reported it. */
  moveTo(directory: string): void {
    this.#directory = directory;
  }

  wanted(sandbox: Sandbox, packaged: PackagedUnits | undefined): readonly Extract<Change, {kind: 'write'}>[] {
    const files = (units: readonly UnitFile[]) => units.map(({name, text}) => write(this.path(name), text));
    if (this.#scope === 'user') return files(userUnits(this.#daemon, sandbox));
    if (packaged !== undefined) return files(unitsBesidePackage(this.#daemon));
    return [write(this.#sysusers, sysusersFile), ...files(wholeUnits(this.#daemon))];
  }

  /** The units of a package are used as they are. `undefined`: this program brought none. */
  async packaged(): Promise<PackagedUnits | undefined> {
    return this.#scope === 'user' ? undefined : packagedUnits(this.#packageDirectory, this.#daemon);
  }

  /** Returns the administrator's units that systemd reads in place of packaged ones, and that say something else. */
  async replaced(): Promise<readonly string[]> {
    const packaged = (await this.packaged()) ?? new Map<string, string>();
    const found: string[] = [];
    for (const name of packaged.keys()) {
      const text = await readText(this.path(name));
      if (text !== undefined && !saysTheSame(name, text, packaged)) found.push(this.path(name));
    }
    return found;
  }

  /** Returns the files that we wrote. Beside a package, the administrator may have units of the same names. */
  async own(packaged: PackagedUnits | undefined): Promise<readonly OwnFile[]> {
    const units = (await this.installed()).map((name) => ({name, path: this.path(name)}));
    const others =
      this.#scope === 'user'
        ? []
        : [
            {name: dropInFile, path: this.path(dropInFile)},
            {name: 'sysusers', path: this.#sysusers},
          ];
    const found: OwnFile[] = [];
    for (const {name, path} of [...units, ...others]) {
      const text = await readText(path);
      if (text === undefined) continue;
      const isSame = packaged !== undefined && saysTheSame(name, text, packaged);
      if (packaged === undefined || this.#isOwn(name, text, packaged)) found.push({name, path, isSame});
    }
    return found;
  }

  #isOwn(name: string, text: string, packaged: PackagedUnits): boolean {
    if (name === 'sysusers') return text === sysusersFile;
    return !packaged.has(name) || isOurCopy(name, text, {packaged, daemon: this.#daemon});
  }

  async installed(): Promise<readonly string[]> {
    const names = await readdir(this.#directory).catch(() => []);
    return names.filter((name) => /^orgkey(\.service|\.socket|-[a-z0-9][a-z0-9-]*\.socket)$/.test(name));
  }

  /** Keeps a reduced sandbox: the kernel has not changed. */
  async sandbox(): Promise<Sandbox> {
    const text = await readText(this.path(serviceUnit));
    return this.#scope === 'user' && text !== undefined && !text.includes('\nPrivateUsers=yes')
      ? 'without-namespaces'
      : 'full';
  }

  path(unit: string): string {
    return join(this.#directory, unit);
  }
}

/** Of units, of the administrator's files, and of packages' files. */
interface Directories {
  readonly units: string;
  readonly administrator: string;
  readonly packages: string;
}

export interface OwnFile {
  readonly name: string;
  readonly path: string;
  /** Whether nothing changes if it is removed, because the packaged unit says the same. */
  readonly isSame: boolean;
}

/** Removes files, and the directory of the drop-in unless it holds others. */
export function removals(files: readonly OwnFile[]): readonly Change[] {
  return files.flatMap(({name, path}): readonly Change[] =>
    name === dropInFile
      ? [
          {kind: 'remove', path},
          {kind: 'run', command: ['rmdir', dirname(path)], failure: 'ignored'},
        ]
      : [{kind: 'remove', path}],
  );
}

function write(path: string, text: string): Extract<Change, {kind: 'write'}> {
  return {kind: 'write', path, text, mode: 0o644};
}
