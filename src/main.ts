import {keepCompiledCode} from './compile-cache.ts';
import {forbidEval} from './forbid-eval.ts';

// the daemon may start cold in front of a waiting git: it loads nothing of the command line
const argv = process.argv.slice(2);
forbidEval();
keepCompiledCode(argv, process.env, process.getuid?.() ?? 0);
const isDaemon = argv[0] === 'daemon' && !argv.includes('--help') && !argv.includes('-h');
const {main} = isDaemon ? await import('./daemon/main.ts') : await import('./cli/main.ts');
process.exitCode = await main(argv);
