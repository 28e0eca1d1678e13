/** A child process that runs as another user: prints what a configuration became, as JSON. usage: load-as.ts FILE */
import {loadConfiguration} from '../../src/config/load-configuration.ts';

const [, , file] = process.argv;
if (process.getuid?.() === 0) throw new Error('modes and owners mean nothing to root');
const loaded = await loadConfiguration({file, environment: process.env, key: new Uint8Array(32)});
process.stdout.write(JSON.stringify(loaded));
