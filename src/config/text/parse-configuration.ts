import type {Problems} from './problems.ts';
import {readPlainYaml} from './read-plain-yaml.ts';
import {sourceOf, valueAt, type Parts} from './written.ts';

/** Reads our parts of the file. Invalid YAML is reported. The library is loaded only for files that are not plain. */
export async function parseConfiguration(text: string, problems: Problems): Promise<Parts> {
  const plain = readPlainYaml(text);
  const integrations = valueAt(plain, 'integrations');
  const isWhole = valueAt(plain, '$include') === undefined && sourceOf(integrations) === undefined;
  if (plain !== undefined && isWhole)
    return {azure: valueAt(integrations, 'azure'), orgkey: valueAt(plain, 'orgkey'), sources: []};
  const {parseYaml} = await import('./parse-yaml.ts');
  return parseYaml(text, problems);
}
