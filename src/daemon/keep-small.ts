import {flushCompileCache} from 'node:module';
import {setFlagsFromString} from 'node:v8';

/**
 * For a daemon that has started: keeps what was compiled for the next start, which a daemon that ends by a signal would
 * never do, and then goes without V8's second optimizing compiler, whose code and own pages weigh more (15 MB) than its
 * speed is worth here. Not by flags at the start, and not before the code is kept: whatever V8 compiled under other
 * flags is not taken.
 */
export function keepSmall(): void {
  flushCompileCache();
  for (const flag of ['--no-opt', '--optimize-for-size']) setFlagsFromString(flag);
}
