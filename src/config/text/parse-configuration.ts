import type {Problems} from './problems.ts';
import {readPlainYaml} from './read-plain-yaml.ts';
import {sourceOf, valueAt, type Parts} from './written.ts';

/** Our parts of the file. What is no YAML is told; only files that are not plain need the library. */
export async function parseConfiguration(text: string, problems: Problems): Promise<Parts> {
  const plain = readPlainYaml(text);
  const integrations = valueAt(plain, 'integrations');
  const isWhole = valueAt(plain, '$include') === undefined && sourceOf(integrations) === undefined;
  if (plain !== undefined && isWhole)
    return {azure: valueAt(integrations, 'azure'), orgkey: valueAt(plain, 'orgkey'), sources: []};
  const {parseYaml} = await import('./parse-yaml.ts');
  return parseYaml(text, problems);
}
