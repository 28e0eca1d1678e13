// usage: node scripts/mutation/summarize.ts
// Writes docs/mutation.md from Stryker's last report.
import {readFileSync, writeFileSync} from 'node:fs';
import {join, resolve} from 'node:path';

interface Report {
  readonly files: Readonly<Record<string, {readonly mutants: readonly {readonly status: string}[]}>>;
}

const root = resolve(import.meta.dirname, '../..');
const report: Report = JSON.parse(readFileSync(join(root, '.cache/mutation/report.json'), 'utf8'));
const mutants = Object.entries(report.files).flatMap(([file, {mutants: found}]) =>
  found.map(({status}) => ({folder: file.split('/').slice(0, 2).join('/'), status})),
);

const rows = [...Map.groupBy(mutants, ({folder}) => folder)]
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([folder, of]) => row(`\`${folder}/\``, of));
writeFileSync(
  join(root, 'docs/mutation.md'),
  `# Mutation testing

\`npm run mutate\` changes the core's code in about two thousand small ways, runs the tests that reach each change, and
counts the changes that no test notices. The score is the share of noticed changes; below 85 % the command fails. It
writes this table.

| folder | mutants | noticed | survived | not reached | score |
|---|---|---|---|---|---|
${[...rows, row('all', mutants)].join('\n')}

Measured on ${new Date().toISOString().slice(0, 10)}. The tests run in one process (\`scripts/mutation/\`), because ava starts a process per file. Tests that
start programs, try thousands of random inputs or need more than 100 ms of processor time take no part, so the score is a
lower bound. Constants at the top level of a file are not changed: each would need a new process. The survivors are in \`.cache/mutation/report.json\`.
`,
);

function row(name: string, of: readonly {readonly status: string}[]): string {
  const count = (...wanted: string[]): number => of.filter(({status}) => wanted.includes(status)).length;
  const noticed = count('Killed', 'Timeout');
  const all = noticed + count('Survived', 'NoCoverage');
  const score = ((100 * noticed) / all).toFixed(1);
  return `| ${name} | ${all} | ${noticed} | ${count('Survived')} | ${count('NoCoverage')} | ${score} % |`;
}
