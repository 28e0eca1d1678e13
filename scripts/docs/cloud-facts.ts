import {readFileSync, readdirSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {code, page, table} from './markdown.ts';

interface Fact {
  readonly number: number;
  readonly fact: string;
  readonly source: string;
  /** What orgkey does if it is otherwise: such a fact is not confirmed, or not in whole. */
  readonly otherwise?: string;
}

const root = resolve(import.meta.dirname, '../..');

const facts: readonly Fact[] = JSON.parse(readFileSync(join(root, 'scripts/cloud-facts.json'), 'utf8'));

/** Returns docs/cloud-facts.md. */
export function cloudFacts(): string {
  const used = usedNumbers();
  return page([
    '# What orgkey takes for granted',
    'Nothing here was tried against the real services. Each fact about Entra and Azure DevOps has a public source; the code and the test cloud refer to it by its number (`fact 32`). A fact that no public source confirms in whole has a last sentence: what orgkey does if it is otherwise. Nothing depends on such a fact alone.',
    [
      'Sources by short name:',
      '**GCM** [git-credential-manager](https://github.com/git-ecosystem/git-credential-manager) 2.9,',
      '**credprovider** [artifacts-credprovider](https://github.com/microsoft/artifacts-credprovider),',
      '**provider** [terraform-provider-azuredevops](https://github.com/microsoft/terraform-provider-azuredevops) and its aztfauth,',
      '**agent** [azure-pipelines-agent](https://github.com/microsoft/azure-pipelines-agent),',
      '**msal** [@azure/msal-node](https://www.npmjs.com/package/@azure/msal-node) 7.2,',
      '**identity** [@azure/identity](https://www.npmjs.com/package/@azure/identity) 4.14,',
      '**ADOC** [the documentation of Azure DevOps](https://github.com/MicrosoftDocs/azure-devops-docs),',
      '**EDOC** [the documentation of Entra](https://github.com/MicrosoftDocs/entra-docs),',
      '**SC page** [Azure DevOps service connection](https://learn.microsoft.com/azure/devops/pipelines/library/add-devops-entra-service-connection);',
      'the pages of Ona and Backstage are those on their Azure DevOps integration. November 2026.',
    ].join(' '),
    table(
      ['', 'Fact', 'Confirmed', 'Source', 'Used in'],
      facts.map(({number, fact, source, otherwise}) => [
        String(number),
        otherwise === undefined ? fact : `${fact} **If not:** ${otherwise}`,
        otherwise === undefined ? 'yes' : 'not in whole',
        source,
        (used.get(number) ?? []).map(code).join(', '),
      ]),
    ),
  ]);
}

/** Returns what is wrong with the facts: each is used, each number that is used is a fact, and they are counted up. */
export function factProblems(): string[] {
  const used = usedNumbers();
  const known = new Set(facts.map(({number}) => number));
  return [
    ...facts.flatMap(({number}, at) => (number === at + 1 ? [] : [`fact ${number} is out of order`])),
    ...[...known].filter((number) => !used.has(number)).map((number) => `no code refers to fact ${number}`),
    ...[...used]
      .filter(([number]) => !known.has(number))
      .map(([number, files]) => `${files.join(', ')}: there is no fact ${number}`),
  ];
}

/** Finds `fact 32`, `Fact 32` and `facts 38, 42 and 88` in the sources and in the test cloud. */
function usedNumbers(): ReadonlyMap<number, readonly string[]> {
  const used = new Map<number, string[]>();
  for (const file of ['src', 'test/cloud'].flatMap(sourcesBelow)) {
    const text = readFileSync(join(root, file), 'utf8');
    const numbers = [...text.matchAll(/\b[Ff]acts? (\d+(?:(?:, | and | to )\d+)*)/g)].flatMap(
      ([, list = '']) => numbersIn(list),
    );
    for (const number of new Set(numbers)) used.set(number, [...(used.get(number) ?? []), file]);
  }
  return used;
}

function sourcesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), {recursive: true, encoding: 'utf8'})
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`)
    .toSorted();
}

/** Reads `38, 42 and 88` and `17 to 22`. */
function numbersIn(list: string): number[] {
  return list.split(/, | and /).flatMap((part) => {
    const [first = 0, last = first] = part.split(' to ').map(Number);
    return Array.from({length: last - first + 1}, (_, at) => first + at);
  });
}
