import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const UNRELEASED = /^## \[Unreleased\]$/m;

/**
 * Sets the version, dates the changelog's first section, commits both and tags the commit.
 * @throws {Error} if the checkout is not clean, the version is not newer, or there is nothing to release
 */
export function cutRelease(checkout: string, version: string, date: Date): void {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', checkout, ...args], {encoding: 'utf8'}).trim();
  const tag = `v${version}`;
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`not a version: ${version}`);
  if (git('status', '--porcelain') !== '') throw new Error('the checkout has changes that are not committed');
  if (git('tag', '--list', tag) !== '') throw new Error(`the tag ${tag} exists`);

  const changelog = join(checkout, 'CHANGELOG.md');
  const before = readFileSync(changelog, 'utf8');
  if (!UNRELEASED.test(before)) throw new Error('CHANGELOG.md has no section "## [Unreleased]"');
  const after = before.replace(
    UNRELEASED,
    `## [Unreleased]\n\n## [${version}] - ${date.toISOString().slice(0, 10)}`,
  );
  const notes = releaseNotes(after, version);
  if (notes === '') throw new Error('the section of CHANGELOG.md is empty');

  setVersion(checkout, version);
  writeFileSync(changelog, after);
  git('add', 'CHANGELOG.md', 'package.json', 'package-lock.json', ...namedIn(checkout));
  git('commit', '--quiet', '--message', `Release ${version}`);
  git('tag', '--annotate', '--cleanup=verbatim', '--message', `orgkey ${version}\n\n${notes}`, tag);
}

/** Returns the section of that version, without its heading. */
export function releaseNotes(changelog: string, version: string): string {
  const [, ...sections] = changelog.split(/^## /m);
  const section = sections.find((text) => text.startsWith(`[${version}]`)) ?? '';
  return section.split('\n').slice(1).join('\n').trim();
}

/** @throws {Error} if the version is older than the present one */
function setVersion(checkout: string, version: string): void {
  const manifest = join(checkout, 'package.json');
  const text = readFileSync(manifest, 'utf8');
  const {version: present} = JSON.parse(text);
  if (compare(version, present) < 0) throw new Error(`${version} is older than ${present}`);
  writeFileSync(manifest, text.replace(`"version": "${present}"`, `"version": "${version}"`));

  const lockFile = join(checkout, 'package-lock.json');
  const lock = JSON.parse(readFileSync(lockFile, 'utf8'));
  lock.version = version;
  lock.packages[''].version = version;
  writeFileSync(lockFile, `${JSON.stringify(lock, undefined, 2)}\n`);

  for (const path of namedIn(checkout)) {
    const file = join(checkout, path);
    writeFileSync(file, withVersion(readFileSync(file, 'utf8'), present, version));
  }
}

/** Files that name the version: those that start this version in a pipeline, their recipes, and the chart. */
const NAMED_IN = [
  'docs/recipes/azure-pipelines.md',
  'docs/recipes/github-actions.md',
  'docs/recipes/gitlab.md',
  'scripts/deploy/helm/orgkey/Chart.yaml',
  'scripts/deploy/pipelines/examples/azure-pipelines.yml',
  'scripts/deploy/pipelines/examples/github-actions.yml',
  'scripts/deploy/pipelines/examples/gitlab-ci.yml',
  'scripts/deploy/pipelines/setup-orgkey/task.json',
  'scripts/deploy/pipelines/steps.yml',
  'scripts/deploy/pipelines/vss-extension.json',
];

function namedIn(checkout: string): string[] {
  return NAMED_IN.filter((path) => existsSync(join(checkout, path)));
}

function withVersion(text: string, present: string, version: string): string {
  const [major, minor, patch] = version.split('.');
  return text
    .replaceAll(new RegExp(`(?<![\\d.])${present.replaceAll('.', '\\.')}(?![\\d.]*\\d)`, 'g'), version)
    .replace(
      /"Major": \d+, "Minor": \d+, "Patch": \d+/,
      `"Major": ${major}, "Minor": ${minor}, "Patch": ${patch}`,
    );
}

function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (const [index, part] of (left ?? []).entries()) {
    const difference = part - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
