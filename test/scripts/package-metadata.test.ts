import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json'));

test('the package names its repository, issues, author and license', (t) => {
  const {repository, bugs, homepage, author, license} = manifest;
  const address = /^git\+(https:\/\/\S+)\.git$/.exec(repository.url)?.[1] ?? '';
  t.regex(address, /^https:\/\/github\.com\/[\w-]+\/[\w-]+$/);
  t.is(bugs.url, `${address}/issues`);
  t.true(homepage.startsWith(address));
  t.truthy(author);
  t.is(license, 'MIT');
  t.regex(read('LICENSE'), /^MIT License/);
});

test('the package is published with provenance, for the systems that it runs on', (t) => {
  t.deepEqual(manifest.publishConfig, {access: 'public', provenance: true});
  t.deepEqual(manifest.os, ['darwin', 'linux']);
});

test('the package exports no code, only its schema and its manifest', (t) => {
  t.deepEqual(Object.keys(manifest.exports), ['./config.schema.json', './package.json']);
});

test('the package has no dependencies: everything is bundled', (t) => {
  t.is(manifest.dependencies, undefined);
});

test('every devDependency has an exact version', (t) => {
  for (const [name, version] of Object.entries<string>(manifest.devDependencies))
    t.regex(version, /^\d+\.\d+\.\d+$/, name);
});

test('.nvmrc names a version that engines accepts', (t) => {
  const oldest = Number(/^>=(\d+)\./.exec(manifest.engines.node)?.[1]);
  t.true(Number.parseInt(read('.nvmrc'), 10) >= oldest);
});

test('.editorconfig agrees with the formatter', (t) => {
  const {printWidth} = JSON.parse(read('.oxfmtrc.json'));
  t.true(read('.editorconfig').includes(`max_line_length = ${printWidth}\n`));
});

test('every script of package.json exists', (t) => {
  for (const command of Object.values<string>(manifest.scripts)) {
    const file = /(?:^|\s)(scripts\/[\w./-]+)/.exec(command)?.[1];
    if (file !== undefined) t.true(existsSync(join(root, file)), command);
  }
});
