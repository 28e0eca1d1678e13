import type {Problems} from './problems.ts';
import {readPlainYaml} from './read-plain-yaml.ts';
import {moved, sourceOf, valueAt, type Tree, type Written} from './written.ts';

/**
 * Reads the text of a file whose offsets begin at `start`. Invalid YAML is reported. The library is loaded only for
 * files that are not plain.
 */
export async function parseConfiguration(text: string, problems: Problems, start = 0): Promise<Tree> {
  const tree = plainTree(readPlainYaml(text)) ?? (await treeOfLibrary(text, problems, start));
  if (start === 0) return tree;
  return {
    at(keys) {
      const written = tree.at(keys);
      return written && moved(written, start);
    },
    sourceAt(keys) {
      const source = tree.sourceAt(keys);
      return source && {...source, at: source.at + start};
    },
    strangeRoot: tree.strangeRoot === undefined ? undefined : tree.strangeRoot + start,
  };
}

async function treeOfLibrary(text: string, problems: Problems, start: number): Promise<Tree> {
  const {parseYaml} = await import('./parse-yaml.ts');
  return parseYaml(text, {error: (at, message, hint) => problems.error(start + at, message, hint)});
}

function plainTree(root: Written | undefined): Tree | undefined {
  if (root === undefined) return undefined;
  const at = (keys: readonly string[]) =>
    keys.reduce<Written | undefined>((found, key) => valueAt(found, key), root);
  return {
    at,
    sourceAt(keys) {
      const map = at(keys);
      const name = sourceOf(map);
      if (map?.kind !== 'map' || name === undefined) return undefined;
      return {name, at: map.entries.get(name)?.keyAt ?? map.at, isOnly: map.entries.size === 1};
    },
    strangeRoot: undefined,
  };
}
