import {keepCompiledCode} from './compile-cache.ts';
import {forbidEval} from './forbid-eval.ts';

// The daemon starts cold in front of a waiting git: nothing of the command line is loaded for it
const argv = process.argv.slice(2);
forbidEval();
keepCompiledCode(argv, process.env, process.getuid?.());
const {main} = argv[0] === 'daemon' ? await import('./daemon/main.ts') : await import('./cli/main.ts');
process.exitCode = await main(argv);
