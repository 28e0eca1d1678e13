import {keepCompiledCode} from './compile-cache.ts';
import {forbidEval} from './forbid-eval.ts';

// the daemon may start cold in front of a waiting git: it loads nothing of the command line
const argv = process.argv.slice(2);
forbidEval();
const isHelper = argv[0] === 'helper';
// a tool waits for its helper, which is too small for a cache; a job of a pipeline leaves nothing behind
if (!isHelper && argv[0] !== 'job') keepCompiledCode(argv, process.env, process.getuid?.() ?? 0);
const isDaemon = argv[0] === 'daemon' && !argv.includes('--help') && !argv.includes('-h');
process.exitCode = await (await program()).main(argv);

function program(): Promise<{readonly main: (argv: readonly string[]) => Promise<number>}> {
  if (isDaemon) return import('./daemon/main.ts');
  return isHelper ? import('./tools/main.ts') : import('./cli/main.ts');
}
