import {readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {makeDirectory, STATE_NAMING} from '../../places/make-directory.ts';
import {parseRecord} from '../../text/record.ts';
import type {ServiceKind} from '../../service/service.ts';

/** How the service was set up. `orgkey service start`, which git's helper runs, starts the same one again. */
interface RememberedService {
  /** `none`: the user starts the daemon. */
  readonly kind: ServiceKind | 'none';
  /** Absolute. `undefined`: the daemon finds it. */
  readonly configFile: string | undefined;
}

export async function recallFirst(
  stateDirectories: readonly string[],
): Promise<RememberedService | undefined> {
  for (const directory of stateDirectories) {
    const remembered = await recallService(directory);
    if (remembered !== undefined) return remembered;
  }
  return undefined;
}

/** Returns the recorded service. `undefined`: the record does not exist or cannot be read. */
export async function recallService(stateDirectory: string): Promise<RememberedService | undefined> {
  try {
    const remembered = parseRecord(await readFile(fileIn(stateDirectory), 'utf8'));
    const kind = SERVICE_CHOICES.find((one) => one === remembered?.['kind']);
    const configFile = remembered?.['configFile'];
    if (kind === undefined) return undefined;
    return {kind, configFile: typeof configFile === 'string' ? configFile : undefined};
  } catch {
    return undefined;
  }
}

export async function rememberService(stateDirectory: string, service: RememberedService): Promise<void> {
  makeDirectory(stateDirectory, 0o700, STATE_NAMING);
  await writeFile(fileIn(stateDirectory), `${JSON.stringify({schemaVersion: 1, ...service})}\n`, {
    mode: 0o600,
  });
}

export async function forgetService(stateDirectory: string): Promise<void> {
  await rm(fileIn(stateDirectory), {force: true});
}

const SERVICE_CHOICES = ['systemd-user', 'systemd-system', 'launchd', 'plain', 'none'] as const;

function fileIn(stateDirectory: string): string {
  return join(stateDirectory, 'service.json');
}
