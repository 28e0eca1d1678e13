import test from 'ava';
import * as fc from '../../helpers/any.ts';
import {parseYaml} from '../../../src/config/text/parse-yaml.ts';
import {Problems} from '../../../src/config/text/problems.ts';
import {readPlainYaml} from '../../../src/config/text/read-plain-yaml.ts';
import {valueAt, type Written} from '../../../src/config/text/written.ts';

/** The text under `orgkey:`, by the library; `undefined` where it finds something wrong. */
function byLibrary(text: string): Written | undefined {
  const problems = new Problems('file', text);
  const orgkey = parseYaml(text, problems).at(['orgkey']);
  return problems.found ? undefined : orgkey;
}

/** One to a line, rightly or wrongly written; § is $, which a template would take for its own. */
const SCALARS = String.raw`a
ab c
a-b
§{VAR}
a§{VAR}b
§§{VAR}
true
False
null
~
~a
yes
on
0
007
12
1.5
1e3
0x1F
0o17
.inf
.5
.
..
1.2.3
+1
-1
-
--
---
...
1_000
12:30
2024-01-01
9f000000-0000-0000-0000-000000000000
https://x.example/?a=b&c
a:b
a :b
a: b
a:
:a
/run/x
@a
*a
&a
!a
%a
"a"
"a b: c #d"
" a "
"a\nb"
"a
'a'
'a''b'
'a
''
""
"a"b
'a' 'b'
a"b"
it's
[]
{}
[a]
[a, b]
[a,b]
[ a , b ]
[a,]
[,]
[a
a]
[a b, "c, d"]
[a: b]
[[a], {b: c}]
[a #b]
["a", 'b']
[§{A}]
[1, true, ~]
{a: b}
{a: b, c: [d]}
{a}
{a:b}
{a: }
{"a": b}
{a: b,}
{a: b
{a: §{B}}
{a: b, a: c}
{a: {b: {c: d}}}
{?a: b}
{a : b}
|
>
|-
<<
?
? a
a ? b
=
_a
(a)
<a>
a#b
a #b
a # b
a  b
ä
#a
# a
 
a\b
a,b
a]b
a}b
a{b`
  .replaceAll('§', '$')
  .split('\n');

const scalar = fc.oneof(
  fc.constantFrom(...SCALARS, '', 'a\tb', '`a`'),
  fc.stringMatching(/^[ab0.~:#\-,[\]{}"' $\\]{0,12}$/),
);

const key = fc.oneof(
  {
    arbitrary: fc.constantFrom('a', 'b', 'clientId', '$env', 'a-b', 'a.b', '_x', 'a1', 'true', 'null'),
    weight: 20,
  },
  {
    arbitrary: fc.constantFrom(
      '1',
      '"a"',
      "'a'",
      'a b',
      '<<',
      '- a',
      '? a',
      '',
      '-',
      'a:b',
      '~',
      '&x a',
      '*x',
      '[a]',
      '#a',
      '-a',
      '.a',
    ),
    weight: 1,
  },
);

const comment = fc.constantFrom('', '', '', ' # c', ' #c', '  ## c', ' #', '# c', ' \t# c');

interface Block {
  readonly lines: readonly string[];
}

/** Lines that are nearly always YAML; what they are indented by is mostly right. */
const {block} = fc.letrec<{block: Block; entry: string[]}>((tie) => ({
  block: fc
    .tuple(
      fc.array(tie('entry'), {minLength: 1, maxLength: 4}),
      fc.constantFrom('map', 'map', 'list', 'mixed'),
    )
    .map(([entries, kind]) => ({
      lines: entries.flatMap((lines, index) =>
        kind === 'list' || (kind === 'mixed' && index % 2 === 1)
          ? lines.map((line, at) => `${at === 0 ? '- ' : '  '}${line}`)
          : lines,
      ),
    })),
  entry: fc.oneof(
    {maxDepth: 3},
    fc.tuple(key, scalar, comment).map(([name, value, note]) => [`${name}: ${value}${note}`]),
    scalar.map((value) => [value]),
    fc
      .tuple(key, comment, tie('block'), fc.constantFrom(0, 1, 2, 2, 2, 4))
      .map(([name, note, {lines}, indent]) => [
        `${name}:${note}`,
        ...lines.map((line) => ' '.repeat(indent) + line),
      ]),
    fc.constantFrom('', '# note', '   # note', '  ').map((line) => [line]),
  ),
}));

test('what is read here is what the library reads, offsets included', (t) => {
  let plain = 0;
  fc.assert(
    fc.property(
      block,
      fc.constantFrom('', '\n', '\n\n# end'),
      fc.constantFrom(0, 1, 2, 2, 2),
      ({lines}, end, indent) => {
        const text = `app: x\norgkey:\n${lines.map((line) => ' '.repeat(indent) + line).join('\n')}${end}`;
        const read = readPlainYaml(text);
        if (read === undefined) return;
        plain += 1;
        t.deepEqual(valueAt(read, 'orgkey'), byLibrary(text), JSON.stringify(text));
      },
    ),
    {numRuns: 20_000},
  );
  t.true(plain > 1000, `only ${plain} were plain`);
});

test('any text at all: only what the library reads, and then the same', (t) => {
  const anything = fc.oneof(
    fc.stringMatching(/^[ab:\-#[\]{},"' \n]{0,30}$/),
    fc
      .array(
        fc.tuple(
          fc.constantFrom('', ' ', '  ', '   ', '- ', '  - '),
          key,
          fc.constantFrom(':', ': ', ''),
          scalar,
        ),
        {maxLength: 5},
      )
      .map((lines) => lines.map((line) => line.join('')).join('\n')),
  );
  fc.assert(
    fc.property(anything, (inner) => {
      for (const text of [inner, `orgkey:\n${inner}`, `orgkey: ${inner}`]) {
        const read = readPlainYaml(text);
        if (read !== undefined) t.deepEqual(valueAt(read, 'orgkey'), byLibrary(text), JSON.stringify(text));
      }
    }),
    {numRuns: 10_000},
  );
});

const plain: readonly string[] = [
  '',
  '# only a comment\n',
  'orgkey:\n',
  'integrations:\n  azure:\n    - host: dev.azure.com\n      credentials:\n        - organizations: [a, b]\n          clientId: ${A} # c\n          tenantId: "x"\n',
  'integrations:\n  azure:\n  - credentials:\n    - personalAccessToken: {$env: PAT}\n',
  'orgkey: {sockets: [{name: team-a, organizations: [contoso], mode: "0660", group: builders}]}',
];

for (const text of plain) {
  test(`read without the library: ${JSON.stringify(text)}`, (t) => {
    const read = readPlainYaml(text);
    t.not(read, undefined);
    t.deepEqual(valueAt(read, 'orgkey'), byLibrary(text));
  });
}

const others: readonly string[] = [
  'a: |\n  b\n',
  'a: >\n  b\n',
  'a: &x b\n',
  'a: *x\n',
  'a: !!str b\n',
  'a: b\n  c\n',
  'a: [b,\n c]\n',
  'a: "b\\n"\n',
  'a: b: c\n',
  'a: ä\n',
  'a:\tb\n',
  'a: 1.5\n',
  '- a\n',
  'a\n',
  '---\na: b\n',
  '%YAML 1.2\n---\na: b\n',
  'a: b\na: c\n',
  '  a: b\nc: d\n',
  'a:\n    b: c\n  d: e\n',
  `a: ${'['.repeat(50)}\n`,
  `${Array.from({length: 50}, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')}\n`,
];

for (const text of others) {
  test(`left to the library: ${JSON.stringify(text.slice(0, 60))}`, (t) => {
    t.is(readPlainYaml(text), undefined);
  });
}
