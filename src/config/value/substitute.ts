/** What `${…}` in a text became. */
type Substituted =
  | {readonly kind: 'text'; readonly text: string; readonly variables: readonly string[]}
  /** Backstage drops the whole value where one of its variables is missing. */
  | {readonly kind: 'missing'; readonly variable: string};

/**
 * `${NAME}` is the variable, `${NAME:-otherwise}` the variable or, where it is missing or empty, the other text,
 * `$${NAME}` the text `${NAME}`. What a variable holds is trimmed and not looked at again.
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

/** Whether anything in the text is replaced. */
export function hasPlaceholder(text: string): boolean {
  return /(?<!\$)\$\{[^{}]*\}/.test(text);
}

/** Whether it says something itself, beside its placeholders or as the other text of one. */
export function hasOwnText(text: string): boolean {
  return partsOf(text).some((part, index) => {
    const own =
      index % 2 === 0 || part.startsWith('$$') ? part.trim() : placeholder(part.slice(2, -1)).otherwise;
    return own !== undefined && own !== '';
  });
}

/** Those at odd positions are the placeholders, escaped ones among them. */
function partsOf(text: string): string[] {
  return text.split(/(\$?\$\{[^{}]*\})/);
}

function placeholder(inner: string): {readonly name: string; readonly otherwise: string | undefined} {
  const at = inner.indexOf(':-');
  if (at === -1) return {name: inner.trim(), otherwise: undefined};
  return {name: inner.slice(0, at).trim(), otherwise: inner.slice(at + 2).trim()};
}
