import {testRefused} from '../../helpers/refused.ts';

testRefused([
  ['a tab', 'orgkey:\n\tprefetch: true\n', ['2:1 tabs cannot indent: use spaces']],
  [
    'an open quote',
    'orgkey:\n  x: "abc\n',
    ['3:1 a quote, a bracket, a comma, a colon or a space is missing'],
  ],
  [
    'a placeholder between brackets',
    'integrations: {azure: [{host: ${HOST}}]}\n',
    ['1:31 between brackets, ${…} needs quotes around it'],
  ],
  [
    'a second document',
    'orgkey: {}\n---\nx: 1\n',
    ['2:1 a second document begins here: the file must be one'],
  ],
  [
    'an unknown alias',
    'orgkey: *abc\n',
    ['1:9 no anchor has this name: put quotes around text that begins with an asterisk'],
  ],
  ['an at sign', 'orgkey:\n  x: @abc\n', ['2:6 text cannot begin with this character: put quotes around it']],
  [
    'an alias of itself',
    'orgkey: &o {sockets: *o}\n',
    ['1:12 sockets must be a list', '1:13 values are nested too deeply'],
  ],
  [
    'a billion values in a few lines',
    `orgkey:\n  prefetch: &a [${'x,'.repeat(50)}]\n  onFailure: &b [${'*a,'.repeat(50)}]\n  idleExit: &c [${'*b,'.repeat(50)}]\n  ssh: [*c,*c]\n`,
    [
      '2:16 too many aliases',
      '3:17 onFailure must be quit or pass',
      '4:16 idleExit must be never, or a time as in 90s, 10m or 2h',
      '5:8 ssh must be a mapping',
    ],
  ],
  [
    'a key that stands twice, and slips elsewhere',
    `integrations:
  azure:
    - credentials:
        - {organisation: [a], personalAccessToken: x}
        - {personalAccessToken: y, personalAccessToken: z}
orgkey: {onFailur: pass}
`,
    ['4:12 unknown key: organisation', '5:36 the same key is here twice', '6:10 unknown key: onFailur'],
  ],
  [
    'values that YAML makes nothing of, and slips elsewhere',
    `integrations:
  azure:
    - credentials:
        - {organizations: *abc, personalAccessToken: x}
        - *abc
        - {personalAccessToken: !!binary eA==}
orgkey: {onFailur: pass, prefetch: *abc, idleExit:}
`,
    [
      '4:27 no anchor has this name: put quotes around text that begins with an asterisk',
      '5:11 no anchor has this name: put quotes around text that begins with an asterisk',
      '6:42 a kind of value that is not known here',
      '7:10 unknown key: onFailur',
      '7:36 no anchor has this name: put quotes around text that begins with an asterisk',
      '7:42 idleExit has no value',
    ],
  ],
]);
