import {CREDENTIAL_KINDS, CREDENTIALS, INTEGRATION, isRequired} from './credential-kinds.ts';
import {ORGKEY} from './keys.ts';
import type {Form, Key, Keys} from './kind.ts';

/** One key of the configuration, for the reference. */
export interface KeyRow {
  /** `sockets[].mode`, from the section on. */
  readonly key: string;
  /** Text may come from `$env` and `$file` as well. */
  readonly type: Exclude<Form['name'], 'one of'>;
  /** As it would be written. `undefined`: none. */
  readonly default: string | undefined;
  readonly required: boolean;
  readonly description: string;
}

export interface ReferenceSection {
  /** `orgkey`, or the name of a kind of credential. */
  readonly title: string;
  readonly rows: readonly KeyRow[];
}

/** Returns every key with its type, default and description, as the tables have them. */
export function describeConfiguration(): ReferenceSection[] {
  return [
    {title: 'integrations.azure[]', rows: rowsOf(INTEGRATION, '')},
    ...CREDENTIAL_KINDS.map((kind) => ({
      title: `credentials[]: ${CREDENTIALS[kind].name}`,
      rows: rowsOf(CREDENTIALS[kind].keys, ''),
    })),
    {title: 'orgkey', rows: rowsOf(ORGKEY, '')},
  ];
}

function rowsOf(keys: Keys, prefix: string): KeyRow[] {
  return Object.entries<Key>(keys).flatMap(([name, key]) => {
    const {form} = key.kind;
    const row: KeyRow = {
      key: `${prefix}${name}`,
      type: form.name === 'one of' ? 'mapping' : form.name,
      default: key.default === undefined ? undefined : String(key.default),
      required: isRequired(key),
      description: key.describe,
    };
    return [row, ...innerRows(form, row.key)];
  });
}

function innerRows(form: Form, key: string): KeyRow[] {
  if (form.name === 'mapping') return rowsOf(form.keys, `${key}.`);
  return form.name === 'list' && form.item.name === 'mapping' ? rowsOf(form.item.keys, `${key}[].`) : [];
}
