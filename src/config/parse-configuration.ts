import type {Problems} from './problems.ts';
import {readPlainYaml} from './read-plain-yaml.ts';
import {valueAt, type Parts} from './written.ts';

/** Our parts of the file. What is no YAML is told; only files that are not plain need the library. */
export async function parseConfiguration(text: string, problems: Problems): Promise<Parts> {
  const plain = readPlainYaml(text);
  if (plain !== undefined)
    return {azure: valueAt(valueAt(plain, 'integrations'), 'azure'), orgkey: valueAt(plain, 'orgkey')};
  const {parseYaml} = await import('./parse-yaml.ts');
  return parseYaml(text, problems);
}
