type Substituted =
  | {readonly kind: 'text'; readonly text: string; readonly variables: readonly string[]}
  /** As in Backstage, the whole value is missing if one of its variables is. */
  | {readonly kind: 'missing'; readonly variable: string};

/**
 * Replaces `${NAME}` by the variable, `${NAME:-otherwise}` by the variable or, if it is missing or empty, by the other
 * text, and `$${NAME}` by the text `${NAME}`. The value of a variable is trimmed, and not replaced again.
 * @see https://backstage.io/docs/conf/writing/#environment-variable-substitution
 */
export function substitute(text: string, variableNamed: (name: string) => string | undefined): Substituted {
  const variables: string[] = [];
  let result = '';
  for (const [index, part] of partsOf(text).entries()) {
    if (index % 2 === 0) {
      result += part;
      continue;
    }
    if (part.startsWith('$$')) {
      result += part.slice(1);
      continue;
    }
    const {name, otherwise} = placeholder(part.slice(2, -1));
    variables.push(name);
    const value = variableNamed(name)?.trim();
    const replaced = otherwise === undefined ? value : value || otherwise || undefined;
    if (replaced === undefined) return {kind: 'missing', variable: name};
    result += replaced;
  }
  return {kind: 'text', text: result, variables};
}

export function hasPlaceholder(text: string): boolean {
  return /(?<!\$)\$\{[^{}]*\}/.test(text);
}

/** Whether it has text of its own, outside its placeholders or as the other text of one. */
export function hasOwnText(text: string): boolean {
  return partsOf(text).some((part, index) => {
    const own =
      index % 2 === 0 || part.startsWith('$$') ? part.trim() : placeholder(part.slice(2, -1)).otherwise;
    return own !== undefined && own !== '';
  });
}

/** Splits a text. The parts at odd positions are the placeholders, also escaped ones. */
function partsOf(text: string): string[] {
  return text.split(/(\$?\$\{[^{}]*\})/);
}

function placeholder(inner: string): {readonly name: string; readonly otherwise: string | undefined} {
  const at = inner.indexOf(':-');
  if (at === -1) return {name: inner.trim(), otherwise: undefined};
  return {name: inner.slice(0, at).trim(), otherwise: inner.slice(at + 2).trim()};
}
