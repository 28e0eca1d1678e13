import {accessSync, constants, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {parse} from 'yaml';

/** The files that only a forge reads: here they are parsed, and held to a few rules. */

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json'));

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      string,
      {'timeout-minutes': number; steps: readonly Step[]; strategy?: {matrix: {include?: Entry[]}}}
    >
  >;
}
interface Entry {
  readonly os: string;
  readonly node: string;
  readonly container?: string;
}

const workflows: readonly (readonly [name: string, text: string, workflow: Workflow])[] = readdirSync(
  join(root, '.github/workflows'),
).map((name) => {
  const text = read(`.github/workflows/${name}`);
  return [name, text, parse(text)];
});

for (const [name, text, {permissions, jobs}] of workflows) {
  const steps = Object.values(jobs).flatMap((job) => job.steps);

  test(`${name} pins every action to a commit and names its version`, (t) => {
    for (const {uses} of steps) if (uses !== undefined) t.regex(uses, /^[\w-]+\/[\w/-]+@[0-9a-f]{40}$/);
    for (const [, line = ''] of text.matchAll(/uses: (.*)/g))
      t.regex(line, /@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test(`${name} may only read by default and limits the time of each job`, (t) => {
    t.deepEqual(permissions, {contents: 'read'});
    for (const job of Object.values(jobs)) t.true(job['timeout-minutes'] <= 120);
  });

  test(`${name} leaves no credential in the checkout`, (t) => {
    for (const {uses = '', with: inputs} of steps)
      if (uses.startsWith('actions/checkout@')) t.is(inputs?.['persist-credentials'], false);
  });

  test(`${name} runs scripts that exist`, (t) => {
    t.true(steps.length > 0);
    for (const {run = ''} of steps) {
      const file = /^(?:\.ci|scripts)\/\S+/.exec(run)?.[0];
      if (file !== undefined) t.notThrows(() => accessSync(join(root, file), constants.X_OK), file);
      const script = /npm run (\S+)/.exec(run)?.[1];
      t.true(script === undefined || script in manifest.scripts, script);
    }
  });
}

test('the tests run through .ci/run, on Linux and macOS, with the oldest Node and git', (t) => {
  const {jobs, on}: Workflow = parse(read('.github/workflows/ci.yml'));
  t.true('pull_request' in on);
  t.true(jobs['test']?.steps.some(({run}) => run === '.ci/run'));
  const entries = jobs['test']?.strategy?.matrix.include ?? [];
  t.true(entries.some(({os}) => os.startsWith('macos-')));
  t.true(entries.some(({container}) => container === 'debian:12'));
  const oldest = /^>=(\d+)\./.exec(manifest.engines.node)?.[1];
  t.true(entries.some(({node}) => node === oldest));
});

test('no workflow runs text of a pull request as a command', (t) => {
  for (const [name, , {jobs}] of workflows) {
    for (const {run = ''} of Object.values(jobs).flatMap((job) => job.steps)) t.notRegex(run, /\$\{\{/, name);
  }
});

test('dependency updates cover the packages, the toolchain and the actions', (t) => {
  const {version, updates} = parse(read('.github/dependabot.yml'));
  t.is(version, 2);
  t.deepEqual(
    updates.map((update: Record<string, string>) => update['package-ecosystem']),
    ['npm', 'github-actions'],
  );
});

for (const name of readdirSync(join(root, '.github/ISSUE_TEMPLATE'))) {
  test(`the issue template ${name} can be parsed`, (t) => {
    const template = parse(read(`.github/ISSUE_TEMPLATE/${name}`));
    if (name === 'config.yml') t.is(template.blank_issues_enabled, false);
    else {
      t.true(template.name.length > 0 && template.description.length > 0);
      const ids = template.body.flatMap((field: {id?: string}) => field.id ?? []);
      t.is(new Set(ids).size, ids.length);
    }
  });
}

test('CODEOWNERS has an owner for everything', (t) => {
  t.regex(read('.github/CODEOWNERS'), /^\* @\S+$/m);
});
