/** A child process that runs as another user: prints what a configuration became, as JSON. usage: load-as.ts FILE */
import {readFileSync} from 'node:fs';
import {loadConfiguration} from '../../src/config/load-configuration.ts';

const [, , file] = process.argv;
// The root of a user namespace is not root outside of it
const isRoot = process.getuid?.() === 0 && /^\s*0\s+0\s/m.test(readFileSync('/proc/self/uid_map', 'utf8'));
if (isRoot) throw new Error('modes and owners mean nothing to root');
const loaded = await loadConfiguration({file, environment: process.env, key: new Uint8Array(32)});
process.stdout.write(JSON.stringify(loaded));
