import test from 'ava';
import {execFile} from 'node:child_process';
import {lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {isChanged, planRemoval, planSettings, publish} from '../../src/git/plan-change.ts';
import {gitFrom} from '../../src/git/run-git.ts';
import {helperValue, type Setting} from '../../src/git/setting.ts';
import {wantedSettings} from '../../src/cli/setup/wanted-settings.ts';
import {Secret} from '../../src/secret/secret.ts';
import type {Binding} from '../../src/identity/bindings.ts';

const git = gitFrom({PATH: process.env['PATH'], HOME: '/nonexistent'});
const helper = "/opt/or'g key/git-credential-orgkey";

const wanted = wantedSettings([binding('dev.azure.com', ['contoso', 'Fabrikam'])], {
  helper,
  includes: [{key: 'includeIf.gitdir:**/.git/modules/**.path', value: '/home/ann/submodules.gitconfig'}],
  proactiveAuth: true,
});

interface Row {
  readonly title: string;
  /** `undefined`: the file does not exist. */
  readonly before: string | undefined;
}

const rows: readonly Row[] = [
  {title: 'no file', before: undefined},
  {title: 'an empty file', before: ''},
  {title: 'a name and a comment', before: '# mine\n[user]\n\tname = Ann ; really\n'},
  {title: 'no line break at the end', before: '[user]\n\tname = Ann'},
  {title: 'Windows line breaks', before: '[user]\r\n\tname = Ann\r\n[core]\r\n\tpager = less\r\n'},
  {title: 'a byte order mark', before: '\uFEFF[user]\n\tname = Ann\n'},
  {title: 'other helpers', before: '[credential]\n\thelper = store\n\thelper = !f() { echo; }; f\n'},
  {
    title: 'a helper of the same host, with useHttpPath set',
    before: '[credential "https://dev.azure.com"]\n\thelper = manager\n\tuseHttpPath = true\n',
  },
  {
    title: 'useHttpPath turned off',
    before: '[credential "https://dev.azure.com"]\n\tuseHttpPath = false # why not\n',
  },
  {
    title: 'a reset and a helper of the same organization',
    before: '[credential "https://dev.azure.com/contoso"]\n\thelper =\n\thelper = store\n',
  },
  {
    title: 'a decision about proactiveAuth',
    before: '[http "https://dev.azure.com/contoso"]\n\tproactiveAuth = none\n',
  },
  {
    title: 'includes, one of them like ours',
    before:
      '[include]\n\tpath = ~/work.gitconfig\n[includeIf "gitdir:**/.git/modules/**"]\n\tpath = /elsewhere\n',
  },
  {title: 'sections in another case', before: '[CREDENTIAL "https://dev.azure.com"]\n\tHELPER = store\n'},
  {title: 'several settings on one line', before: '[user] name = Ann\n[core] pager = less\n'},
  {title: 'a value over two lines', before: '[alias]\n\tx = log \\\n\t  --oneline\n'},
  {title: 'letters beyond ASCII', before: '[user]\n\tname = Zo\u00eb \u2603\n'},
];

for (const {title, before} of rows) {
  test(`uninstalling restores every byte: ${title}`, async (t) => {
    await withFile(before, async (file) => {
      const first = await change(file, wanted);
      t.true(isChanged(first));
      await t.notThrowsAsync(() => values(file, 'user.name'));
      t.deepEqual(await helpers(file, 'https://dev.azure.com/contoso'), {
        last: ['', helperValue(helper)],
      });

      const again = await planSettings(file, wanted, first.record, planning(file));
      t.false(isChanged(again), 'twice is harmless');

      await publish(await planRemoval(file, first.record, planning(file)));
      t.is(await textOf(file), before);
    });
  });

  test(`later changes survive the removal of our lines: ${title}`, async (t) => {
    await withFile(before, async (file) => {
      const {record} = await change(file, wanted);
      await git(['config', '--file', file, 'alias.mine', 'status']);
      await publish(await planRemoval(file, record, planning(file)));

      t.deepEqual(await values(file, 'alias.mine'), ['status']);
      const expected = await listed(before ?? '', file);
      t.deepEqual(await lines(file), [...expected, 'alias.mine\nstatus'].toSorted());
      t.false((await textOf(file))?.includes('git-credential-orgkey'));
    });
  });

  test(`our helpers are found without the record: ${title}`, async (t) => {
    await withFile(before, async (file) => {
      await change(file, wanted);
      const removal = await planRemoval(file, undefined, planning(file));
      await publish(removal);
      t.false((await textOf(file))?.includes('git-credential-orgkey'));
      t.deepEqual(
        (await lines(file)).filter((line) => line.includes('helper')),
        (await listed(before ?? '', file)).filter((line) => line.includes('helper')),
      );
    });
  });
}

for (const {title, before, unset} of [
  {title: 'the empty line', before: undefined, unset: ['']},
  {title: 'the helper', before: undefined, unset: [helperValue(helper)]},
  {title: 'both', before: undefined, unset: ['', helperValue(helper)]},
  {
    title: 'the empty line, and adds another helper',
    before: '[credential "https://dev.azure.com/contoso"]\n\thelper = store\n',
    unset: [''],
  },
]) {
  test(`our lines that the user removed do no harm: ${title}`, async (t) => {
    await withFile(before, async (file) => {
      const {record} = await change(file, wanted);
      const key = 'credential.https://dev.azure.com/contoso.helper';
      for (const value of unset) {
        const {status} = await git(['config', '--file', file, '--fixed-value', '--unset-all', key, value]);
        t.is(status, 0);
      }
      const removal = await planRemoval(file, record, planning(file));

      const again = await planSettings(file, wanted, record, planning(file));
      await publish(again);
      t.deepEqual((await values(file, key)).slice(-2), ['', helperValue(helper)]);
      await publish(await planRemoval(file, again.record, planning(file)));
      t.is(await textOf(file), before);
      t.is(removal.next?.toString(), before);
    });
  });
}

test('an organization is removed from the file, and another is added', async (t) => {
  await withFile('[user]\n\tname = Ann\n', async (file) => {
    const {record} = await change(file, wanted);
    const next = wantedSettings([binding('dev.azure.com', ['fabrikam-2'])], {
      helper: '/elsewhere/git-credential-orgkey',
      includes: [],
      proactiveAuth: false,
    });
    const plan = await planSettings(file, next, record, planning(file));
    await publish(plan);
    const text = (await textOf(file)) ?? '';
    t.false(text.includes('contoso'));
    t.false(text.includes('/opt/'));
    t.false(text.includes('proactiveAuth'));
    t.false(text.includes('includeIf'));
    t.true(text.includes('fabrikam-2'));
    await publish(await planRemoval(file, plan.record, planning(file)));
    t.is(await textOf(file), '[user]\n\tname = Ann\n');
  });
});

for (const [title, before] of [
  ['no file', undefined],
  ['a name', '[user]\n\tname = Ann\n'],
  ['a helper of the same organization', '[credential "https://dev.azure.com/contoso"]\n\thelper = store\n'],
] as const) {
  test(`a setup that is killed in between can be undone: ${title}`, async (t) => {
    await withFile(before, async (file) => {
      const {record} = await change(file, wanted);
      const next = wantedSettings([binding('dev.azure.com', ['fabrikam', 'fabrikam-2'])], {
        helper: '/elsewhere/git-credential-orgkey',
        includes: [],
        proactiveAuth: false,
      });
      const plan = await planSettings(file, next, record, planning(file));
      const beforePublishing = await planRemoval(file, plan.meanwhile, planning(file));
      t.is(beforePublishing.next?.toString(), before);
      const again = await planSettings(file, next, plan.meanwhile, planning(file));
      t.is(again.next?.toString(), plan.next?.toString());

      await publish(plan);
      const afterPublishing = await planRemoval(file, plan.meanwhile, planning(file));
      t.is(afterPublishing.next?.toString(), before);
    });
  });
}

for (const [title, later, isUndone] of [
  ['a helper for everything', '[credential]\n\thelper = store\n', true],
  ['a reset of everything', '[credential]\n\thelper =\n', true],
  ['a helper of the host', '[credential "https://DEV.azure.com/"]\n\thelper = store\n', true],
  ['a reset of the host, not written as a URL', '[credential "dev.azure.com"]\n\thelper =\n', true],
  ['another orgkey', '[credential]\n\thelper = orgkey\n', false],
  ['a part of an organization', '[credential "https://dev.azure.com/contoso/p"]\n\thelper =\n', false],
  ['another organization', '[credential "https://dev.azure.com/other"]\n\thelper =\n', false],
  ['another host', '[credential "https://example.com"]\n\thelper =\n\thelper = store\n', false],
  ['another setting', '[credential]\n\tusername =\n', false],
] as const) {
  test(`a second setup moves our lines only below lines that undo them: ${title}`, async (t) => {
    await withFile('[user]\n\tname = Ann\n', async (file) => {
      const {record} = await change(file, wanted);
      await writeFile(file, `${await textOf(file)}${later}`);
      const second = await planSettings(file, wanted, record, planning(file));
      t.is(isChanged(second), isUndone);
      await publish(second);
      const third = await planSettings(file, wanted, second.record, planning(file));
      t.false(isChanged(third));
      await publish(await planRemoval(file, third.record, planning(file)));
      t.is(await textOf(file), `[user]\n\tname = Ann\n${later}`);
    });
  });
}

test('a second setup and an uninstall keep a change of the user', async (t) => {
  await withFile(undefined, async (file) => {
    const {record} = await change(file, wanted);
    await git(['config', '--file', file, 'user.name', 'Ann']);
    const more = [
      ...wanted,
      {key: 'credential.https://x.visualstudio.com.helper', value: helperValue(helper)},
    ];
    const second = await planSettings(file, more, record, planning(file));
    await publish(second);
    t.deepEqual(await values(file, 'user.name'), ['Ann']);
    await publish(await planRemoval(file, second.record, planning(file)));
    t.is(await textOf(file), '[user]\n\tname = Ann\n');
  });
});

test('a change between planning and publishing is not lost', async (t) => {
  await withFile('[user]\n\tname = Ann\n', async (file) => {
    const plan = await planSettings(file, wanted, undefined, planning(file));
    await git(['config', '--file', file, 'user.name', 'Bob']);
    await t.throwsAsync(() => publish(plan), {code: 'ERR_NOT_REPLACED', message: /changed in the meantime/});
    t.deepEqual(await values(file, 'user.name'), ['Bob']);
    t.is(await textOf(`${file}.lock`), undefined);
  });
});

test('a file that git has locked is not changed', async (t) => {
  await withFile('[user]\n\tname = Ann\n', async (file) => {
    const plan = await planSettings(file, wanted, undefined, planning(file));
    await writeFile(`${file}.lock`, '');
    await t.throwsAsync(() => publish(plan), {code: 'ERR_NOT_REPLACED', message: /locked/});
    t.is(await textOf(`${file}.lock`), '');
    t.is(await textOf(file), '[user]\n\tname = Ann\n');
  });
});

test('a symbolic link stays, and its target keeps its mode', async (t) => {
  await withFile(undefined, async (file) => {
    const target = `${file}-dotfiles`;
    await writeFile(target, '[user]\n\tname = Ann\n', {mode: 0o640});
    await symlink(target, file);
    const {record} = await change(file, wanted);
    t.true((await lstat(file)).isSymbolicLink());
    t.is((await stat(target)).mode & 0o777, 0o640);
    t.true((await textOf(target))?.includes('git-credential-orgkey'));
    await publish(await planRemoval(file, record, planning(file)));
    t.true((await lstat(file)).isSymbolicLink());
    t.is(await textOf(target), '[user]\n\tname = Ann\n');
  });
});

test('a file that git cannot read is named and not changed', async (t) => {
  await withFile('[user\nname = Ann\n', async (file) => {
    await t.throwsAsync(() => planSettings(file, wanted, undefined, planning(file)), {
      code: 'ERR_GIT_CONFIG',
      message: new RegExp(`bad config line 1.*${file}`),
    });
    t.is(await textOf(file), '[user\nname = Ann\n');
  });
});

for (const [title, value] of [
  ['a line feed', 'a\nb'],
  ['a carriage return', 'a\rb'],
  ['a NUL', 'a\0b'],
] as const) {
  test(`a path with ${title} is rejected`, async (t) => {
    await withFile(undefined, async (file) => {
      const bad = [{key: 'credential.https://dev.azure.com.helper', value: helperValue(`/opt/${value}/x`)}];
      await t.throwsAsync(() => planSettings(file, bad, undefined, planning(file)), {code: 'ERR_GIT_VALUE'});
      t.is(await textOf(file), undefined);
    });
  });
}

test('git runs the helper from a path with spaces and quotes', async (t) => {
  await withFile(undefined, async (file) => {
    const folder = join(file, '..', 'or\'g "key" $HOME `x`');
    const script = join(folder, 'git-credential-orgkey');
    await mkdir(folder);
    await writeFile(script, '#!/bin/sh\ncat >/dev/null\necho username=ann\necho password=right\n', {
      mode: 0o755,
    });
    await change(
      file,
      wantedSettings([binding('dev.azure.com', ['contoso'])], {
        helper: script,
        includes: [],
        proactiveAuth: true,
      }),
    );
    const run = promisify(execFile)('git', ['credential', 'fill'], {
      env: {
        PATH: process.env['PATH'],
        GIT_CONFIG_GLOBAL: file,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
      },
    });
    run.child.stdin?.end('protocol=https\nhost=dev.azure.com\npath=contoso/p/_git/r\n\n');
    const {stdout} = await run;
    t.true(stdout.includes('password=right\n'));
    t.true(stdout.includes('path=contoso/p/_git/r\n'), 'the path is kept');
  });
});

async function change(file: string, settings: readonly Setting[]) {
  const plan = await planSettings(file, settings, undefined, planning(file));
  await publish(plan);
  return plan;
}

function binding(host: string, organizations: readonly string[]): Binding {
  return {
    identity: {kind: 'pat', key: 'k', personalAccessToken: {from: 'held', secret: Secret.fromText('x')}},
    host,
    organizations,
    place: 'here',
  };
}

function planning(file: string) {
  return {git, temporary: join(file, '..')};
}

async function withFile(before: string | undefined, run: (file: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'orgkey-test-'));
  try {
    const file = join(directory, 'gitconfig');
    if (before !== undefined) await writeFile(file, before);
    await run(file);
  } finally {
    await rm(directory, {recursive: true, force: true});
  }
}

async function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}

async function values(file: string, key: string): Promise<string[]> {
  const {stdout} = await git(['config', '--file', file, '--null', '--get-all', key]);
  return stdout.split('\0').slice(0, -1);
}

async function helpers(file: string, url: string): Promise<{last: string[]}> {
  return {last: (await values(file, `credential.${url}.helper`)).slice(-2)};
}

async function lines(file: string): Promise<string[]> {
  const {stdout} = await git(['config', '--file', file, '--null', '--list']);
  return stdout.split('\0').slice(0, -1).toSorted();
}

async function listed(text: string, file: string): Promise<string[]> {
  const copy = `${file}-before`;
  await writeFile(copy, text);
  return lines(copy);
}
