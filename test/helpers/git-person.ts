import type {Cloud} from '../cloud/cloud.ts';
import {helper, type TestDaemon} from './daemon.ts';
import {GitHome} from './git-home.ts';
import {gits, type Git} from './gits.ts';
import {helperValue} from '../../src/git/setting.ts';

/** Makes a home whose git asks the daemon for every host, with the path; a prompt for a password leaves a file. */
export async function gitPerson(
  cloud: Cloud,
  daemon: Pick<TestDaemon, 'environment'>,
  git: Git | undefined = gits[0],
): Promise<GitHome> {
  const home = new GitHome({
    ...cloud.environment(),
    ...daemon.environment,
    PATH: `${git?.path ?? ''}:${process.env['PATH'] ?? ''}`,
  });
  home.write('askpass', '#!/bin/sh\ntouch "$HOME/asked"\nexit 1\n', 0o755);
  await home.succeed(['config', '--global', 'core.askPass', `${home.directory}/askpass`]);
  await home.succeed(['config', '--global', 'credential.useHttpPath', 'true']);
  await home.succeed(['config', '--global', 'credential.helper', helperValue(helper)]);
  return home;
}
