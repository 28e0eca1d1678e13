import {isMap, isNode, isScalar, visit, type Pair, type YAMLMap} from 'yaml';
import {beginOf, endOf, fieldsOf, lineBegin, meaningOf, spliced, withoutLines} from './splice.ts';

/**
 * Returns the text in which a rule has these fields beside its organizations, and no others. Comments between the
 * fields stay. `undefined`: the rule has a form that cannot be changed safely.
 */
export function changeIdentity(text: string, rule: YAMLMap, fields: readonly string[]): string | undefined {
  const wanted = new Map(fields.map((line) => [line.slice(0, line.indexOf(':')), line]));
  if (rule.flow === true) return hasComments(rule) ? undefined : asFlow(text, rule, fields);
  if (!rule.items.every(({key}) => isScalar(key))) return undefined;
  const kept = rule.items.filter((pair) => nameOf(pair) === 'organizations' || wanted.has(nameOf(pair)));
  const gone = rule.items.filter((pair) => !kept.includes(pair));
  const names = new Set(kept.map(nameOf));
  const added = [...wanted].filter(([name]) => !names.has(name)).map(([, line]) => line);
  const edits: Edit[] = [
    ...kept.flatMap((pair) => {
      const line = wanted.get(nameOf(pair));
      return line === undefined ? [] : [{from: beginOf(pair.key), to: endOf(text, pair), text: line}];
    }),
    ...gone.map((pair, at) => ({from: beginOf(pair.key), to: endOf(text, pair), text: added[at]})),
  ];
  const last = rule.items.at(-1);
  const rest = added.slice(gone.length);
  const begin = beginOf(rule);
  const indent = ' '.repeat(begin - lineBegin(text, begin));
  if (last !== undefined && rest.length > 0) {
    const end = text.indexOf('\n', endOf(text, last));
    const at = end === -1 ? text.length : end;
    edits.push({from: at, to: at, text: rest.map((line) => `\n${indent}${line}`).join('')});
  }
  return apply(text, edits, begin);
}

interface Edit {
  readonly from: number;
  readonly to: number;
  /** `undefined`: the lines are removed. */
  readonly text: string | undefined;
}

/** Applies the edits from the last to the first. The first field of a rule shares its line with the hyphen. */
function apply(text: string, edits: readonly Edit[], begin: number): string | undefined {
  let edited = text;
  for (const {from, to, text: inserted} of edits.toSorted((one, other) => other.from - one.from)) {
    if (inserted !== undefined) edited = spliced(edited, from, to, inserted);
    else if (from > begin) edited = withoutLines(edited, from, to);
    else {
      const next = /^\s*/.exec(edited.slice(to))?.[0].length ?? 0;
      if (edited.slice(to + next).startsWith('#')) return undefined;
      edited = spliced(edited, from, to + next, '');
    }
  }
  return edited;
}

function nameOf({key}: Pair): string {
  return isScalar(key) ? String(key.value) : '';
}

function asFlow(text: string, rule: YAMLMap, fields: readonly string[]): string {
  const organizations = rule.items.find((pair) => nameOf(pair) === 'organizations');
  const own = organizations && text.slice(beginOf(organizations.key), endOf(text, organizations));
  const rest = JSON.stringify(fieldsOf(meaningOf(fields.join('\n')))).slice(1, -1);
  return spliced(text, beginOf(rule), endOf(text, rule), `{${own === undefined ? '' : `${own}, `}${rest}}`);
}

function hasComments(node: YAMLMap): boolean {
  let found = false;
  visit(node, {
    Node: (_, one) => {
      if (isNode(one) && (one.comment || one.commentBefore)) found = true;
    },
    Pair: (_, {value}) => {
      if (isMap(value) && value.comment) found = true;
    },
  });
  return found;
}
