import {join} from 'node:path';

/** What tests run: the program as it is packed. ava's configuration builds it first, if a source is newer. */
const dist = join(import.meta.dirname, '../../dist');

/** The path of the command line and the daemon, for Node. */
export const main = join(dist, 'main.js');
/** The path of git's helper. */
export const helper = join(dist, 'git-credential-orgkey');
/** The path of git's ssh command. */
export const sshWrapper = join(dist, 'orgkey-ssh');
