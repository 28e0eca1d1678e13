import {isRecord} from '../../text/record.ts';
import {CREDENTIAL_KINDS} from './credential-kinds.ts';
import {jsonSchema} from './json-schema.ts';

/** One key of the configuration, for the reference. */
export interface KeyRow {
  /** `sockets[].mode`, from the section on. */
  readonly key: string;
  /** `text`, `secret`, `true or false`, `number`, `list`, `mapping`, `anything`; text may come from `$env` and `$file`. */
  readonly type: string;
  /** `undefined`: none. */
  readonly default: string | undefined;
  readonly required: boolean;
  readonly description: string;
}

export interface ReferenceSection {
  /** `orgkey`, or the name of a kind of credential. */
  readonly title: string;
  readonly rows: readonly KeyRow[];
}

/** Every key with its type, default and description, as the schema has them. */
export function describeConfiguration(): ReferenceSection[] {
  const schema = jsonSchema();
  const azure = itemsOf(propertyOf(propertyOf(schema, 'integrations'), 'azure'));
  const kinds = listOf(itemsOf(listIn(propertyOf(azure, 'credentials')))['anyOf']);
  return [
    {title: 'integrations.azure[]', rows: rowsOf(azure, '', schema, false)},
    ...CREDENTIAL_KINDS.map(({name}, index) => ({
      title: `credentials[]: ${name}`,
      rows: rowsOf(recordOf(kinds[index]), '', schema, true),
    })),
    {title: 'orgkey', rows: rowsOf(propertyOf(schema, 'orgkey'), '', schema, true)},
  ];
}

type Node = Readonly<Record<string, unknown>>;

function rowsOf(node: Node, prefix: string, root: Node, deep: boolean): KeyRow[] {
  const required = listOf(node['required']);
  return Object.entries(recordOf(node['properties'])).flatMap(([name, value]) => {
    const property = recordOf(value);
    const key = `${prefix}${name}`;
    const row: KeyRow = {
      key,
      type: typeOf(property, root),
      default: 'default' in property ? textOf(property['default']) : undefined,
      required: required.includes(name),
      description: textOf(property['description']),
    };
    if (!deep) return [row];
    const inner =
      property['type'] === 'array'
        ? rowsOf(itemsOf(property), `${key}[].`, root, deep)
        : rowsOf(property, `${key}.`, root, deep);
    return [row, ...inner];
  });
}

function typeOf(node: Node, root: Node): string {
  const {$ref: reference} = node;
  if (typeof reference === 'string') return 'secret';
  const choices = listOf(node['anyOf']);
  if (choices.length > 0) {
    const types = choices.map((choice) => typeOf(recordOf(choice), root));
    // that everything may come from a variable or a file as text goes without saying
    const own = types.filter((type) => type !== 'source' && type !== 'nothing');
    const shown =
      own.includes('true or false') || own.includes('number') ? own.filter((type) => type !== 'text') : own;
    return [...new Set(shown)].join(' or ');
  }
  switch (node['type']) {
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    case 'number':
      return 'number';
    case 'array':
      return 'list';
    case 'null':
      return 'nothing';
    case 'object':
      return Object.keys(recordOf(node['properties'])).some((key) => key.startsWith('$'))
        ? 'source'
        : 'mapping';
    default:
      return 'anything';
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}

function propertyOf(node: Node, key: string): Node {
  return recordOf(recordOf(node['properties'])[key]);
}

/** The list of a node that may also be nothing. */
function listIn(node: Node): Node {
  const lists = listOf(node['anyOf']).map(recordOf);
  return lists.find((choice) => choice['type'] === 'array') ?? node;
}

function itemsOf(node: Node): Node {
  return recordOf(node['items']);
}

function recordOf(value: unknown): Node {
  return isRecord(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
