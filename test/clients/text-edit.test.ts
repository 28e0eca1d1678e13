import test from 'ava';
import {array, assert, boolean, constantFrom, property, tuple} from 'fast-check';
import {cargo} from '../../src/clients/builders.ts';
import {addLines, takeBack, type WantedLine} from '../../src/clients/text-edit.ts';

const keyring: WantedLine = {
  section: '[global]',
  line: 'keyring-provider = subprocess',
  isRival: (line) => /^\s*keyring-provider\s*[=:]/.test(line),
};
const world = {
  environment: {},
  home: '/home/me',
  scripts: '/opt/orgkey',
  links: '/home/me/links',
  organizations: [],
};
const providers = cargo.want(world).files.flatMap(({lines}) => lines);
const providerLine = providers[0]?.line;
const top: WantedLine = {
  line: 'keyring-provider = "subprocess"',
  isRival: (line) => /^\s*keyring-provider\s*=/.test(line),
};

for (const [title, before, after] of [
  ['no file', '', '[global]\nkeyring-provider = subprocess\n'],
  ['another section', '[install]\nx = 1\n', '[install]\nx = 1\n\n[global]\nkeyring-provider = subprocess\n'],
  [
    'the section, with comments',
    '# mine\n[global] ; yes\n# own\nx = 1\n',
    '# mine\n[global] ; yes\nkeyring-provider = subprocess\n# own\nx = 1\n',
  ],
  ['no line end at the end', '[global]\nx = 1', '[global]\nkeyring-provider = subprocess\nx = 1\n'],
  ['line ends of Windows', '[global]\r\nx = 1\r\n', '[global]\r\nkeyring-provider = subprocess\r\nx = 1\r\n'],
  [
    'the line already',
    '[global]\nkeyring-provider = subprocess\n',
    '[global]\nkeyring-provider = subprocess\n',
  ],
] as const)
  test(`a line is added to a file with ${title}, and taken back`, (t) => {
    const {text, written, rivals} = addLines(before, [keyring]);
    t.is(text, after);
    t.deepEqual(rivals, []);
    t.is(takeBack(text, written), before);
    t.is(addLines(text, [keyring]).text, text, 'twice is once');
  });

test("a user's own value stays and is named", (t) => {
  const before = '[global]\nkeyring-provider = import\n';
  const {text, rivals} = addLines(before, [keyring]);
  t.is(text, before);
  t.deepEqual(rivals, ['keyring-provider = import']);
});

for (const other of ['registry.default = "mine"', 'registry = {default = "mine"}'])
  test(`a section is not added to a file that has it as ${other}`, (t) => {
    const before = `${other}\n[build]\njobs = 1\n`;
    const {text, written, rivals} = addLines(before, providers);
    t.is(text, before);
    t.deepEqual(rivals, [other]);
    t.is(takeBack(text, written), before);
  });

test('another form of the section that names us is complete', (t) => {
  const before = 'registry.global-credential-providers = ["/opt/orgkey/cargo-credential-orgkey"]\n';
  const {text, rivals} = addLines(before, providers);
  t.is(text, before);
  t.deepEqual(rivals, []);
});

test('a key of another section that looks like another form does not matter', (t) => {
  const before = '[mine]\nregistry = "x"\n';
  t.is(addLines(before, providers).text, `${before}\n[registry]\n${providerLine}\n`);
});

for (const header of ['[ registry ]', '["registry"]', "[ 'registry' ] # mine"])
  test(`a line comes below the header ${header}`, (t) => {
    const before = `${header}\ndefault = "mine"\n`;
    const {text, written} = addLines(before, providers);
    t.is(text, `${header}\n${providerLine}\ndefault = "mine"\n`);
    t.is(takeBack(text, written), before);
  });

test('the same key in another section is another key', (t) => {
  const before = '[install]\nkeyring-provider = import\n';
  t.true(addLines(before, [keyring]).text.endsWith('[global]\nkeyring-provider = subprocess\n'));
});

test('a line without a section comes before the first section', (t) => {
  const before = '# mine\n[pip]\nkeyring-provider = "disabled"\n';
  const {text, written} = addLines(before, [top]);
  t.is(text, `keyring-provider = "subprocess"\n${before}`);
  t.is(takeBack(text, written), before);
});

test('a list of several lines that names us already is complete', (t) => {
  const wanted: WantedLine = {
    section: '[registry]',
    line: 'global-credential-providers = ["cargo:token", "/opt/x/cargo-credential-orgkey"]',
    isRival: (line) => line.startsWith('global-credential-providers'),
  };
  const before = '[registry]\nglobal-credential-providers = [\n  "cargo-credential-orgkey",\n]\n';
  t.deepEqual(addLines(before, [wanted]).rivals, []);
  t.is(addLines(before, [wanted]).text, before);
  const foreign = before.replace('cargo-credential-orgkey', 'cargo-credential-1password');
  t.is(addLines(foreign, [wanted]).rivals.length, 1);
});

test('ours is joined to a value of the user, which comes back', (t) => {
  const wanted: WantedLine = {
    line: 'GOPRIVATE=dev.azure.com',
    isRival: (line) => line.startsWith('GOPRIVATE='),
    join: (theirs) => `${theirs},dev.azure.com`,
  };
  const before = 'A=1\nGOPRIVATE=example.org\n';
  const {text, written} = addLines(before, [wanted]);
  t.is(text, 'A=1\nGOPRIVATE=example.org,dev.azure.com\n');
  t.is(takeBack(text, written), before);
  // what the user wrote since then is theirs
  const changed = text.replace('example.org', 'example.net');
  t.is(takeBack(changed, written), changed);
});

test('what the user put below our header stays, with the header', (t) => {
  const {text, written} = addLines('', [keyring]);
  t.is(takeBack(`${text}timeout = 60\n`, written), '[global]\ntimeout = 60\n');
});

test('whatever a file holds, adding and taking back leaves it as it was', (t) => {
  const line = constantFrom('', '[global]', '[x]', '# c', 'a = 1', ' keyring-provider = y', '[[t]]', 'ä');
  const file = tuple(array(line), constantFrom('\n', '\r\n'), boolean()).map(
    ([lines, end, isOpen]) => lines.join(end) + (isOpen || lines.length === 0 ? '' : end),
  );
  assert(
    property(file, (before) => {
      const {text, written} = addLines(before, [keyring]);
      t.is(takeBack(text, written), before);
      for (const kept of before.split(/\r?\n/)) t.true(text.includes(kept));
    }),
  );
});
