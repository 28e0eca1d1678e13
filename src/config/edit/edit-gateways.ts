import {isDeepStrictEqual} from 'node:util';
import {isMap, isSeq} from 'yaml';
import {fieldsOf, keepingLineEnds, parsed, withoutItem, checkedList, itemsOf} from './splice.ts';
import {withSectionItem} from './splice-section.ts';

interface WrittenGateway {
  readonly name: string;
  readonly repositories: readonly string[];
  readonly push: readonly string[];
  readonly deletions: boolean;
  readonly listen?: string;
}

/**
 * Returns the text of a configuration with this gateway. If it has one of this name, only the repositories and the port
 * that are missing there are added. The rest stays byte for byte. `undefined`: the text cannot be changed safely.
 */
export function addGateway(text: string, gateway: WrittenGateway): string | undefined {
  const {text: edited} = keepingLineEnds(text, (lines) => ({text: withGateway(lines, gateway)}));
  return edited;
}

/** Returns the text without the gateway of this name. `undefined`: it has none, or cannot be changed safely. */
export function removeGateway(text: string, name: string): string | undefined {
  const {text: edited} = keepingLineEnds(text, (lines) => ({text: withoutGateway(lines, name)?.text}));
  return edited;
}

function withGateway(text: string, gateway: WrittenGateway): string | undefined {
  const removed = withoutGateway(text, gateway.name);
  const value = merged(removed?.was ?? {}, gateway);
  if (removed !== undefined && isDeepStrictEqual(value, removed.was)) return text;
  const rest = removed?.text ?? text;
  const document = parsed(rest);
  if (document === undefined) return undefined;
  const next = withSectionItem(rest, document, 'gateways', {value, lines: linesOf(value)});
  return checkedList(rest, next, ['orgkey', 'gateways'], (gateways) => [...gateways, value]);
}

type Fields = Readonly<Record<string, unknown>>;

function merged(was: Fields, {repositories, ...fields}: WrittenGateway): Fields {
  return {...fields, ...was, repositories: [...new Set([...itemsOf(was['repositories']), ...repositories])]};
}

function withoutGateway(
  text: string,
  name: string,
): {readonly text: string; readonly was: Fields} | undefined {
  const gateways = parsed(text)?.getIn(['orgkey', 'gateways']);
  if (!isSeq(gateways)) return undefined;
  const index = gateways.items.findIndex((item) => isMap(item) && item.get('name') === name);
  const item = gateways.items[index];
  if (!isMap(item)) return undefined;
  const next = withoutItem(text, gateways, index);
  const rest = checkedList(text, next, ['orgkey', 'gateways'], (all) => all.toSpliced(index, 1));
  return rest === undefined ? undefined : {text: rest, was: fieldsOf(item.toJSON())};
}

/** JSON strings are valid in YAML. */
function linesOf(gateway: Fields): readonly string[] {
  return Object.entries(gateway).map(
    ([key, value], at) => `${at === 0 ? '-' : ' '} ${key}: ${JSON.stringify(value)}`,
  );
}
