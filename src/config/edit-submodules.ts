import {isMap, isSeq, parseDocument, type Document} from 'yaml';

/**
 * The text of a configuration with a submodule key for one organization, read from a file; what else stands in it
 * stays, comments included. An organization that has such a rule already keeps it: the text comes back as it is.
 * `undefined`: the text is not of a form that can be added to.
 */
export function addSubmoduleKey(text: string, organization: string, file: string): string | undefined {
  const document = parsed(text);
  if (document === undefined) return undefined;
  if (rulesIn(document).some((rule) => rule.organizations.includes(organization))) return text;
  const rule = {organizations: [organization], privateKey: {$file: file}};
  // at the end of the text nothing has to be laid out anew
  if (!document.has('orgkey')) return `${text.replace(/\n*$/, '\n')}${blockOf(organization, file)}`;
  const at = ['orgkey', 'submodules'];
  if (isSeq(document.getIn(at))) document.addIn(at, document.createNode(rule));
  else if (isMap(document.get('orgkey')) && !document.hasIn(at)) document.setIn(at, [rule]);
  else return undefined;
  return document.toString({lineWidth: 0});
}

/** The text without the rule that is for this organization alone. `undefined`: there is none. */
export function removeSubmoduleKey(text: string, organization: string): string | undefined {
  const document = parsed(text);
  if (document === undefined) return undefined;
  const at = rulesIn(document).findIndex(
    ({organizations}) => organizations.length === 1 && organizations[0] === organization,
  );
  if (at === -1) return undefined;
  document.deleteIn(['orgkey', 'submodules', at]);
  return document.toString({lineWidth: 0});
}

function parsed(text: string): Document | undefined {
  const document = parseDocument(text, {logLevel: 'error', prettyErrors: false});
  return document.errors.length === 0 && (document.contents === null || isMap(document.contents))
    ? document
    : undefined;
}

/** In lower case. */
function rulesIn(document: Document): {readonly organizations: readonly string[]}[] {
  const rules = document.getIn(['orgkey', 'submodules']);
  if (!isSeq(rules)) return [];
  return rules.items.map((rule) => {
    const names = isMap(rule) ? rule.get('organizations') : undefined;
    const organizations = isSeq(names) ? names.toJSON() : [];
    return {
      organizations: Array.isArray(organizations)
        ? organizations.map((name) => String(name).toLowerCase())
        : [],
    };
  });
}

function blockOf(organization: string, file: string): string {
  return [
    '',
    'orgkey:',
    '  submodules:',
    `    - organizations: [${JSON.stringify(organization)}]`,
    `      privateKey: {$file: ${JSON.stringify(file)}}`,
    '',
  ].join('\n');
}
