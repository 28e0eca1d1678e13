/** A process to measure, with nothing but a daemon's grants in it. It reads its settings from stdin, as JSON. */
import {text} from 'node:stream/consumers';

import {keepSmall} from '../../src/daemon/keep-small.ts';
import {ruleFor, startGrantDaemon} from '../../test/helpers/grant-daemon.ts';

const {privateKey, ...rule} = JSON.parse(await text(process.stdin)) as {
  privateKey: string;
  organizations: string[];
  host: string;
  knownHosts: string;
};
const daemon = await startGrantDaemon({submodules: [ruleFor(privateKey, rule)]});
// As the daemon does once it has started
await import('../../src/ssh/grant/serve-grant.ts');
keepSmall();
process.stdout.write(`${daemon.directory}\n`);
process.once('SIGTERM', () => void daemon.close().then(() => process.exit()));
setInterval(() => {}, 60_000);
