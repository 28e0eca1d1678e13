import {isMap, isSeq, type Document} from 'yaml';
import {withEntry, withLines} from './splice.ts';

/** The lists of the section `orgkey` that commands change. */
type ListKey = 'submodules' | 'gateways';

/** An item as JSON and as YAML: the file may be either. */
interface Item {
  readonly value: unknown;
  /** The first one begins with `- `. */
  readonly lines: readonly string[];
}

/** Returns the text with one more item in a list of the section. `undefined`: the text has no place for it. */
export function withSectionItem(
  text: string,
  document: Document.Parsed,
  key: ListKey,
  item: Item,
): string | undefined {
  const root = document.contents;
  if (!isMap(root)) return withSection(text, key, item);
  const json = JSON.stringify(item.value);
  if (!root.has('orgkey'))
    return root.flow === true
      ? withEntry(text, root, `"orgkey": {"${key}": [${json}]}`)
      : withSection(text, key, item);
  const section = root.get('orgkey');
  if (!isMap(section)) return undefined;
  if (!section.has(key))
    return section.flow === true
      ? withEntry(text, section, `"${key}": [${json}]`)
      : withLines(text, section, [`${key}:`, ...item.lines.map((line) => `  ${line}`)]);
  const list = section.get(key);
  if (!isSeq(list)) return undefined;
  return list.flow === true ? withEntry(text, list, json) : withLines(text, list, item.lines);
}

/** At the end. */
function withSection(text: string, key: ListKey, {lines}: Item): string {
  const section = ['orgkey:', `  ${key}:`, ...lines.map((line) => `    ${line}`)];
  const gap = text === '' || text.endsWith('\n') ? '' : '\n';
  return `${text}${gap}${['', ...section, ''].join('\n')}`;
}
