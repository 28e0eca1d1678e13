import {join, resolve} from 'node:path';
import type {Context, Places} from './context.ts';

/** Relative paths are taken from where the command was started; a `~/` that no shell replaced, from home. */
export function absolute(path: string, {directory, home}: Pick<Context, 'directory' | 'home'>): string {
  return path.startsWith('~/') ? join(home, path.slice(2)) : resolve(directory, path);
}

/** Where orgkey keeps what it must remember. */
export function stateDirectory(options: Places, context: Context): string {
  const {environment, home} = context;
  const named = options['state-dir'] ?? environment['ORGKEY_STATE_DIR'];
  if (named) return absolute(named, context);
  return join(environment['XDG_STATE_HOME'] || join(home, '.local', 'state'), 'orgkey');
}

/** Where a daemon started now would have its sockets. */
export function runtimeDirectory(options: Places, context: Context): string {
  const {environment, uid} = context;
  const named = options['runtime-dir'] ?? environment['ORGKEY_RUNTIME_DIR'];
  if (named) return absolute(named, context);
  const ofSession = environment['XDG_RUNTIME_DIR'];
  return ofSession ? join(ofSession, 'orgkey') : join(environment['TMPDIR'] || '/tmp', `orgkey-${uid}`);
}

/** The directory of the person's own configuration. */
export function configurationDirectory({environment, home}: Context): string {
  return join(environment['XDG_CONFIG_HOME'] || join(home, '.config'), 'orgkey');
}

/** Where a setup for the whole machine is recorded: root's, since what root undoes later must be nobody else's to write. */
const SYSTEM_SETUP = '/var/lib/orgkey-setup';

/** Where `setup` records what it changed. */
export function setupDirectory(options: Places & {readonly system?: boolean}, context: Context): string {
  const isNamed = options['state-dir'] ?? context.environment['ORGKEY_STATE_DIR'];
  return options.system && !isNamed ? SYSTEM_SETUP : stateDirectory(options, context);
}
