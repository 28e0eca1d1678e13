import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import test from 'ava';

const source = (file: string) => JSON.stringify(join(import.meta.dirname, '../src', file));
const run = (program: string, flags: readonly string[] = []) =>
  spawnSync(process.execPath, [...flags, '--input-type=module', '--eval', program], {encoding: 'utf8'});

const ways: readonly (readonly [title: string, code: string])[] = [
  ['eval', `eval('1')`],
  ['indirect eval', `(0, eval)('1')`],
  ['eval as a property of the global object', `globalThis.eval('1')`],
  ['Function', `Function('return 1')()`],
  ['new Function', `new Function('return 1')()`],
  ['Reflect.construct', `Reflect.construct(Function, ['return 1'])`],
  ['the constructor of a function', `(() => {}).constructor('return 1')()`],
  ['the constructor of a method', `[].map.constructor('return 1')()`],
  ['the constructor of a class', `(class {}).constructor('return 1')()`],
  ['the constructor of an async function', `(async () => {}).constructor('return 1')()`],
  ['the constructor of a generator', `(function* () {}).constructor('yield 1')()`],
  ['the constructor of an async generator', `(async function* () {}).constructor('yield 1')()`],
];

for (const [title, code] of ways) {
  test(`${title} turns text into code before, and throws afterwards`, (t) => {
    const {stdout, stderr} = run(`
      import {forbidEval} from ${source('forbid-eval.ts')};
      const attempt = () => { ${code}; };
      attempt();
      forbidEval();
      try { attempt(); } catch (error) { console.log(error.name); }
    `);
    t.is(stdout, 'EvalError\n', stderr);
  });
}

const undone: readonly string[] = [
  `Function.prototype.constructor = () => {}`,
  `Object.defineProperty(Function.prototype, 'constructor', {value: () => {}})`,
  `globalThis.eval = () => {}`,
  `delete globalThis.Function`,
];

for (const code of undone) {
  test(`it cannot be undone by ${code}`, (t) => {
    const {stdout, stderr} = run(`
      import {forbidEval} from ${source('forbid-eval.ts')};
      forbidEval();
      try { ${code}; } catch (error) { console.log(error.name); }
    `);
    t.is(stdout, 'TypeError\n', stderr);
  });
}

test('functions are instances of Function as before', (t) => {
  const {stdout} = run(`
    import {forbidEval} from ${source('forbid-eval.ts')};
    forbidEval();
    console.log([() => {}, class {}, async () => {}, forbidEval].every((it) => it instanceof Function));
  `);
  t.is(stdout, 'true\n');
});

// a module that is loaded before the program sees this at its end
const atTheEnd = `data:text/javascript,${encodeURIComponent(`
  process.on('exit', () => { try { eval('1'); } catch (error) { console.log(error.name); } });
`)}`;

for (const [title, args] of [
  ['the daemon', ['src/main.ts', 'daemon', '--no-such-option']],
  ['the acquirer', ['src/entra/child/acquirer.ts']],
] as const) {
  test(`${title} forbids eval`, (t) => {
    const {stdout} = spawnSync(process.execPath, ['--import', atTheEnd, ...args], {
      cwd: join(import.meta.dirname, '..'),
      encoding: 'utf8',
      input: '',
    });
    t.regex(stdout, /EvalError\n$/);
  });
}
