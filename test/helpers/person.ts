import type {Cloud} from '../cloud/cloud.ts';
import {helper, type TestDaemon} from './daemon.ts';
import {GitHome} from './git-home.ts';
import type {Git} from './gits.ts';

/** A home in which git is configured for this daemon as the README says. `path` comes first on the PATH. */
export async function personOf(
  daemon: TestDaemon,
  {cloud, git, path}: {readonly cloud: Cloud; readonly git: Git; readonly path?: string},
): Promise<GitHome> {
  const home = new GitHome({
    ...cloud.environment(),
    ...daemon.environment,
    PATH: [...(path === undefined ? [] : [path]), git.path, process.env['PATH'] ?? ''].join(':'),
  });
  await home.succeed(['config', '--global', 'credential.https://dev.azure.com.useHttpPath', 'true']);
  await home.succeed(['config', '--global', 'credential.helper', `!'${helper}'`]);
  return home;
}
