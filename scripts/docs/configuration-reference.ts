import {
  describeConfiguration,
  type KeyRow,
  type ReferenceSection,
} from '../../src/config/shape/describe-configuration.ts';
import {code, page, table} from './markdown.ts';

/** Returns docs/configuration.md. */
export function configurationReference(): string {
  const sections = configurationSections();
  return page([
    '# Configuration',
    'The file is YAML in the shape of Backstage’s `app-config.yaml`. `orgkey config path` prints where it is, `orgkey config check` every problem in it with line and column, and `orgkey config schema` its JSON Schema for editors. How secrets are fetched, and when a change takes effect: [recipes/secrets.md](recipes/secrets.md).',
    ...sections.flatMap(({heading, rows}) => [`## ${heading}`, keyTable(rows)]),
    '## Every credential',
    `Every credential also takes \`organizations\`: ${organizationsText()}`,
  ]);
}

export interface TitledSection {
  readonly heading: string;
  readonly rows: readonly KeyRow[];
}

export function configurationSections(): TitledSection[] {
  return describeConfiguration().map((section) => ({
    heading: section.title.startsWith('credentials[]: ')
      ? section.title.replace('credentials[]: ', 'A credential: ')
      : code(section.title),
    rows: withoutOrganizations(section),
  }));
}

export function organizationsText(): string {
  const rows = describeConfiguration().flatMap((section) => section.rows);
  return rows.find(({key}) => key === 'organizations')?.description ?? '';
}

/** Every kind of credential has this key: it is described once. */
function withoutOrganizations({title, rows}: ReferenceSection): KeyRow[] {
  return rows.filter(({key}) => !(title.startsWith('credentials[]') && key === 'organizations'));
}

function keyTable(rows: readonly KeyRow[]): string {
  return table(
    ['Key', 'Type', 'Default', ''],
    rows.map(({key, type, default: fallback, required, description}) => [
      code(key),
      type,
      required ? 'required' : fallback === undefined ? '' : code(fallback),
      description,
    ]),
  );
}
